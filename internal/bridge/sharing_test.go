package bridge

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// canaries are clients that each have a secret of their own, in one of the places that a poll
// keeps of a request.
func canary(identity, url int) (r *http.Request, secret, path string) {
	secret, path = fmt.Sprintf("secret-%d-%d;", identity, url), fmt.Sprintf("/feed/%d", url)
	switch identity % 3 {
	case 0:
		return testsite.ClientRequest("GET", path, "", testsite.Header("Authorization", "Bearer "+secret)), secret, path
	case 1:
		return testsite.ClientRequest("GET", path, "", testsite.Header("Cookie", `sid="`+strings.TrimSuffix(secret, ";")+`"`)), strings.TrimSuffix(secret, ";"), path
	default:
		return testsite.ClientRequest("GET", path+"?token="+strings.TrimSuffix(secret, ";"), ""), strings.TrimSuffix(secret, ";"), path
	}
}

func TestNoClientGetsAByteOfAnother(t *testing.T) {
	identities, urls, events := testsite.Soak(30, 200), testsite.Soak(10, 50), testsite.Soak(30, 100)
	allowed := []string{"Accept", "Accept-Encoding", "Authorization", "Cookie", "User-Agent", "X-Requested-With"}
	var strange atomic.Int64
	var keys sync.Map
	b := bridgeOf(t, func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if !slices.Contains(allowed, name) {
				strange.Add(1)
			}
		}
		since, _ := strconv.Atoi(r.URL.Query().Get("since"))
		if since >= events {
			<-r.Context().Done()
			return
		}
		fmt.Fprintf(w, `{"items":[{"id":%d,"path":%q,"got":%q}]}`, since+1, r.URL.Path,
			r.Header.Get("Authorization")+"|"+r.Header.Get("Cookie")+"|"+r.URL.Query().Get("token"))
	}, "long_poll", "items items", "id id", "query since {sse.cursor}")
	var clients sync.WaitGroup
	for identity := range identities {
		for url := range urls {
			clients.Go(func() {
				r, secret, path := canary(identity, url)
				p := requestOf(t, b.plan, r)
				keys.Store(p.Key, true)
				reader, _, err := b.join(p)
				if err != nil {
					t.Errorf("joining: %v", err)
					return
				}
				defer reader.Close()
				for got := 0; got < events; {
					batch, err := reader.Next()
					if err != nil {
						t.Errorf("reading: %v", err)
						return
					}
					for line := range strings.Lines(string(batch)) {
						if !strings.HasPrefix(line, "data: ") {
							continue
						}
						got++
						if strings.Count(line, "secret-") != 1 || !strings.Contains(line, secret) || !strings.Contains(line, `"`+path+`"`) {
							t.Errorf("%s of %s got %q", secret, path, line)
							return
						}
					}
				}
			})
		}
	}
	clients.Wait()
	if n := strange.Load(); n != 0 {
		t.Errorf("%d polls had a header that is not in their key", n)
	}
	feeds := 0
	keys.Range(func(any, any) bool { feeds++; return true })
	if feeds != identities*urls {
		t.Errorf("%d feeds for %d secrets at %d URLs", feeds, identities, urls)
	}
}

func TestCookiesThatKeepFeedsApartAreHintedAtOnce(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	b := bridgeOf(t, c.ServeHTTP, "long_poll", "items messages", "id id", "query lastId {sse.cursor}")
	core, log := observer.New(zap.DebugLevel)
	b.current.Load().Logger = zap.New(core)
	for i := range 5 {
		reader, _, err := b.join(requestOf(t, b.plan, testsite.ClientRequest("GET", "/messages", "", testsite.Header("Cookie", fmt.Sprint("sid=", i)))))
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
	}
	if n := log.FilterMessageSnippet("cookies").Len(); n != 1 {
		t.Errorf("%d hints", n)
	}
}

func TestFeedsThatOnlyLingerMakeRoom(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	b := bridgeOf(t, c.ServeHTTP, "long_poll", "items messages", "id id", "query lastId {sse.cursor}", "limits {\nfeeds 2\n}")
	open := func(path string) *feed.Reader {
		reader, _, err := b.join(requestOf(t, b.plan, testsite.ClientRequest("GET", path, "")))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return reader
	}
	stays := open("/a")
	defer stays.Close()
	open("/b").Close()
	third := open("/c")
	defer third.Close()
	if _, _, err := b.join(requestOf(t, b.plan, testsite.ClientRequest("GET", "/d", ""))); err == nil {
		t.Error("a feed came in over the limit, while the others have clients")
	}
}
