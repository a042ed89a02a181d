package feed

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// The types of the events of a document that is sent as patches.
const (
	snapshot = "snapshot"
	patch    = "patch"
)

// maxPast is how many documents before the newest one a chain knows again.
const maxPast = 64

// document is the newest document that a chain has brought, and the readers that wait for it. The feed's lock
// guards it. Only the poller writes it, except for those readers.
type document struct {
	config  *Config
	log     *log
	key     string   // of the document that the readers have; empty: there is none yet
	text    []byte   // of that document, where patches are made of it
	newest  []byte   // that of the last answer, which the poller is about to take
	past    []string // the keys of the ones before it, newest last
	waiting []waiter
}

// waiter is a reader that waits for the document, and since when.
type waiter struct {
	reader *Reader
	since  time.Time
}

// forget removes the keys, because the upstream has started over.
func (d *document) forget() { d.key, d.past = "", nil }

// awaited reports whether readers wait for the answer to a poll.
func (d *document) awaited() bool { return len(d.waiting) > 0 }

// await makes a reader wait for the document.
func (d *document) await(r *Reader, now time.Time) { d.waiting = append(d.waiting, waiter{r, now}) }

// leave takes a reader off.
func (d *document) leave(r *Reader) {
	d.waiting = slices.DeleteFunc(d.waiting, func(w waiter) bool { return w.reader == r })
}

// knows reports whether a client's id is that of a document which this chain has brought, and so is no
// newer than that of the log. Other nodes may have told the client of newer ones.
func (d *document) knows(id string) bool {
	_, held := d.log.find(id)
	return id == "" || id == d.key || held || slices.Contains(d.past, id)
}

// patch replaces the document of an answer by a patch, if the one before is known and a patch is worth it. The
// poller calls it without the feed's lock, because it may take long.
func (d *document) patch(p page.Page, logger *zap.Logger) page.Page {
	if d.config.Diff == nil || len(p.Events) == 0 || p.Events[0].Key == d.key {
		return p
	}
	whole := p.Events[0]
	whole.Type = snapshot
	if d.key != "" {
		changes, worth, err := d.config.Diff(d.text, whole.Data)
		switch {
		case err != nil:
			logger.Warn("the whole document is sent, because no patch could be made", zap.Error(err))
		case worth:
			whole.Type, whole.Data = patch, changes
		}
	}
	d.newest = p.Events[0].Data
	p.Events = []page.Event{whole}
	return p
}

// taken takes the document of an answer, if there is one, and reports whether it is another one.
func (d *document) taken(events []page.Event) (news bool) {
	if len(events) == 0 || events[0].Key == d.key {
		return false
	}
	if d.key != "" {
		d.past = append(d.past, d.key)
	}
	if len(d.past) > maxPast {
		d.past = slices.Delete(d.past, 0, 1)
	}
	d.key, d.text = events[0].Key, d.newest
	return true
}

// answer shows the document to the readers that wait for it: to all if an answer has confirmed that it is the
// newest, and else to those that cannot have a newer one from elsewhere.
func (d *document) answer(confirmed bool) {
	if d.key == "" {
		return // nobody can be shown anything yet
	}
	d.waiting = slices.DeleteFunc(d.waiting, func(w waiter) bool {
		if !confirmed && !d.knows(w.reader.lastID) {
			return false
		}
		d.show(w.reader)
		return true
	})
}

// answerHeld shows the document to the readers that have waited for as long as counts as a long poll, while the
// upstream holds one: it has no newer document. It reports whether a reader is left that has waited as long, but
// may have got a newer one elsewhere.
func (d *document) answerHeld(now time.Time) (left bool) {
	d.waiting = slices.DeleteFunc(d.waiting, func(w waiter) bool {
		switch {
		case now.Sub(w.since) < held:
			return false
		case !d.knows(w.reader.lastID):
			left = true
			return false
		}
		d.show(w.reader)
		return true
	})
	return left
}

// show gives a reader the newest document, unless it has it.
func (d *document) show(r *Reader) {
	at, held := d.log.find(r.lastID)
	switch {
	case r.lastID == d.key:
		r.open(d.log.end())
	case d.config.skips():
		r.open(place{node: d.log.tail.Load()})
	case held:
		r.open(at)
	default:
		r.before = sse.AppendEvent(nil, snapshot, d.text, d.key)
		r.open(d.log.end())
	}
}
