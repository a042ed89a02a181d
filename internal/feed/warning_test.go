package feed

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// warned returns the ids of a feed's warnings.
func warnedOf(f *Feed) (ids []string) {
	s := f.Status()
	for _, w := range s.Warned() {
		if ids = append(ids, w.ID); w.Text == "" || w.Remedy == "" {
			ids = append(ids, "without words")
		}
	}
	return ids
}

func TestEachWarningHasWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, w := range (warnBrief<<1 - 1).All() {
		if seen[w.ID] || w.ID == "" || w.Text == "" || w.Remedy == "" {
			t.Errorf("got %+v", w)
		}
		seen[w.ID] = true
	}
	if len(seen) != len(warnings) {
		t.Errorf("%d warnings have %d texts", len(seen), len(warnings))
	}
}

func TestAFeedThatIsDownSaysWhatToDo(t *testing.T) {
	for _, test := range []struct {
		err    error
		reason string
		want   string
	}{
		{errors.New("connection refused"), page.Unreachable, "unreachable"},
		{&page.Error{Comment: page.Unreachable}, page.Unreachable, "unreachable"},
		{&page.Error{Comment: page.Unreachable, Cause: page.BrokenOff}, page.Unreachable, "broken_off"},
		{&page.Error{Comment: page.Late}, page.Late, "late"},
		{&page.Error{Comment: page.Unreadable}, page.Unreadable, "unreadable"},
		{&page.Error{Comment: page.Unreadable, Cause: page.HTML}, page.Unreadable, "html"},
		{&page.Error{Comment: page.Unreadable, Cause: page.Unended}, page.Unreadable, "unended"},
		{&page.Error{Comment: page.Unreadable, Cause: page.TooLarge}, page.Unreadable, "too_large"},
		{&page.Error{Comment: page.Reported}, page.Reported, "reported"},
		{&page.Error{Comment: page.Ended}, page.Ended, "over_at_once"},
		{&page.Error{Comment: "status 503", Status: 503}, "status 503", "status"},
		{&page.Error{Comment: "status 429", Status: 429, Later: true}, "status 429", "later"},
		{&page.Refusal{Status: http.StatusNotFound}, page.Refuses, "refuses"},
	} {
		t.Run(test.want, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newUpstream()
				u.publish(1)
				f := newFeed(testConfig())
				c := join(t, f, "", u.poll)
				pass(3 * time.Second)
				if got := warnedOf(f); got != nil {
					t.Errorf("before: %q", got)
				}
				u.setFail(test.err)
				pass(5 * time.Second)
				if s := f.Status(); s.State != Down || s.Reason != test.reason || !slices.Equal(warnedOf(f), []string{test.want}) {
					t.Errorf("%s, %q, warnings %q", s.State, s.Reason, warnedOf(f))
				}
				u.setFail(nil)
				pass(time.Minute)
				if s := f.Status(); s.State != Up || warnedOf(f) != nil {
					t.Errorf("afterwards: %s, warnings %q", s.State, warnedOf(f))
				}
				c.leave()
			})
		})
	}
}

func TestTheCauseOfAnOutageMayChange(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.setFail(&page.Error{Comment: page.Unreadable, Cause: page.HTML})
		f := newFeed(testConfig())
		c := join(t, f, "", u.poll)
		pass(time.Second)
		u.setFail(&page.Error{Comment: page.Unreadable, Cause: page.TooLarge})
		pass(time.Minute)
		if got := warnedOf(f); !slices.Equal(got, []string{"too_large"}) {
			t.Errorf("got %q", got)
		}
		c.leave()
	})
}

// TestPollsThatAreNeverAnsweredAreTold has an upstream that holds each poll to its end, at first or from the second one on.
// Who comes with an id has been answered before.
func TestPollsThatAreNeverAnsweredAreTold(t *testing.T) {
	for _, test := range []struct {
		id      string
		answers int
		want    bool
	}{{"", 0, true}, {"", 1, false}, {"7", 0, false}} {
		bubble(t, func(t *testing.T) {
			polls := 0
			config := testConfig()
			config.LongPoll = true
			f := newFeed(config)
			c := join(t, f, test.id, func(ctx context.Context, ask Ask) (page.Page, error) {
				if polls++; polls <= test.answers {
					return page.Page{Status: http.StatusOK, Next: ask.From}, nil
				}
				select {
				case <-time.After(10 * time.Second):
				case <-ctx.Done():
				}
				return page.Page{Next: ask.From}, ctx.Err()
			})
			pass(45 * time.Second)
			if got := warnedOf(f); got != nil {
				t.Errorf("%+v: after four polls: %q", test, got)
			}
			pass(time.Minute)
			if got := warnedOf(f); test.want != slices.Equal(got, []string{"unanswered"}) {
				t.Errorf("%+v: after many polls: %q", test, got)
			}
			c.leave()
		})
	}
}

