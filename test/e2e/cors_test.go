package e2e

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestStreamsAreReadAcrossOrigins(t *testing.T) {
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		io.WriteString(w, r.Method)
	})
	s := testsite.Run(t, testsite.BridgeSite(addr, "cors https://app.example.com", "limits {", "clients_per_ip 1", "}"))
	stream := testsite.Subscribe(t, s.URL+"/", "Origin", "https://app.example.com")
	stream.Want("GET")
	check := func(what string, h http.Header, want string) {
		t.Helper()
		if got := h.Get("Access-Control-Allow-Origin"); got != want || !slices.Contains(h.Values("Vary"), "Origin") {
			t.Errorf("%s: Access-Control-Allow-Origin: %q, Vary: %q", what, got, h.Values("Vary"))
		}
	}
	check("a stream", stream.Response.Header, "https://app.example.com")
	check("a client who is turned away", testsite.Subscribe(t, s.URL+"/", "Origin", "https://app.example.com").Response.Header, "https://app.example.com")
	stream.Close()
	testsite.Eventually(t, "the place to be free", func() bool { return clientsOf(t) == 0 })
	check("a refusal", testsite.Subscribe(t, s.URL+"/refused", "Origin", "https://app.example.com").Response.Header, "https://app.example.com")
	testsite.Eventually(t, "the place to be free", func() bool { return clientsOf(t) == 0 })
	other := testsite.Subscribe(t, s.URL+"/", "Origin", "https://evil.org")
	other.Want("GET") // which its browser does not let it see
	check("another origin", other.Response.Header, "")

	for origin, want := range map[string]int{"https://app.example.com": http.StatusNoContent, "https://evil.org": http.StatusOK} {
		resp, body := testsite.Do(t, "OPTIONS", s.URL, "", "Origin", origin, "Access-Control-Request-Method", "GET")
		if resp.StatusCode != want || (body == "OPTIONS") != (want == http.StatusOK) {
			t.Errorf("a preflight from %s: got %s %q", origin, resp.Status, body)
		}
	}
}
