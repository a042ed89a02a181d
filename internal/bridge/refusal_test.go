package bridge

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestNoRefusalIsKeptByCaches(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusNotFound, http.StatusGone, http.StatusNoContent} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			b := bridgeOf(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://login.example.com/")
				if status == http.StatusNoContent {
					_, _ = io.WriteString(w, `{"items":[],"over":true}`)
				} else {
					w.WriteHeader(status)
				}
			}, "items items", "id id", "order by_id", "end over")
			w := httptest.NewRecorder()
			err := b.Serve(w, testsite.ClientRequest("GET", "/", "", testsite.Header("Accept", "text/event-stream")))
			refused := caddyhttp.HandlerError{StatusCode: w.Code}
			errors.As(err, &refused)
			if got := w.Header().Get("Cache-Control"); refused.StatusCode != status || got != "no-store" {
				t.Errorf("got %d, %q, %v", refused.StatusCode, got, err)
			}
		})
	}
}

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
