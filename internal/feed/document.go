package feed

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// maxPast is how many documents before the newest one a chain knows again.
const maxPast = 64

// document is the newest document or set that a chain has brought, and the readers that wait for it. The feed's
// lock guards it. Only the poller writes it, except for those readers.
type document struct {
	config  *Config
	log     *log
	key     string   // of the document that the readers have; empty: there is none yet
	known   whole    // that document, where changes are made of it
	newest  whole    // that of the last answer, which the poller is about to take
	first   []byte   // the event by which a reader gets all of it; nil until one needs it
	past    []string // the keys of the ones before it, newest last
	waiting []waiter
}

// whole is all of a document that changes are made of: its text, or the set that it is.
type whole struct {
	text []byte
	set  *page.Set
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
	_, held := d.log.latest(id)
	return id == "" || id == d.key || held || slices.Contains(d.past, id)
}

// compare replaces the document of an answer by what has changed, if the one before is known and that is worth
// it. The poller calls it without the feed's lock, because it may take long.
func (d *document) compare(p page.Page, logger *zap.Logger) page.Page {
	switch {
	case len(p.Events) == 0:
		return p
	case p.Set != nil:
		return d.compareSet(p, logger)
	case d.config.Diff == nil || p.Events[0].Key == d.key:
		return p
	}
	event := p.Events[0]
	event.Type = page.Snapshot
	if d.key != "" {
		if changes := d.patch(d.known.text, event.Data, logger); changes != nil {
			event.Type, event.Data = page.Patch, changes
		}
	}
	d.newest = whole{text: p.Events[0].Data}
	p.Events = []page.Event{event}
	return p
}

// compareSet makes the events of an answer that is a set.
func (d *document) compareSet(p page.Page, logger *zap.Logger) page.Page {
	d.newest = whole{set: p.Set}
	p.Set.Follow(d.known.set)
	switch {
	case p.Set.Key() == d.key:
		p.Events = []page.Event{{Key: d.key}} // nothing that is sent
	case d.key == "":
		p.Events = []page.Event{p.Set.Snapshot()}
	case d.config.Diff == nil:
		p.Events = p.Set.Changes(d.known.set, nil)
	default:
		p.Events = p.Set.Changes(d.known.set, func(before, after []byte) []byte { return d.patch(before, after, logger) })
	}
	return p
}

// patch returns the patch from one text to another; nil where none is worth it.
func (d *document) patch(before, after []byte, logger *zap.Logger) []byte {
	changes, worth, err := d.config.Diff(before, after)
	switch {
	case err != nil:
		logger.Warn("the whole document is sent, because no patch could be made", zap.Error(err))
	case worth:
		return changes
	}
	return nil
}

// taken takes the document of an answer, if there is one, and reports whether it is another one. Of several
// events, the last one leads to it.
func (d *document) taken(events []page.Event) (news bool) {
	if len(events) == 0 {
		return false
	}
	key := events[len(events)-1].Key
	if key == d.key {
		if d.newest.set != d.known.set { // the same set, in another order or with other white space
			d.known, d.first = d.newest, nil
		}
		return false
	}
	if d.key != "" {
		d.past = append(d.past, d.key)
	}
	if len(d.past) > maxPast {
		d.past = slices.Delete(d.past, 0, 1)
	}
	d.key, d.known, d.first = key, d.newest, nil
	return true
}

// answer shows the document to the readers that wait for it: to all if an answer has confirmed that it is the
// newest, and else to those that cannot have a newer one from elsewhere. If it came from another node, only a poll of this
// one confirms it: it may have come late. Readers that have begun to wait since then wait for the next one.
func (d *document) answer(confirmed bool, came time.Time) {
	if d.key == "" {
		return // nobody can be shown anything yet
	}
	d.waiting = slices.DeleteFunc(d.waiting, func(w waiter) bool {
		elsewhere := !came.IsZero()
		if (!confirmed || elsewhere) && !d.knows(w.reader.lastID) || elsewhere && w.since.After(came) {
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
	at, held := d.log.latest(r.lastID)
	switch {
	case r.lastID == d.key:
		r.open(d.log.end())
	case d.config.skips():
		r.open(place{node: d.log.tail.Load()})
	case held:
		r.open(at)
	default:
		r.before = d.snapshot()
		r.open(d.log.end())
	}
}

// snapshot returns the event that is all of the document, which readers share.
func (d *document) snapshot() []byte {
	if d.first == nil {
		e := page.Event{Type: page.Snapshot, Data: d.known.text, Key: d.key}
		if d.known.set != nil {
			e = d.known.set.Snapshot()
		}
		d.first = sse.AppendEvent(make([]byte, 0, len(e.Data)+len(e.Data)/64+128), e.Type, e.Data, e.Key)
	}
	return d.first
}
