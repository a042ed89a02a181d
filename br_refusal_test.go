package ssebridge

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

func TestAClientOfABridgeThatStopsIsAskedToComeBack(t *testing.T) {
	t.Parallel()
	b := bridgeOf(t, func(http.ResponseWriter, *http.Request) {}, "retry 1s")
	if err := b.Destruct(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := b.serve(w, clientRequest("GET", "/", "", header("Accept", "text/event-stream"))); err != nil {
		t.Fatal(err)
	}
	var e received
	parseStream(w.Body, func(got received) { e = got }, func(string) {})
	if ms, err := strconv.Atoi(e.Retry); w.Code != 200 || e.Type != "bridge.busy" || e.Data != `{"reason":"stopping"}` || err != nil || ms < 800 || ms > 1200 {
		t.Errorf("got %d, %+v", w.Code, e)
	}
}
