// Package feed turns polls into streams: a feed is all chains of one poll request, a
// chain is a cursor that moves, and readers follow the log of what it brought.
//
// The package knows no Caddy and no HTTP handler: it is given a [Poll] and gives out
// bytes of text/event-stream.
package feed

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Ask is what a chain wants to know with one poll.
type Ask struct {
	First      bool              // a client's own first request: no edit of a cursor applies
	From       position.Position // where to go on
	Validators page.Validators   // of the document that is known
	Number     int               // how many polls the chain has made before
	Chain      string            // a UUID, the same for all polls of a chain
	Jar        http.CookieJar    // what the upstream set; of this chain alone
	Held       bool              // the upstream is expected to hold the poll until there is news
}

// Poll asks the upstream once and reads its answer. Its error is a [*page.Refusal], a
// [*page.Error], or one that only says that no answer came.
type Poll func(ctx context.Context, ask Ask) (page.Page, error)

// Config is what the feeds of a bridge have in common.
type Config struct {
	Document bool // the answer is a document: only the newest counts
	Cursors  int  // how many cursors stand in an id

	Interval    time.Duration // least time between the starts of two polls
	MaxInterval time.Duration // what the wait doubles up to while there is no news; at least Interval
	LongPoll    bool          // the upstream holds polls until there is news
	Linger      time.Duration // how long a chain goes on after its last reader

	Replay int     // events that a log holds
	Budget *Budget // bytes that all logs hold together

	// NewJar makes the cookie jar of a chain.
	NewJar func() http.CookieJar
	// Closed is called once, without locks held, when the last chain of a feed has stopped.
	Closed func(*Feed)
}

// Feed is all chains of one poll request. Its methods may be called by any goroutine.
type Feed struct {
	config *Config
	health health

	mu     sync.Mutex
	chains map[*chain]struct{}
	closed bool
}

// New returns a feed without chains. Nothing is polled before somebody joins.
func New(config *Config, logger *zap.Logger) *Feed {
	return &Feed{config: config, chains: make(map[*chain]struct{}), health: health{logger: logger}}
}

// Join gives a client its place. lastID is the event id that it has seen last; an empty
// one makes it a newcomer. poll is the client's own request, which answers while the
// chain has no cursor. It returns nil if the feed is closed: ask for a new one.
func (f *Feed) Join(lastID string, poll Poll) *Reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	c := newChain(f, poll)
	r := &Reader{chain: c, at: c.log.tail.Load(), wake: make(chan struct{}, 1)}
	if lastID != "" {
		if err := c.resume(lastID); err != nil {
			r.first = resetEvent(unknownID)
		}
	}
	f.chains[c] = struct{}{}
	c.readers[r] = struct{}{}
	c.demand.Store(true)
	go c.run()
	return r
}

// leave takes a reader off its chain, which then stops after the linger.
func (f *Feed) leave(r *Reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := r.chain
	delete(c.readers, r)
	if len(c.readers) == 0 {
		c.linger = time.AfterFunc(f.config.Linger, c.cancel)
	}
}

// ended forgets a chain whose poller has stopped, and closes the feed with its last one.
func (f *Feed) ended(c *chain) {
	f.mu.Lock()
	if c.linger != nil {
		c.linger.Stop()
	}
	delete(f.chains, c)
	last := len(f.chains) == 0
	f.closed = f.closed || last
	f.mu.Unlock()
	c.log.free()
	if last && f.config.Closed != nil {
		f.config.Closed(f)
	}
}

// Halt ends all polls for good; streams stay until they are stopped. It does not wait.
func (f *Feed) Halt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.chains {
		c.cancel()
	}
}

// stop ends all streams and polls.
func (f *Feed) stop(end *End) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.chains {
		for r := range c.readers {
			r.stop(end)
		}
		c.cancel()
	}
}

func newChain(f *Feed, poll Poll) *chain {
	ctx, cancel := context.WithCancel(context.Background())
	return &chain{
		feed: f, poll: poll, ctx: ctx, cancel: cancel,
		id: uuid.NewString(), jar: f.config.NewJar(),
		log: newLog(f.config.Budget), pace: newPace(f.config),
		readers: make(map[*Reader]struct{}), kick: make(chan struct{}, 1),
		answered: make(chan struct{}),
	}
}
