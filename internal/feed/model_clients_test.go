package feed

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// A client, over all its streams from all nodes, gets what was published after what it has seen last, once
// and in order, unless a bridge.reset tells it of a gap, for which there is a cause; of a document, only
// what is newer than what it has. Those that stay see the last one.

// modelClient is a client of the model.
type modelClient struct {
	m        *model
	name     string
	stranger bool // it came with an id that nobody has given it
	here     bool // it has a stream; the model's own
	site     *site

	mu sync.Mutex
	memory
	before []memory       // what it knew before each event of this stream
	from   []*publication // what its stream goes on from; none after a reset
	known  int            // the run of that, or that it was told of
	floor  int            // what a newcomer gets first is owed right after the item with this number; -1: anything
	placed bool           // its node knows its place
	reader *Reader
	gone   chan struct{} // closed when it leaves
	done   chan struct{}
}

// memory is what a client knows.
type memory struct {
	lastID   string
	last     []*publication // which items it may have seen last: some are equal; none: it takes whatever comes
	place    []*publication // which of them its id may be of, which stays after a reset
	run      int            // that its id is of
	document string
	versions []int // which ones that may be
}

func newModelClient(m *model, name string) *modelClient { return &modelClient{m: m, name: name} }

// join opens a stream at a node.
func (c *modelClient) join(s *site) {
	c.here, c.site, c.gone, c.done = true, s, make(chan struct{}), make(chan struct{})
	c.open()
	go c.read()
}

// open opens a stream with what the client knows.
func (c *modelClient) open() {
	if c.lastID == "" {
		c.run = c.m.known()
	}
	c.before, c.from, c.known, c.floor = nil, c.place, c.run, -1
	c.placed = c.site.holds(c.lastID)
	c.reader = c.site.admit(c.lastID)
	if c.lastID == "" && c.m.kind.cursor != nil && c.site.prompt(c.reader) { // who gets a cursor at once
		c.floor = c.m.newest()
	}
}

// leave cuts the stream. The client has not got the last events of it.
func (c *modelClient) leave(missed int) {
	c.mu.Lock()
	close(c.gone)
	c.reader.Stop(Gone)
	c.mu.Unlock()
	<-c.done
	c.here = false
	if n := len(c.before); missed > 0 && n > 0 {
		c.memory = c.before[max(n-missed, 0)]
	}
	c.leftEarly()
}

// leftEarly has a client that was not told of a restart take whatever comes: its id may mean something
// else now.
func (c *modelClient) leftEarly() {
	if !c.m.kind.tells && !c.m.kind.document && c.run < c.m.run() {
		c.last = nil
	}
}

// witness reports whether the client is here and knows what it has from its stream.
func (c *modelClient) witness() bool {
	if !c.here {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reader.end.Load() == nil && len(c.before) > 0 && len(c.last) > 0
}

// read reads the streams of the client, one after another, until it leaves.
func (c *modelClient) read() {
	defer close(c.done)
	for {
		batch, err := c.reader.Next()
		if err == nil {
			for block := range strings.SplitSeq(string(batch), "\n\n") {
				c.take(block)
			}
			continue
		}
		c.reader.Close()
		end := err.(*End)
		var wait time.Duration
		switch end.Reason {
		case Gone:
			return
		case Slow:
		case Refused:
			if wait = refusalMemory + time.Second; !c.m.hasRefused() {
				c.m.blame("%s: %v", c.name, end)
			}
		default:
			c.m.blame("%s: %v", c.name, end)
			return
		}
		select {
		case <-time.After(wait):
		case <-c.gone:
			return
		}
		c.mu.Lock()
		select {
		case <-c.gone:
			c.mu.Unlock()
			return
		default:
		}
		if end.Reason == Refused {
			c.leftEarly()
		}
		c.open()
		c.floor = -1
		c.mu.Unlock()
	}
}

// hasRefused reports whether the upstream has refused a poll lately.
func (b *modelUpstream) hasRefused() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.refused.IsZero() && time.Since(b.refused) < 30*time.Second
}

// newest returns the number of the last item.
func (b *modelUpstream) newest() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.start(0)
}

// take takes an event, or a comment.
func (c *modelClient) take(block string) {
	var typ, data, id string
	for line := range strings.SplitSeq(block, "\n") {
		field, text, _ := strings.Cut(line, ": ")
		switch field {
		case "event":
			typ = text
		case "data":
			data = text
		case "id":
			id = text
		}
	}
	if data == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = append(c.before, c.memory)
	switch {
	case typ == "bridge.reset":
		c.startOver(reset(strings.TrimSuffix(strings.TrimPrefix(data, `{"reason":"`), `"}`)))
	case typ == "bridge.position":
		c.lastID, c.run = id, c.known
	case c.m.reader.Set():
		c.takeSet(typ, data, id)
	case c.m.kind.document:
		c.takeDocument(typ, data, id)
	default:
		c.takeItem(data, id)
	}
}

