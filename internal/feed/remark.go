package feed

import (
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// remarked is what the operator has been told of a feed's answers, once each.
type remarked struct{ repeats, hashed, pause bool }

// remark tells the operator what is odd in an answer, and goes well all the same. The feed's lock is held.
func (f *Feed) remark(p page.Page) {
	if p.Repeats != "" && !f.remarked.repeats {
		f.remarked.repeats = true
		f.health.logger.Warn("ids repeat in one answer, so that they name no item: is the path of `id` right? Such items are told apart by their places and their bytes",
			zap.String("id", p.Repeats))
	}
	if !f.config.Document && !f.remarked.hashed && p.Next.Hashed() {
		f.remarked.hashed = true
		f.health.logger.Warn("the upstream's positions are too long for event ids, which are hashes of them: clients go on by one only while this process remembers it, and are reset elsewhere",
			zap.Int("limit", position.MaxID))
	}
	f.remarkPause(p.Wait, p.Asked)
}

// remarkPause tells the operator of a pause that is shorter than the upstream has asked for, if it has.
// The feed's lock is held.
func (f *Feed) remarkPause(wait, asked time.Duration) {
	if asked == 0 || f.remarked.pause {
		return
	}
	f.remarked.pause = true
	f.health.logger.Warn("the upstream asks for a longer pause between polls than it gets: are these seconds?",
		zap.Duration("asked", asked), zap.Duration("pause", wait))
}
