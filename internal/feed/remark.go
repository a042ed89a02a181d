package feed

import (
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

const (
	bareAnswers = 3 // after this many answers without items, the path may be wrong
	manyResets  = 3 // after this many resets in a row, their conditions may be wrong
)

// remarks note which warnings about a feed's answers the operator has got, each once: about answers that are
// unusual, but work. The feed's lock guards them.
type remarks struct{ repeats, hashed, pause bool }

// answer warns of unusual answers.
func (r *remarks) answer(p page.Page, document bool, logger *zap.Logger) {
	if p.Repeats != "" && !r.repeats {
		r.repeats = true
		logger.Warn("several items of one answer have the same id: is the path of `id` correct? Such items are distinguished by their place and their content",
			zap.String("id", p.Repeats))
	}
	if !document && !r.hashed && p.Next.Hashed() {
		r.hashed = true
		logger.Warn("the upstream's positions are too long for event ids, so ids are hashes of them: only this process can resume from such an id; elsewhere clients get bridge.reset",
			zap.Int("limit", position.MaxID))
	}
	r.wait(p.Wait, p.Asked, logger)
}

// wait warns of a pause that is shorter than the upstream has asked for.
func (r *remarks) wait(wait, asked time.Duration, logger *zap.Logger) {
	if asked == 0 || r.pause {
		return
	}
	r.pause = true
	logger.Warn("the upstream asks for a longer pause than the bridge allows: is the value in seconds?",
		zap.Duration("asked", asked), zap.Duration("pause", wait))
}

// finds note whether the answers to one chain's polls had items.
type finds struct {
	any   bool  // there have been events
	stuck bool  // the operator was warned of a cursor that does not move
	bare  int32 // answers without items, before any with some; 0 from then on
	brief bool  // the operator was warned of answers that end at once
}

// answer warns of a cursor that does not move, and of a path that never finds items: the stream would stay
// silent for ever.
func (f *finds) answer(p page.Page, logger *zap.Logger) {
	if p.Stuck && !f.stuck {
		f.stuck = true
		logger.Warn("the answer has only items that were already sent, and the cursor does not move: does the poll send the cursor?")
	}
	if !p.Itemless || f.any {
		f.bare = 0
		return
	}
	if f.bare++; f.bare == bareAnswers {
		logger.Warn("`items` has found nothing in any answer so far: is the path correct? Some upstreams omit the list while there is no news",
			zap.Int("answers", bareAnswers))
	}
}

// ended warns of answers that should go on, and do not.
func (f *finds) ended(closed *Closed, logger *zap.Logger) {
	if f.brief || closed.Lasted >= held {
		return
	}
	f.brief = true
	logger.Warn("the upstream ends its answer at once: does it go on? If not, `interval` instead of `stream` polls it", zap.Duration("after", closed.Lasted))
}

// reset warns of an upstream that rejects its own positions, after the given number of resets in a row.
func (f *finds) reset(running int, logger *zap.Logger) {
	if running == manyResets {
		logger.Warn("the upstream rejects each position that it has just given: does a `reset` condition or `epoch` match good answers?",
			zap.Int("resets", manyResets))
	}
}
