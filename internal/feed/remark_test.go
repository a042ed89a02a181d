package feed

import (
	"context"
	"strconv"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// What an answer's ids are is not logged: where they are looked for is enough to mend it.
func TestIDsThatRepeatAreWarnedOfOnceInAFeed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.WarnLevel)
		f := New(testConfig(), zap.New(core))
		poll := func(_ context.Context, ask Ask) (page.Page, error) {
			at := position.Position{Cursor: position.Cursor{"s3cret"}, Done: ask.Number + 1, Print: position.Print{1}}
			return page.Page{News: true, Repeats: "rev", Next: at, Events: []page.Event{{Data: []byte(strconv.Itoa(ask.Number)), At: at}}}, nil
		}
		first, other := join(t, f, "", poll), join(t, f, "s3cret~9.AQAAAAAA", poll)
		pass(30 * time.Second)
		first.leave()
		other.leave()
		lines := logs.FilterMessageSnippet("ids repeat in one answer").All()
		if len(lines) != 1 || lines[0].ContextMap()["id"] != "rev" || len(lines[0].Context) != 1 {
			t.Errorf("got %v", lines)
		}
	})
}
