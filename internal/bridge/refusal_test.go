package bridge

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestAClientOfABridgeThatStopsIsAskedToComeBack(t *testing.T) {
	t.Parallel()
	b := bridgeOf(t, func(http.ResponseWriter, *http.Request) {}, "retry 1s")
	if err := b.Destruct(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := b.Serve(w, testsite.ClientRequest("GET", "/", "", testsite.Header("Accept", "text/event-stream"))); err != nil {
		t.Fatal(err)
	}
	var e testsite.Received
	testsite.ParseStream(w.Body, func(got testsite.Received) { e = got }, func(string) {})
	if ms, err := strconv.Atoi(e.Retry); w.Code != 200 || e.Type != "bridge.busy" || e.Data != `{"reason":"stopping"}` || err != nil || ms < 800 || ms > 1200 {
		t.Errorf("got %d, %+v", w.Code, e)
	}
}
