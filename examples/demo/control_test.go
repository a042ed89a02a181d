//go:build unix

package main

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
		var c control
		front, _ := newTestWire(t, &c.clients)
		c.front = front
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.url, http.NoBody)
		r.Header = test.header
		w := httptest.NewRecorder()
		c.handler().ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s is answered with %d, want %d", name, w.Code, test.want)
		}
	}
}

func TestAClientsGapsAndRepeatsAreCounted(t *testing.T) {
	t.Parallel()
	var got tally
	r := &receiver{tally: &got}
	for _, id := range []int64{7, 8, 8, 11} {
		r.take(id)
	}
	if want := (crowdState{Received: 4, Lost: 2, Twice: 1}); got.state() != want {
		t.Errorf("got %+v, want %+v", got.state(), want)
	}
}
