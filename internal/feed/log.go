package feed

import (
	"slices"
	"sync/atomic"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// maxBorders is how many positions of pages without events a log remembers.
const maxBorders = 64

// log is the recent events of a chain: linked nodes, one for each page. Readers follow them without a lock.
// All functions that change it hold the feed's lock.
type log struct {
	demand *demand // of its readers; nil in a lobby
	tail   atomic.Pointer[node]
	first  atomic.Int64 // seq of the oldest node that is still held
	notice notice
	cut    atomic.Pointer[cut] // where it has started over last; nil: it has not

	oldest  *node
	events  int              // in all nodes that are held
	bytes   int64            // likewise
	spots   map[string]*spot // by event id, and by key
	borders []string         // ids of pages without events, newest last
	last    string           // the newest position
	budget  *Budget
}

// cut is where a log starts over: everything before it is invalid.
type cut struct {
	seq    int64  // of the first node behind it
	notice []byte // which begins that node
}

// node is one page, encoded. It is immutable except for its two links, of which one is set, once.
type node struct {
	log   *log
	seq   int64
	batch []byte
	chunk []byte // the batch as a chunk; nil in a desk
	count int32  // events in the batch
	marks []mark
	next  atomic.Pointer[node]
	jump  atomic.Pointer[place] // the chain ended here: its readers go on there
}

// mark is the place right after one event of a batch.
type mark struct {
	id    string
	key   string // see keyOf; empty for none
	start int    // of the event; end for a notice
	end   int
}

// event returns the event of a mark, as it was sent; nil for a notice, which says nothing of the upstream.
func (m mark) event(batch []byte) []byte {
	if m.start == m.end {
		return nil
	}
	return batch[m.start:m.end]
}

// place is a place in a log: a node, and how many of its bytes have been taken.
type place struct {
	node *node
	off  int
	took int32 // events of the node before off
}

// beyond returns the place, or the one that it leads to if all before that has been taken: a reader may still stand at its desk.
func (p place) beyond() place {
	for p.off == len(p.node.batch) && p.node.jump.Load() != nil {
		p = *p.node.jump.Load()
	}
	return p
}

// spot is the place of an id in a log. An id that came more than once has no place.
type spot struct {
	place
	event []byte // before it, as it was sent; nil for a border
	times int
}

func newLog(d *demand, budget *Budget) *log {
	l := &log{demand: d, budget: budget, spots: make(map[string]*spot)}
	root := &node{log: l}
	l.tail.Store(root)
	l.oldest = root
	return l
}

// append publishes a batch. At most keep events stay, and at least the newest node.
func (l *log) append(b batch, marks []mark, keep int) {
	tail := l.tail.Load()
	n := &node{log: l, seq: tail.seq + 1, batch: b.text, chunk: b.chunk, count: int32(len(marks)), marks: marks}
	l.events += len(marks)
	l.bytes += int64(len(b.text))
	l.budget.used.Add(int64(len(b.text)))
	for i, m := range marks {
		at := place{n, m.end, int32(i + 1)}
		l.mark(m.id, at, m.event(b.text))
		l.spot(m.key, at, nil)
	}
	tail.next.Store(n)
	l.tail.Store(n)
	for l.oldest != n && (l.events > keep || l.budget.over()) {
		l.drop()
	}
	l.first.Store(l.oldest.seq)
}

func (l *log) drop() {
	old := l.oldest
	l.oldest = old.next.Load()
	l.events -= len(old.marks)
	l.bytes -= int64(len(old.batch))
	l.budget.used.Add(-int64(len(old.batch)))
	for _, m := range old.marks {
		l.unmark(m.id)
		l.unmark(m.key)
	}
	for len(l.borders) > 0 {
		if s, ok := l.spots[l.borders[0]]; ok && s.node.seq+1 >= l.oldest.seq {
			break
		}
		l.unmark(l.borders[0])
		l.borders = slices.Delete(l.borders, 0, 1)
	}
}

// border notes the position after all that the log has, where no event says it.
func (l *log) border(id string) {
	if id == "" || id == l.last {
		return
	}
	l.mark(id, l.end(), nil)
	l.borders = append(l.borders, id)
	if len(l.borders) > maxBorders {
		l.unmark(l.borders[0])
		l.borders = slices.Delete(l.borders, 0, 1)
	}
}

func (l *log) mark(id string, p place, event []byte) {
	l.last = id
	l.spot(id, p, event)
}

// spot notes where an id or a key stands.
func (l *log) spot(name string, p place, event []byte) {
	if name == "" {
		return
	}
	s, ok := l.spots[name]
	if !ok {
		s = new(spot)
		l.spots[name] = s
	}
	s.place, s.event = p, event
	s.times++
}

func (l *log) unmark(id string) {
	if s, ok := l.spots[id]; ok {
		if s.times--; s.times == 0 {
			delete(l.spots, id)
		}
	}
}

// find returns the place that an id names.
func (l *log) find(id string) (place, bool) {
	s, ok := l.spots[id]
	if !ok || id == "" || s.times > 1 || s.lost() {
		return place{}, false
	}
	return s.place, true
}

// latest returns the newest place that has an id. Where ids are hashes, all of its places are one.
func (l *log) latest(id string) (place, bool) {
	s, ok := l.spots[id]
	if !ok || id == "" || s.lost() {
		return place{}, false
	}
	return s.place, true
}

// forget makes all ids mean nothing: the upstream has started over, of which the next batch is to say
// the notice first.
func (l *log) forget(notice []byte) {
	l.cut.Store(&cut{l.tail.Load().seq + 1, notice})
	clear(l.spots)
	l.borders, l.last = nil, ""
	for n := l.oldest; n != nil; n = n.next.Load() {
		l.events -= len(n.marks)
		n.marks = nil // only the holder of the lock reads them
	}
}

// end is the place after all that the log has.
func (l *log) end() place {
	tail := l.tail.Load()
	return place{tail, len(tail.batch), tail.count}
}

// free gives the log's bytes back to the budget, after the last append.
func (l *log) free() {
	for n := l.oldest; n != nil; n = n.next.Load() {
		l.budget.used.Add(-int64(len(n.batch)))
	}
}

// lost reports whether some of what comes after p is no longer held. The rest of p's own node
// always is.
func (p place) lost() bool { return p.node.seq+1 < p.node.log.first.Load() }

// after reports whether p comes after q in the same log.
func (p place) after(q place) bool {
	if p.node.seq != q.node.seq {
		return p.node.seq > q.node.seq
	}
	return p.off > q.off
}

// readable reports whether all that comes after p can still be read, in other chains' logs too.
func (p place) readable() bool {
	if p.lost() {
		return false
	}
	jump := p.node.log.tail.Load().jump.Load()
	return jump == nil || jump.readable()
}

// Budget bounds the bytes of all logs that share it.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of so many bytes of encoded events.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Used returns how many bytes the logs hold now.
func (b *Budget) Used() int64 { return b.used.Load() }

func (b *Budget) over() bool { return b.used.Load() > b.limit }

// encode writes a page's events as one batch, behind what goes before them. keys is set where they have keys by
// which chains meet.
func encode(before []byte, events []page.Event, keys bool) (batch, []mark) {
	size := len(before)
	for _, e := range events {
		size += len(e.Type) + len(e.Data) + 64
	}
	text := append(newChunk(size), before...)
	marks := make([]mark, 0, len(events))
	for _, e := range events {
		id := e.At.ID()
		if id == "" {
			id = e.Key // a document's hash
		}
		start := len(text) - chunkHead
		text = sse.AppendEvent(text, e.Type, e.Data, id)
		marks = append(marks, mark{id: id, start: start, key: keyOf(e, keys), end: len(text) - chunkHead})
	}
	return seal(text), marks
}
