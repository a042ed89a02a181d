package bridge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestClientsThatTheUpstreamRefusesAreListed(t *testing.T) {
	t.Parallel()
	b := bridgeOf(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who are you?", http.StatusUnauthorized) })
	for _, secret := range []string{"s3cret1", "s3cret2", "s3cret2"} {
		r := testsite.ClientRequest("GET", "/inbox?room="+secret, "", testsite.Header("Accept", "text/event-stream"), testsite.Header("Cookie", "sid="+secret))
		if err := b.Serve(httptest.NewRecorder(), r); err == nil {
			t.Fatal("a client was let in")
		}
	}
	all := b.Refusals()
	if len(all) != 1 {
		t.Fatalf("got %+v", all)
	}
	text, err := json.Marshal(all[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"path":"/inbox"`, `"query":["room"]`, `"cookies":["sid"]`, `"status":401`, `"clients":3`, `"warnings":[{"id":"status_401","text":"the upstream requires a login","remedy":`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %s in %s", want, text)
		}
	}
	if strings.Contains(string(text), "s3cret") {
		t.Errorf("there is a secret in %s", text)
	}
}

func TestRecentRefusalsAreFew(t *testing.T) {
	t.Parallel()
	r, now := new(refusals), time.Now()
	for i := range 3 * maxRefusals {
		r.add(About{ID: strconv.Itoa(i), Path: fmt.Sprint("/", i%(2*maxRefusals))}, 404, 1, now.Add(time.Duration(i)*time.Second))
	}
	later := now.Add(3 * maxRefusals * time.Second)
	all := r.all(later)
	if n := len(all); n != maxRefusals || all[n-1].Path != "/49" || all[n-1].ID != "149" || all[n-1].Clients != 1 {
		t.Errorf("%d refusals are listed, the newest is %+v", n, all[n-1])
	}
	r.add(About{ID: "other", Path: "/49"}, 404, 2, later)
	r.add(About{ID: "other", Path: "/49"}, 403, 1, later)
	if all = r.all(later); all[maxRefusals-2].Clients != 3 || all[maxRefusals-2].ID != "other" || all[maxRefusals-1].Status != 403 {
		t.Errorf("got %+v", all[maxRefusals-2:])
	}
	if all = r.all(later.Add(refusalsFor)); len(all) != 0 {
		t.Errorf("after an hour, %d are listed", len(all))
	}
}
