package ssebridge

import (
	"io"
	"net/http"
	"slices"
	"testing"
)

func TestStreamsAreReadAcrossOrigins(t *testing.T) {
	addr := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		io.WriteString(w, r.Method)
	})
	s := runCaddy(t, bridgeSite(addr, "cors https://app.example.com", "limits {", "clients_per_ip 1", "}"))
	stream := subscribe(t, s.url+"/", "Origin", "https://app.example.com")
	stream.want("GET")
	check := func(what string, h http.Header, want string) {
		t.Helper()
		if got := h.Get("Access-Control-Allow-Origin"); got != want || !slices.Contains(h.Values("Vary"), "Origin") {
			t.Errorf("%s: Access-Control-Allow-Origin: %q, Vary: %q", what, got, h.Values("Vary"))
		}
	}
	check("a stream", stream.response.Header, "https://app.example.com")
	check("a client who is turned away", subscribe(t, s.url+"/", "Origin", "https://app.example.com").response.Header, "https://app.example.com")
	stream.close()
	eventually(t, "the place to be free", func() bool { return clientsOf(t) == 0 })
	check("a refusal", subscribe(t, s.url+"/refused", "Origin", "https://app.example.com").response.Header, "https://app.example.com")
	eventually(t, "the place to be free", func() bool { return clientsOf(t) == 0 })
	other := subscribe(t, s.url+"/", "Origin", "https://evil.org")
	other.want("GET") // which its browser does not let it see
	check("another origin", other.response.Header, "")

	r, err := http.NewRequestWithContext(t.Context(), "OPTIONS", s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Access-Control-Request-Method", "GET")
	for origin, want := range map[string]int{"https://app.example.com": http.StatusNoContent, "https://evil.org": http.StatusOK} {
		r.Header.Set("Origin", origin)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || (string(body) == "OPTIONS") != (want == http.StatusOK) {
			t.Errorf("a preflight from %s: got %s %q", origin, resp.Status, body)
		}
	}
}
