package feed

import (
	"errors"
	"net/http"
	"sync"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// health is what all chains of a feed know of their upstream.
type health struct {
	logger *zap.Logger

	mu      sync.Mutex
	worked  bool   // the upstream has answered
	strikes int    // refusals that count, in polls running
	down    string // why the last poll brought nothing; empty where it did
}

// up notes an answer that could be read.
func (h *health) up() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.worked, h.strikes = true, 0
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
func (h *health) refuse(refusal *page.Refusal) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.worked {
		switch refusal.Status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusGone:
			h.strikes++
		default:
			h.strikes = 0
		}
		if h.strikes < 2 {
			return false
		}
	}
	h.logger.Warn("upstream refuses the poll; its streams end", zap.Int("status", refusal.Status))
	return true
}

// first reports whether the upstream has not answered any poll yet.
func (h *health) first() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.worked
}
