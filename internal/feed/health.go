package feed

import (
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// refusalMemory is how long the clients of a refused feed get its refusal.
const refusalMemory = 10 * time.Second

// health is the state of the upstream for all chains of a feed. The feed's lock guards it.
type health struct {
	feed   *Feed
	logger *zap.Logger

	answered chan struct{} // closed with the first answer; nil after that
	worked   bool          // the upstream has answered with something to read, or has held a poll
	strikes  int           // refusals that count, in polls running
	down     string        // why the upstream counts as down; empty where it does not
	warning  Warnings      // about that; 0 where it does not
	since    time.Time     // when it went down, or was last back
	closed   bool
	refusal  *page.Refusal
	refused  time.Time // when the upstream refused
	probed   time.Time // when it was last asked whether it still does
}

func newHealth(f *Feed, logger *zap.Logger) health {
	return health{feed: f, logger: logger, answered: make(chan struct{}), since: time.Now()}
}

// up notes an answer that could be read, or that the upstream holds a poll.
func (h *health) up() {
	if !h.worked {
		h.since = time.Now()
	}
	h.worked, h.strikes, h.refusal, h.warning = true, 0, nil, 0
	if h.turn("") {
		h.logger.Info("upstream answers again")
	}
}

// fail notes a failed poll that was not refused.
func (h *health) fail() {
	h.strikes = 0
}

// fall notes that the upstream is down for all chains. A new reason is logged.
func (h *health) fall(by failure) {
	h.warning = by.warning
	if h.turn(by.comment) {
		h.logger.Warn("upstream is down; clients stay connected, polls are backed off",
			zap.String("state", by.comment), zap.Error(by.err))
	}
}

// turn makes the upstream down for a reason, or up without one, and reports whether that is new.
func (h *health) turn(reason string) bool {
	before := h.down
	if before == reason || h.closed {
		return false
	}
	h.down = reason
	if before == "" || reason == "" {
		h.since = time.Now()
		change := int64(1)
		if reason == "" {
			change = -1
		}
		h.feed.config.Counters.gauge(0, change)
		if h.feed.config.Turned != nil {
			h.feed.config.Turned(h.feed, reason)
		}
	}
	return true
}

// close is told that the feed has closed: it no longer counts as down, but nobody is told that it
// is up.
func (h *health) close() {
	if h.closed = true; h.down != "" {
		h.feed.config.Counters.gauge(0, -1)
	}
}

// state returns the state of the upstream, its reason, and since when.
func (h *health) state() (state State, reason string, since time.Time) {
	switch {
	case h.refusal != nil && time.Since(h.refused) < refusalMemory:
		return Shut, "status " + strconv.Itoa(h.refusal.Status), h.refused
	case h.down != "":
		return Down, h.down, h.since
	case h.worked:
		return Up, "", h.since
	}
	return Fresh, "", h.since
}

// refuse notes a refusal and reports whether it ends the streams of the feed: at the first
// contact, and on a feed that has worked by 401, 403 or 410 in two polls running. Any other
// is an error there: a deploy that answers 404 for a while must not close a browser for good.
func (h *health) refuse(now time.Time, refusal *page.Refusal) bool {
	if h.worked {
		if final(refusal.Status) {
			h.strikes++
		} else {
			h.strikes = 0
		}
		if h.strikes < 2 {
			return false
		}
	}
	before := h.refusal
	h.worked, h.strikes, h.refusal, h.refused, h.probed = false, 0, refusal, now, now
	if before == nil || before.Status != refusal.Status { // clients that come back are refused as well
		h.logger.Warn("upstream refuses the poll; its streams end", zap.Int("status", refusal.Status))
	}
	return true
}

// deny tells that clients get a refusal.
func (h *health) deny(refusal *page.Refusal, clients int) {
	if h.feed.config.Refused != nil && clients > 0 {
		h.feed.config.Refused(h.feed, refusal.Status, clients)
	}
}

// final reports whether a refusal of that status, twice running, ends a feed that has worked.
func final(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusGone
}

// recall returns the refusal that a client gets without a poll. One client in each interval
// gets none, and finds out whether it still holds: it makes the first contact again, for whose
// answer its headers wait.
func (h *health) recall(now time.Time, interval time.Duration) *page.Refusal {
	if h.refusal == nil || now.Sub(h.refused) >= refusalMemory {
		return nil
	}
	if now.Sub(h.probed) >= interval {
		h.probed = now
		if h.answered == nil {
			h.answered = make(chan struct{})
		}
		return nil
	}
	return h.refusal
}

// remembers returns for how long a refusal is still given out.
func (h *health) remembers(now time.Time) time.Duration {
	if h.refusal == nil {
		return 0
	}
	return refusalMemory - now.Sub(h.refused)
}

// first reports whether the upstream has not answered any poll yet.
func (h *health) first() bool { return !h.worked }

// askAnew has streams that begin from now on wait for the next answer.
func (h *health) askAnew() {
	h.answer()
	h.answered = make(chan struct{})
}

// answer lets streams begin that wait for the first answer.
func (h *health) answer() {
	if h.answered != nil {
		close(h.answered)
		h.answered = nil
	}
}
