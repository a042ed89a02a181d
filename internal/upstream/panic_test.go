package upstream

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// buggy are routes that cannot be found without a panic.
type buggy struct{ log *zap.Logger }

func (buggy) Routes(Kind) caddyhttp.Handler   { panic("a mistake of ours") }
func (buggy) NewestServer() *caddyhttp.Server { return &caddyhttp.Server{} }
func (b buggy) LoggerOf(*Request) *zap.Logger { return b.log }

func TestABugEndsOnlyItsPoll(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{nil, {"stream", "format lines"}} {
		core, log := observer.New(zap.ErrorLevel)
		p := Accept(t, testplan.Of(t, lines...), testsite.ClientRequest("GET", "/a", ""))
		_, err := NewPoller(buggy{zap.New(core)}, 10).Poll(p)(t.Context(), askFrom())
		if err == nil || !strings.Contains(err.Error(), "a mistake of ours") {
			t.Errorf("%v: the poll returned %v", lines, err)
		}
		if n := log.FilterMessage("poll panicked").Len(); n != 1 {
			t.Errorf("%v: logged %d times", lines, n)
		}
	}
}
