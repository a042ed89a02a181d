package feed

import (
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

const (
	bareAnswers = 3 // after this many answers without items, the path may be wrong
	idlessPages = 3 // after this many answers whose items have no ids, the path may be wrong
	heldPolls   = 5 // after this many polls without any answer, it may be that none will come
	manyResets  = 3 // after this many resets in a row, their conditions may be wrong
)

// remarks are the warnings about a feed's answers: about those that are unusual, but work. The feed's lock guards
// them.
type remarks struct{ warned }

// answer warns of unusual answers.
func (r *remarks) answer(p page.Page, document bool, logger *zap.Logger) {
	if p.Repeats != "" {
		r.note(warnRepeatedIDs, true, logger, zap.String("id", p.Repeats))
	}
	if !document && p.Next.Hashed() {
		r.note(warnLongPositions, true, logger, zap.Int("limit", position.MaxID))
	}
	r.wait(p.Wait, p.Asked, logger)
}

// wait warns of a pause that is shorter than the upstream has asked for.
func (r *remarks) wait(wait, asked time.Duration, logger *zap.Logger) {
	r.note(warnLongWait, asked > 0, logger, zap.Duration("asked", asked), zap.Duration("pause", wait))
}

// finds note whether the answers to one chain's polls had items.
type finds struct {
	warned
	any      bool  // there have been events
	answered bool  // there has been an answer, or a position, which is of one
	idless   uint8 // answers in a row whose items have no ids, up to idlessPages
	held     uint8 // polls before any answer that were held to their end, up to heldPolls
	bare     int32 // answers without items, before any with some; 0 from then on
}

// answer warns of a cursor that does not move, and of a path that never finds items: the stream would stay
// silent for ever.
func (f *finds) answer(p page.Page, logger *zap.Logger) {
	switch {
	case p.Idless:
		f.idless = min(f.idless+1, idlessPages)
	case len(p.Events) > 0:
		f.idless = 0
	}
	f.note(warnNoID, f.idless == idlessPages, logger, zap.Int("answers", idlessPages))
	f.note(warnStuck, p.Stuck && !p.Idless, logger)
	if f.bare++; !p.Itemless || f.any {
		f.bare = 0
	}
	f.note(warnNothingFound, f.bare >= bareAnswers, logger, zap.Int("answers", bareAnswers))
}

// poll warns of polls without a position that are all held to their end: an upstream that is slow looks the same as one
// without news. With a position, there has been an answer before.
func (f *finds) poll(held bool, logger *zap.Logger) {
	switch {
	case !held:
		f.answered, f.held = true, 0
	case !f.answered:
		f.held = min(f.held+1, heldPolls)
	}
	f.note(warnUnanswered, f.held == heldPolls, logger, zap.Int("polls", heldPolls))
}

// document warns of a path that never finds the data of a document.
func (f *finds) document(p page.Page, logger *zap.Logger) {
	if len(p.Events) == 0 && !p.Dataless {
		return
	}
	if f.bare++; !p.Dataless || f.any {
		f.any, f.bare = true, 0
	}
	f.note(warnNoData, f.bare >= bareAnswers, logger, zap.Int("answers", bareAnswers))
}

// ended warns of answers that should go on, and do not.
func (f *finds) ended(closed *Closed, logger *zap.Logger) {
	f.note(warnBrief, closed.Lasted < held, logger, zap.Duration("after", closed.Lasted))
}

// warningsOf returns the warnings that hold for the answers to a chain's polls.
func warningsOf(c *chain, now time.Time) Warnings {
	w := c.finds.hold
	if c.connection.up && now.Sub(c.connection.since) >= held { // the present answer does go on
		w &^= warnBrief
	}
	if c.pace.undone >= manyResets {
		w |= warnTakenBack
	}
	return w
}

// reset warns of an upstream that rejects its own positions, after the given number of resets in a row.
func (f *finds) reset(running int, logger *zap.Logger) {
	if running == manyResets {
		logger.Warn(warnTakenBack.All()[0].said(), zap.Int("resets", manyResets))
	}
}
