package cors

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

func TestOriginsAreMatchedExactly(t *testing.T) {
	t.Parallel()
	listed := Origins{"https://app.example.com", "http://localhost:3000", "https://example.com:8443"}
	for _, c := range []struct {
		list   Origins
		origin []string
		want   string // Access-Control-Allow-Origin
	}{
		{listed, []string{"https://app.example.com"}, "https://app.example.com"},
		{listed, []string{"http://localhost:3000"}, "http://localhost:3000"},
		{listed, []string{"https://example.com:8443"}, "https://example.com:8443"},
		{listed, nil, ""},
		{listed, []string{""}, ""},
		{listed, []string{"null"}, ""},
		{listed, []string{"https://example.com"}, ""},
		{listed, []string{"https://evil-app.example.com"}, ""},
		{listed, []string{"https://sub.app.example.com"}, ""},
		{listed, []string{"https://app.example.com.evil.org"}, ""},
		{listed, []string{"https://app.example.comevil.org"}, ""},
		{listed, []string{"https://app.example.com:443"}, ""},
		{listed, []string{"https://app.example.com:8443"}, ""},
		{listed, []string{"http://app.example.com"}, ""},
		{listed, []string{"https://APP.example.com"}, ""},
		{listed, []string{"https://app.example.com/"}, ""},
		{listed, []string{" https://app.example.com"}, ""},
		{listed, []string{"http://localhost"}, ""},
		{listed, []string{"http://localhost:30000"}, ""},
		{listed, []string{"https://app.example.com https://evil.org"}, ""},
		{listed, []string{"https://evil.org, https://app.example.com"}, ""},
		{listed, []string{"https://app.example.com", "https://evil.org"}, ""},
		{listed, []string{"*"}, ""},
		{Origins{"null"}, []string{"null"}, ""}, // only from JSON that was not checked
		{Origins{"*"}, []string{"https://evil.org"}, "*"},
		{Origins{"*"}, []string{"null"}, "*"},
		{Origins{"*"}, nil, "*"},
		{nil, []string{"https://app.example.com"}, ""},
	} {
		h := make(http.Header)
		granted := c.list.Grant(h, &http.Request{Header: http.Header{"Origin": c.origin}})
		if got := h.Get("Access-Control-Allow-Origin"); got != c.want || granted != (c.want != "") {
			t.Errorf("%q of %q: got %q (%v), want %q", c.origin, c.list, got, granted, c.want)
		}
		exact := c.want != "" && c.want != "*"
		if credentials := h.Get("Access-Control-Allow-Credentials"); (credentials == "true") != exact || credentials != "" && !exact {
			t.Errorf("%q of %q: credentials: %q", c.origin, c.list, credentials)
		}
		if vary := slices.Contains(h.Values("Vary"), "Origin"); vary != (len(c.list) > 0 && !c.list.any()) {
			t.Errorf("%q of %q: Vary: %q", c.origin, c.list, h.Values("Vary"))
		}
	}
}

func TestPreflights(t *testing.T) {
	t.Parallel()
	listed := Origins{"https://app.example.com"}
	for _, c := range []struct {
		name, method, origin, asks string
		list                       Origins
		want                       bool
	}{
		{"of a listed origin", "OPTIONS", "https://app.example.com", "GET", listed, true},
		{"of any origin", "OPTIONS", "https://evil.org", "GET", Origins{"*"}, true},
		{"of another origin", "OPTIONS", "https://evil.org", "GET", listed, false},
		{"of nobody", "OPTIONS", "", "GET", listed, false},
		{"that asks nothing", "OPTIONS", "https://app.example.com", "", listed, false},
		{"that is a request", "GET", "https://app.example.com", "GET", listed, false},
		{"of a form that is sent", "OPTIONS", "https://app.example.com", "POST", listed, true},
		{"of a PUT, which is no stream", "OPTIONS", "https://app.example.com", "PUT", listed, false},
		{"of a PATCH", "OPTIONS", "https://app.example.com", "PATCH", listed, false},
		{"of a DELETE", "OPTIONS", "https://app.example.com", "DELETE", Origins{"*"}, false},
		{"without a list", "OPTIONS", "https://app.example.com", "GET", nil, false},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(c.method, "/", nil)
		for name, text := range map[string]string{"Origin": c.origin, "Access-Control-Request-Method": c.asks, "Access-Control-Request-Headers": "last-event-id, authorization"} {
			if text != "" {
				r.Header.Set(name, text)
			}
		}
		if got := c.list.Preflight(w, r); got != c.want {
			t.Errorf("a preflight %s: answered: %v", c.name, got)
		}
		h := w.Result().Header
		allowed := h.Get("Access-Control-Allow-Headers") == "last-event-id, authorization" && h.Get("Access-Control-Allow-Methods") == "GET, HEAD, POST"
		if w.Code == http.StatusNoContent != c.want || allowed != c.want {
			t.Errorf("a preflight %s: got %d %v", c.name, w.Code, h)
		}
	}
}
