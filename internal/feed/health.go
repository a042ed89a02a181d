package feed

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// refusalMemory is how long those who come to a refused feed get its refusal.
const refusalMemory = 10 * time.Second

// health is what all chains of a feed know of their upstream.
type health struct {
	logger *zap.Logger

	mu       sync.Mutex
	answered chan struct{} // closed with the first answer; nil after that
	worked   bool          // the upstream has answered with something to read
	strikes  int           // refusals that count, in polls running
	down     string        // why the last poll brought nothing; empty where it did
	refusal  *page.Refusal
	refused  time.Time // when the upstream refused
	probed   time.Time // when it was last asked whether it still does
}

func newHealth(logger *zap.Logger) health {
	return health{logger: logger, answered: make(chan struct{})}
}

// up notes an answer that could be read.
func (h *health) up() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.worked, h.strikes, h.refusal = true, 0, nil
	if h.down != "" {
		h.down = ""
		h.logger.Info("upstream answers again")
	}
}

// fail notes a poll that brought nothing to read; it is logged where the reason is new.
func (h *health) fail(comment string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if refusal := (*page.Refusal)(nil); !errors.As(err, &refusal) {
		h.strikes = 0
	}
	if h.down != comment {
		h.down = comment
		h.logger.Warn("upstream fails; clients stay connected and polls are backed off",
			zap.String("state", comment), zap.Error(err))
	}
}

// refuse notes a refusal and reports whether it ends the streams of the feed: at the first
// contact, and on a feed that has worked by 401, 403 or 410 in two polls running. Any other
// is an error there: a deploy that answers 404 for a while must not close a browser for good.
func (h *health) refuse(now time.Time, refusal *page.Refusal) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
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
	// who comes next makes the first contact again
	h.worked, h.strikes, h.refusal, h.refused, h.probed = false, 0, refusal, now, now
	if h.answered == nil {
		h.answered = make(chan struct{})
	}
	h.logger.Warn("upstream refuses the poll; its streams end", zap.Int("status", refusal.Status))
	return true
}

// final reports whether a refusal of that status, twice running, ends a feed that has worked.
func final(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusGone
}

// recall returns the refusal that a client gets without a poll. One client in each interval
// gets none, and finds out whether it still holds.
func (h *health) recall(now time.Time, interval time.Duration) *page.Refusal {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refusal == nil || now.Sub(h.refused) >= refusalMemory {
		return nil
	}
	if now.Sub(h.probed) >= interval {
		h.probed = now
		return nil
	}
	return h.refusal
}

// remembers returns for how long a refusal is still given out.
func (h *health) remembers(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refusal == nil {
		return 0
	}
	return refusalMemory - now.Sub(h.refused)
}

// first reports whether the upstream has not answered any poll yet.
func (h *health) first() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.worked
}

// unanswered returns what is closed with the first answer; nil after that.
func (h *health) unanswered() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.answered
}

// answer lets those go on who wait for the first answer.
func (h *health) answer() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answered != nil {
		close(h.answered)
		h.answered = nil
	}
}
