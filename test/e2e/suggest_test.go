package e2e

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/suggest"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// legacy is a backend that has counted to n so far.
type legacy struct {
	mu   sync.Mutex
	n    int
	more chan struct{} // closed when n grows
	held int           // requests that wait for that
}

func newLegacy(n int) *legacy { return &legacy{n: n, more: make(chan struct{})} }

func (l *legacy) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func (l *legacy) grow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	close(l.more)
	l.more = make(chan struct{})
}

func (l *legacy) holding() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// wait holds a request until there is more than so much, and reports whether there is.
func (l *legacy) wait(r *http.Request, after int) bool {
	l.mu.Lock()
	l.held++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.held--
	}()
	for {
		l.mu.Lock()
		n, more := l.n, l.more
		l.mu.Unlock()
		if n > after {
			return true
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return false
		case <-time.After(testsite.Patience):
			return false
		}
	}
}

// TestSuggestedBlocksDeliverAndResume loads what is suggested as it is, on one node and then on another.
func TestSuggestedBlocksDeliverAndResume(t *testing.T) {
	for _, c := range suggested {
		t.Run(c.name, func(t *testing.T) {
			state := newLegacy(3)
			upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) { c.serve(state, w, r) })
			block := suggestFor(t, "http://"+upstream+c.uri)
			path, _, _ := strings.Cut(c.uri, "?")
			lastID := ""
			ok := t.Run("to a newcomer", func(t *testing.T) {
				s := testsite.Run(t, "{{site}} {\n"+block+"}\n")
				stream := testsite.Subscribe(t, s.URL+path)
				if c.live {
					testsite.Eventually(t, "the poll", func() bool { return state.holding() > 0 })
					state.grow()
				}
				for i, want := range c.datas {
					got := stream.Next()
					if !strings.Contains(got.Data, want) {
						t.Fatalf("event %d is %+v, which does not hold %q, of the block\n%s", i, got, want, block)
					}
					if c.ids != nil && got.ID != c.ids[i] {
						t.Errorf("event %d has the id %q, want %q, of the block\n%s", i, got.ID, c.ids[i], block)
					}
					lastID = got.ID
				}
			})
			if !ok || c.next == "" {
				return
			}
			state.grow()
			t.Run("to who comes back", func(t *testing.T) {
				s := testsite.Run(t, "{{site}} {\n"+block+"}\n")
				if got := testsite.Subscribe(t, s.URL+path, "Last-Event-ID", lastID).Next(); !strings.Contains(got.Data, c.next) {
					t.Errorf("after %q comes %+v, which does not hold %q, of the block\n%s", lastID, got, c.next, block)
				}
			})
		})
	}
}

// suggestFor returns the block that is suggested for a URL.
func suggestFor(t *testing.T, target string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testsite.Patience)
	defer cancel()
	block, err := suggest.For(ctx, suggest.Endpoint{
		URL: u, Header: upstream.PollHeader(new(config.Plan), nil), Client: http.DefaultTransport, Say: func(string) {}, Hold: 300 * time.Millisecond, Apart: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + block.String())
	return block.String()
}

// answers is an endpoint that always says the same.
type answers string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}

// TestSuggestedBlocksAdapt holds the quoting of what comes from a URL against the parser of Caddyfiles.
func TestSuggestedBlocksAdapt(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"http://127.0.0.1:9000/", "http://[::1]:9000/a", "http://chat.example.com/a", "https://api.example.com:8443/a?token=x",
		"http://127.0.0.1:9000/a%20b?q=%22a%20b%22&r=%60&s=%5C&t=%23&u=&v={w}",
	} {
		for _, body := range []string{`{"a b":[{"id":1},{"id":2}]}`, `{"value":[],"@odata.deltaLink":"/"}`, "plain", "a|b\n1|x\n2|y\n"} {
			u, err := url.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			block, err := suggest.For(t.Context(), suggest.Endpoint{URL: u, Header: make(http.Header), Client: answers(body), Say: func(string) {}, Apart: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := testsite.Adapt("http://localhost:8080 {\n" + block.String() + "}\n"); err != nil {
				t.Errorf("for %s and %s: %v in\n%s", target, body, err, block)
			}
		}
	}
}
