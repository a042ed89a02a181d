package feed

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// A path that finds nothing would otherwise look like a backend without news.
func TestAPathThatNeverFindsItemsIsWarnedOfOnce(t *testing.T) {
	for name, test := range map[string]struct {
		news  int // the poll that brings an event; 0: none does
		warns int
	}{
		"never":              {0, 1},
		"items at first":     {1, 0},
		"items in the third": {3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				core, logs := observer.New(zapcore.WarnLevel)
				f := New(testConfig(), zap.New(core))
				c := join(t, f, "", func(_ context.Context, ask Ask) (page.Page, error) {
					if ask.Number+1 != test.news {
						return page.Page{Itemless: true, Next: ask.From}, nil
					}
					at := position.Position{Cursor: position.Cursor{"1"}}
					return page.Page{News: true, Next: at, Events: []page.Event{{Data: []byte("one"), At: at}}}, nil
				})
				pass(30 * time.Second)
				c.leave()
				if n := logs.FilterMessageSnippet("is the path correct?").Len(); n != test.warns {
					t.Errorf("%d warnings, want %d", n, test.warns)
				}
			})
		})
	}
}

// A cursor is part of what the upstream answers and is asked, neither of which is logged.
func TestACursorThatDoesNotMoveIsWarnedOfWithoutIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.WarnLevel)
		f := New(testConfig(), zap.New(core))
		c := join(t, f, "", func(context.Context, Ask) (page.Page, error) {
			return page.Page{Stuck: true, Next: position.Position{Cursor: position.Cursor{"s3cret"}}}, nil
		})
		pass(30 * time.Second)
		c.leave()
		lines := logs.FilterMessageSnippet("the cursor does not move").All()
		if len(lines) != 1 || len(lines[0].Context) > 0 {
			t.Errorf("got %v", lines)
		}
	})
}
