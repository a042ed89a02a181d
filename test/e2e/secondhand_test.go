package e2e

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestABackendSeesNothingElseOfTheClient(t *testing.T) {
	seen := make(chan *http.Request, 16)
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Clone(context.Background())
		io.WriteString(w, "{}")
	})
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+addr+"\n}")
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/poll?a=1&lastEventId=canary", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = testsite.Nosy()
	for _, name := range []string{"Connection", "Upgrade", "Transfer-Encoding", "Content-Length", "Trailer", "Te", "Expect", "Accept-Encoding"} {
		r.Header.Del(name) // Go's client is not to act on them
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := <-seen
	allowed := []string{
		"Accept", "Accept-Language", "Authorization", "Cookie", "User-Agent", "X-Requested-With", // the poll's
		"Accept-Encoding", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", // reverse_proxy's own
	}
	for name, values := range got.Header {
		if !slices.Contains(allowed, name) || strings.Contains(strings.Join(values, ""), "canary") {
			t.Errorf("%s: %q went upstream", name, values)
		}
	}
	if got.RequestURI != "/poll?a=1" || got.Host != s.Addr {
		t.Errorf("got %s of %s", got.RequestURI, got.Host)
	}
	if f := got.Header.Get("X-Forwarded-For"); f != "0.0.0.0" {
		t.Errorf("the poll comes from %q, not from nobody", f)
	}
}
