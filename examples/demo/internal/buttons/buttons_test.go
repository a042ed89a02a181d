//go:build unix

package buttons

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyThePageItselfPressesButtons(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method, url string
		header      http.Header
		want        int
	}{
		"the page":         {"POST", "http://localhost:8080/control/cut", http.Header{"Sec-Fetch-Site": {"same-origin"}}, http.StatusNoContent},
		"curl":             {"POST", "http://localhost:8080/control/cut", nil, http.StatusNoContent},
		"another site":     {"POST", "http://localhost:8080/control/cut", http.Header{"Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		"an old browser":   {"POST", "http://localhost:8080/control/cut", http.Header{"Origin": {"https://example.com"}}, http.StatusForbidden},
		"another port":     {"POST", "http://localhost:8080/control/cut", http.Header{"Sec-Fetch-Site": {"same-site"}}, http.StatusForbidden},
		"a name of theirs": {"POST", "http://example.com:8080/control/cut", http.Header{"Sec-Fetch-Site": {"same-origin"}}, http.StatusNotFound},
		"a link":           {"GET", "http://localhost:8080/control/cut", nil, http.StatusMethodNotAllowed},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.url, http.NoBody)
		r.Header = test.header
		w := httptest.NewRecorder()
		pressed := 0
		Handler(http.NotFound, map[string]func() error{"cut": func() error { pressed++; return nil }}).ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s is answered with %d, want %d", name, w.Code, test.want)
		}
		if want := w.Code == http.StatusNoContent; (pressed == 1) != want {
			t.Errorf("%s presses %d times", name, pressed)
		}
	}
}