func TestAFeedThatWorksHasTheWarningsOfItsAnswers(t *testing.T) {
	at := func(n int) position.Position {
		return position.Position{Cursor: position.Cursor{string(rune('a' + n))}}
	}
	for _, test := range []struct {
		name   string
		answer func(ask Ask) (page.Page, error)
		want   string
	}{
		{"nothing_found", func(ask Ask) (page.Page, error) { return page.Page{Itemless: true, Next: ask.From}, nil }, "nothing_found"},
		{"no_id", func(ask Ask) (page.Page, error) { return page.Page{Idless: true, Stuck: true, Next: ask.From}, nil }, "no_id"},
		{"stuck", func(ask Ask) (page.Page, error) { return page.Page{Stuck: true, Next: ask.From}, nil }, "stuck"},
		{"repeated_ids", func(ask Ask) (page.Page, error) { return page.Page{Repeats: "rev", Next: ask.From}, nil }, "repeated_ids"},
		{"long_wait", func(ask Ask) (page.Page, error) {
			return page.Page{Next: ask.From, Wait: 3 * time.Second, Asked: 6500 * time.Second}, nil
		}, "long_wait"},
		{"resets", func(ask Ask) (page.Page, error) {
			if ask.From.IsZero() {
				return page.Page{News: true, Next: at(1), Events: []page.Event{{Data: []byte("a"), At: at(1)}}}, nil
			}
			return page.Page{Reset: true, Next: ask.From}, nil
		}, "resets"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFeed(testConfig())
				c := join(t, f, "", func(_ context.Context, ask Ask) (page.Page, error) { return test.answer(ask) })
				pass(20 * time.Second)
				if s := f.Status(); s.State != Up || !slices.Equal(warnedOf(f), []string{test.want}) {
					t.Errorf("%s, warnings %q", s.State, warnedOf(f))
				}
				c.leave()
			})
		})
	}
}

func TestDataThatIsNeverThereIsWarnedOf(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		var there atomic.Bool
		config.Document = true
		f := newFeed(config)
		c := join(t, f, "", func(context.Context, Ask) (page.Page, error) {
			if there.Load() {
				return page.Page{News: true, Events: []page.Event{{Data: []byte("1"), Key: "b"}}}, nil
			}
			return page.Page{News: true, Dataless: true, Events: []page.Event{{Data: []byte("null"), Key: "a"}}}, nil
		})
		pass(3 * time.Second)
		if got := warnedOf(f); got != nil {
			t.Errorf("after two answers: %q", got)
		}
		pass(4 * time.Second)
		if s := f.Status(); s.State != Up || !slices.Equal(warnedOf(f), []string{"no_data"}) {
			t.Errorf("after four: %s, %q", s.State, warnedOf(f))
		}
		there.Store(true)
		pass(4 * time.Second)
		there.Store(false)
		pass(20 * time.Second)
		if got := warnedOf(f); got != nil {
			t.Errorf("once there were some: %q", got)
		}
		c.leave()
	})
}

func TestAWarningEndsWithItsCause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		polls := 0
		f := newFeed(testConfig())
		c := join(t, f, "", func(ctx context.Context, ask Ask) (page.Page, error) {
			if polls++; polls <= 4 {
				return page.Page{Itemless: true, Next: ask.From, Wait: time.Second, Asked: 7000 * time.Second}, nil
			}
			return u.poll(ctx, ask)
		})
		pass(7 * time.Second)
		if got := warnedOf(f); !slices.Equal(got, []string{"nothing_found", "long_wait"}) {
			t.Errorf("at first: %q", got)
		}
		u.publish(1)
		pass(10 * time.Second)
		if got := warnedOf(f); got != nil {
			t.Errorf("afterwards: %q", got)
		}
		c.leave()
	})
}

func TestClientsThatAreRefusedAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		var told []int
		config.Refused = func(_ *Feed, status, clients int) { told = append(told, status, clients) }
		u := newUpstream()
		u.setFail(&page.Refusal{Status: http.StatusUnauthorized})
		f := newFeed(config)
		first, other := join(t, f, "", u.poll), join(t, f, "", u.poll)
		pass(time.Second)
		third := join(t, f, "", u.poll) // gets the refusal that is remembered
		pass(time.Second)
		if want := []int{401, 2, 401, 1}; !slices.Equal(told, want) || !slices.Equal(warnedOf(f), []string{"status_401"}) {
			t.Errorf("told %d, want %d; warnings %q", told, want, warnedOf(f))
		}
		first.leave()
		other.leave()
		third.leave()
	})
}