// startOver takes a bridge.reset.
func (c *modelClient) startOver(reason reset) {
	if !c.stranger && !c.caused(reason) {
		c.m.blame("%s was reset without a cause: %s, at %q", c.name, reason, c.lastID)
	}
	c.last, c.from, c.floor, c.document = nil, nil, -1, ""
	if reason != yielded { // which leads to another chain, that may not know of it yet
		c.known = c.m.run()
	}
}

// caused reports whether a client must be told that it starts over.
func (c *modelClient) caused(reason reset) bool {
	b := c.m.modelUpstream
	if b.kind.resets != nil {
		b.mu.Lock()
		caused := b.kind.resets(b, reason, c.from)
		b.mu.Unlock()
		if caused {
			return true
		}
	}
	switch reason {
	case restarted:
		return c.known < c.m.run() || b.misleads()
	case yielded:
		c.site.mu.Lock()
		defer c.site.mu.Unlock()
		return c.site.crowded
	case gap:
		if c.m.reader.Messages() {
			return c.counted()
		}
		// a newcomer's page may have gone on since
		at, err := position.Parse(c.lastID, c.site.config.Cursors)
		return err == nil && at.Cursor.IsZero()
	case unknownID:
		return b.misleads()
	}
	return false
}

// takeItem takes an event of an item.
func (c *modelClient) takeItem(text, id string) {
	b := c.m.modelUpstream
	misled := b.kind.restarts && b.misleads() // into forgetting what it could have compared
	b.mu.Lock()
	next := b.follow(c.last, text, c.floor)
	if anew := b.follow(nil, text, -1); len(next) == 0 && misled && len(anew) > 0 && anew[0].run > c.known {
		next = anew
	}
	if len(next) == 0 && b.kind.repeats && b.edited {
		next = b.follow(nil, text, -1)
		next = slices.DeleteFunc(next, func(p *publication) bool { return p.pos > c.last[0].pos })
	}
	seen := describe(c.last)
	if len(next) > 0 {
		c.last = next
	} else {
		c.last = b.follow(nil, text, -1)
	}
	if len(c.last) > 0 {
		c.run, c.known = c.last[0].run, c.last[0].run
	}
	c.from, c.place = c.last, c.last
	b.mu.Unlock()
	switch {
	case len(next) == 0 && c.floor >= 0:
		b.blame("%s came when %d was the newest, and got %s first", c.name, c.floor, text)
	case len(next) == 0:
		b.blame("%s got %s after %s", c.name, text, seen)
	case id == "":
		b.blame("%s got %s without an id", c.name, text)
	}
	c.lastID, c.floor = id, -1
}

// follow returns the items with that text that may follow one of those that came before: no other is
// owed in between. b.mu is held.
func (b *modelUpstream) follow(before []*publication, text string, floor int) (next []*publication) {
	if len(before) == 0 {
		runs := b.runs
		if floor >= 0 {
			runs = runs[len(runs)-1:]
		}
		for _, run := range runs {
			passed := false
			for _, p := range run {
				if p.text == text && !p.skip && !passed {
					next = append(next, p)
				}
				passed = passed || floor >= 0 && p.n > floor && p.owed()
			}
		}
		return next
	}
	for _, q := range before {
		for _, p := range b.runs[q.run][q.pos+1:] {
			if p.text == text && !p.skip && !slices.Contains(next, p) {
				next = append(next, p)
			}
			if p.owed() {
				break
			}
		}
	}
	return next
}

func describe(items []*publication) string {
	if len(items) == 0 {
		return "nothing"
	}
	return items[0].text
}

// settled looks whether the client has the last one.
func (c *modelClient) settled() {
	b := c.m.modelUpstream
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.kind.document {
		if !slices.Contains(c.versions, len(b.versions)-1) {
			b.blame("%s has %q of %q at the end", c.name, c.document, b.versions[len(b.versions)-1])
		}
		return
	}
	if b.kind.stream && b.hasEnded() && len(c.last) == 0 { // it was told that it may have missed the last one
		return
	}
	if last := b.last(); !slices.ContainsFunc(c.last, func(p *publication) bool { return p.run == last.run && p.pos >= last.pos }) {
		b.blame("%s has seen %s of %s at the end", c.name, describe(c.last), last.text)
	}
}
