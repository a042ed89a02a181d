package feed

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
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
		lines := logs.FilterMessageSnippet("several items of one answer have the same id").All()
		if len(lines) != 1 || lines[0].ContextMap()["id"] != "rev" || len(lines[0].Context) != 1 {
			t.Errorf("got %v", lines)
		}
	})
}

func TestPositionsTooLongForIDsAreWarnedOfOnceInAFeed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for length, want := range map[int]int{position.MaxID: 0, position.MaxID + 1: 1} {
			core, logs := observer.New(zapcore.WarnLevel)
			f := New(testConfig(), zap.New(core))
			poll := func(_ context.Context, ask Ask) (page.Page, error) {
				cursor := strconv.Itoa(ask.Number)
				at := position.Position{Cursor: position.Cursor{cursor + strings.Repeat("x", length-len(cursor))}}
				return page.Page{News: true, Next: at, Events: []page.Event{{Data: []byte(cursor), At: at}}}, nil
			}
			c, other := join(t, f, "", poll), join(t, f, "1", poll)
			pass(30 * time.Second)
			c.leave()
			other.leave()
			if lines := logs.FilterMessageSnippet("too long for event ids").All(); len(lines) != want || want > 0 && len(lines[0].Context) != 1 {
				t.Errorf("positions of %d bytes: logged %v", length, lines)
			}
		}
	})
}

func TestAPauseThatIsCutShortIsWarnedOfOnceInAFeed(t *testing.T) {
	for name, answer := range map[string]func() (page.Page, error){
		"an answer": func() (page.Page, error) { return page.Page{Wait: time.Hour, Asked: 6500 * time.Second}, nil },
		"an error": func() (page.Page, error) {
			return page.Page{}, &page.Error{Comment: "status 429", Later: true, Wait: time.Hour, Asked: 6500 * time.Second}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				core, logs := observer.New(zapcore.WarnLevel)
				f := New(testConfig(), zap.New(core))
				var polls atomic.Int32
				c := join(t, f, "", func(context.Context, Ask) (page.Page, error) {
					polls.Add(1)
					return answer()
				})
				pass(3 * time.Hour)
				c.leave()
				lines := logs.FilterMessageSnippet("a longer pause").All()
				n := polls.Load()
				if len(lines) != 1 || lines[0].ContextMap()["asked"] != 6500*time.Second || n < 3 || n > 4 {
					t.Errorf("%d polls in three hours; logged %v", n, lines)
				}
			})
		})
	}
}
