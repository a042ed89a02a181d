package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// relay is a host that answers each poll with one item, and with the URL of the next poll.
type relay struct {
	mu      sync.Mutex
	answers []string
	asked   []*http.Request
}

func (h *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, r)
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "secret", Path: "/"})
	answer := `{"items":[]}`
	if len(h.answers) > 0 {
		answer, h.answers = h.answers[0], h.answers[1:]
	}
	testsite.WriteAs(w, "application/json", answer)
}

// polls returns the requests so far.
func (h *relay) polls() []*http.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

func TestPollsMoveFromHostToHostWithoutTheClientsCredentials(t *testing.T) {
	own, first, second := new(relay), new(relay), new(relay)
	ownAt, firstAt, secondAt := testsite.Backend(t, own.ServeHTTP), testsite.Backend(t, first.ServeHTTP), testsite.Backend(t, second.ServeHTTP)
	own.answers = []string{
		fmt.Sprintf(`{"items":[1],"next":"http://%s/feed?after=1"}`, ownAt),
		fmt.Sprintf(`{"items":[2],"next":"http://%s/elsewhere?after=2"}`, firstAt),
		fmt.Sprintf(`{"items":[5],"next":"http://%s/elsewhere?after=5"}`, secondAt),
	}
	first.answers = []string{fmt.Sprintf(`{"items":[3],"next":"%s/wh?after=3"}`, secondAt)}
	second.answers = []string{
		fmt.Sprintf(`{"items":[4],"next":"http://%s/feed?after=4"}`, ownAt),
		`{"items":[6],"next":"?after=6"}`,
	}
	s := testsite.Run(t, testsite.FormatSite(ownAt, "rewrite {sse.cursor}", "hosts "+firstAt+" "+secondAt, "interval 10ms", "items items", "cursor next", "header_up X-Key mine"))
	stream := testsite.Subscribe(t, s.URL+"/feed?token=secret", "Authorization", "Bearer secret", "Cookie", "sid=secret")
	for _, want := range []string{"1", "2", "3", "4", "5", "6"} {
		if got := stream.Next(); got.Data != want {
			t.Fatalf("got %+v, want %s", got, want)
		}
	}
	for _, r := range own.polls()[:3] {
		if r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Cookie") == "" {
			t.Errorf("the block's own host got %s with %v", r.RequestURI, r.Header)
		}
	}
	for at, host := range map[string]*relay{firstAt: first, secondAt: second} {
		for _, r := range host.polls() {
			if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" || r.URL.Query().Has("token") {
				t.Errorf("another host got %s with %v", r.RequestURI, r.Header)
			}
			if r.Host != at || r.Header.Get("X-Key") != "mine" {
				t.Errorf("%s got a poll of %s with %v", at, r.Host, r.Header)
			}
		}
	}
}

func TestOpenSaysWhichHostIsPolled(t *testing.T) {
	own, host := new(relay), new(relay)
	hostAt := testsite.Backend(t, host.ServeHTTP)
	own.answers = []string{fmt.Sprintf(`{"server":"%s/wh123","ts":1}`, hostAt)}
	host.answers = []string{`{"items":[1],"ts":2}`, `{"items":[2],"ts":3}`}
	s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, own.ServeHTTP), "rewrite {sse.cursor.server}", "hosts "+hostAt, "query ts {sse.cursor.ts}", "interval 10ms",
		"open {\nrewrite /server\ncursor server server\ncursor ts ts\n}", "items items", "cursor ts ts"))
	stream := testsite.Subscribe(t, s.URL, "Authorization", "Bearer secret")
	stream.Want("1|2", "2|3")
	for i, r := range host.polls()[:2] {
		if r.RequestURI != fmt.Sprintf("/wh123?ts=%d", i+1) || r.Header.Get("Authorization") != "" {
			t.Errorf("poll %d: %s with %v", i, r.RequestURI, r.Header)
		}
	}
	if n := len(own.polls()); n != 1 {
		t.Errorf("the block's own host got %d requests", n)
	}
}

func TestAHostThatIsNotListedGetsNoPoll(t *testing.T) {
	own, listed, other := new(relay), new(relay), new(relay)
	otherAt := testsite.Backend(t, other.ServeHTTP)
	own.answers = []string{fmt.Sprintf(`{"items":[1],"next":"http://%s/feed?after=1"}`, otherAt)}
	s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, own.ServeHTTP), "rewrite {sse.cursor}", "hosts "+testsite.Backend(t, listed.ServeHTTP), "interval 10ms", "items items", "cursor next", "notify"))
	stream := testsite.Subscribe(t, s.URL+"/feed")
	if got := stream.Next(); got.Data != "1" {
		t.Fatalf("got %+v", got)
	}
	if got := stream.Next(); got.Type != "bridge.upstream" {
		t.Errorf("got %+v, want that the upstream is down", got)
	}
	if len(other.polls())+len(listed.polls()) > 0 {
		t.Errorf("another host got %d polls", len(other.polls())+len(listed.polls()))
	}
}

func TestARedirectStaysAtTheHostThatWasAsked(t *testing.T) {
	own, host := new(relay), new(relay)
	ownAt := testsite.Backend(t, own.ServeHTTP)
	var hostAt string
	hostAt = testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/first":
			http.Redirect(w, r, "/moved", http.StatusFound)
		case "/moved":
			testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"items":[2],"next":"http://%s/away"}`, hostAt))
		default:
			host.ServeHTTP(httptest.NewRecorder(), r)
			http.Redirect(w, r, "http://"+ownAt+"/stolen", http.StatusFound)
		}
	})
	own.answers = []string{fmt.Sprintf(`{"items":[1],"next":"http://%s/first"}`, hostAt)}
	s := testsite.Run(t, testsite.FormatSite(ownAt, "rewrite {sse.cursor}", "hosts "+hostAt, "interval 10ms", "items items", "cursor next"))
	stream := testsite.Subscribe(t, s.URL+"/feed", "Authorization", "Bearer secret")
	for _, want := range []string{"1", "2"} {
		if got := stream.Next(); got.Data != want {
			t.Fatalf("got %+v, want %s", got, want)
		}
	}
	testsite.Eventually(t, "a second try", func() bool { return len(host.polls()) > 1 })
	for _, r := range append(own.polls()[1:], host.polls()...) {
		if r.URL.Path != "/away" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s was asked for %s with %v", r.Host, r.RequestURI, r.Header)
		}
	}
}
