package upstream

import (
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// It may be over before anybody has looked.
func TestAnAnswerThatGoesOnHasAHeadHoweverSoonItIsOver(t *testing.T) {
	t.Parallel()
	p := Accept(t, testplan.Of(t, "stream", "format lines"), testsite.ClientRequest("GET", "/a", ""))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5000 {
				l := newLive(t.Context(), p)
				a := newAnswer(1000, new(unpacker))
				a.live = l
				resp, err := l.serve(a, func() (page.Response, error) {
					_, _ = a.Write([]byte("a\n"))
					return page.Response{}, io.ErrUnexpectedEOF
				})
				l.cancel(nil)
				if err != nil || resp.Status != http.StatusOK {
					t.Errorf("got %+v and %v", resp, err)
					return
				}
			}
		})
	}
	all.Wait()
}
