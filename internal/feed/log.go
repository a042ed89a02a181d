package feed

import (
	"sync/atomic"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// log is the recent part of what a chain brought: linked nodes, one per page, which readers
// follow on their own and without a lock. Only the chain's poller appends and trims.
type log struct {
	tail   atomic.Pointer[node]
	oldest *node        // poller only
	first  atomic.Int64 // seq of the oldest node that is still held
	events int          // in all nodes that are held; poller only
	budget *Budget
	notice atomic.Pointer[string] // what the poller has to say of the upstream; nil: all is well
}

// node is one page, encoded. It is immutable but for its two links, each set once.
type node struct {
	log   *log
	seq   int64
	batch []byte
	marks []mark
	next  atomic.Pointer[node]
}

// mark is the place right after one event of a batch.
type mark struct {
	id  string
	end int
}

func newLog(budget *Budget) *log {
	l := &log{budget: budget}
	root := &node{log: l}
	l.tail.Store(root)
	l.oldest = root
	return l
}

// append publishes a batch. At most keep events stay, and at least the newest node.
func (l *log) append(batch []byte, marks []mark, keep int) {
	tail := l.tail.Load()
	n := &node{log: l, seq: tail.seq + 1, batch: batch, marks: marks}
	l.events += len(marks)
	l.budget.used.Add(int64(len(batch)))
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
	l.budget.used.Add(-int64(len(old.batch)))
}

// free gives the log's bytes back to the budget, after the last append.
func (l *log) free() {
	for n := l.oldest; n != nil; n = n.next.Load() {
		l.budget.used.Add(-int64(len(n.batch)))
	}
}

// lost reports whether what comes after n is no longer held.
func (n *node) lost() bool { return n.seq+1 < n.log.first.Load() }

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

// encode writes a page's events as one batch.
func encode(dst []byte, events []page.Event) ([]byte, []mark) {
	size := len(dst)
	for _, e := range events {
		size += len(e.Type) + len(e.Data) + 64
	}
	batch := append(make([]byte, 0, size), dst...)
	marks := make([]mark, 0, len(events))
	for _, e := range events {
		id := e.At.ID()
		if id == "" {
			id = e.Key // a document's hash
		}
		batch = sse.AppendEvent(batch, e.Type, e.Data, id)
		marks = append(marks, mark{id: id, end: len(batch)})
	}
	return batch, marks
}
