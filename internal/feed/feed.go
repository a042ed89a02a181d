// Package feed turns polls into streams: a feed is all chains of one poll request, a
// chain is a cursor that moves, and readers follow the log of what it brought.
//
// The package knows no Caddy and no HTTP handler: it is given a [Poll] and gives out
// bytes of text/event-stream.
package feed

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Ask is what a chain wants to know with one poll.
type Ask struct {
	First      bool              // a client's own first request: no edit of a cursor applies
	From       position.Position // where to go on
	Carry      *page.Carry       // what the page has to decide, from where From says; nil: nothing
	Validators page.Validators   // of the answer that is known, where a conditional poll may do
	Number     int               // how many polls the chain has made before
	Chain      string            // a UUID, the same for all polls of a chain
	Session    *Session          // of this chain alone
	Held       bool              // the upstream is expected to hold the poll until there is news
	Ring       bool              // the last answer was the newest: wait for a sign of news first, where there is one
	// Reached is called when the poll has been sent, and when the head of a good answer has come. Until
	// the poll returns, that is all that is known of an upstream that holds it. nil: it does not matter.
	Reached func(Stage)
}

// Stage is how far a poll has come.
type Stage int

// The stages of a poll.
const (
	Sent  Stage = iota // the upstream has it, or will in a moment
	Begun              // the head of an answer that is none of an error has come
)

// Session is what the polls of one chain keep between them. They alone use it, one after another.
type Session struct {
	Jar http.CookieJar // the cookies that the upstream set
	// Opened are the cursors that a request before the first poll has got, by their names. It is
	// nil where there was none yet, and again when the chain starts over or the upstream fails in a
	// way that a new session may mend.
	Opened map[string]string
	Deaf   bool // the request that waits for a sign of news has failed
}

// Poll asks the upstream once and reads its answer. Its error is a [*page.Refusal], a
// [*page.Error], or one that only says that no answer came.
type Poll func(ctx context.Context, ask Ask) (page.Page, error)

// Config is what the feeds of a bridge have in common.
type Config struct {
	Document bool // the answer is a document: only the newest counts
	Cursors  int  // how many cursors stand in an id
	Tokens   bool // the upstream words its cursors itself, and may word one place in many ways
	// Diff returns what makes one document of another, as a patch that is worth it. Clients get the
	// document once as a snapshot, and then patches. An error says that the two cannot be compared.
	// nil: each document whole.
	Diff func(before, after []byte) (patch []byte, worth bool, err error)

	Notify bool // clients get an event when the upstream goes down, and when it is back

	ByID   bool // the cursor is a number that grows until the upstream starts over
	Unsent bool // polls do not send the cursor: all are the same, but for validators
	Opens  bool // a request before a newcomer's first poll gets its first cursor

	Interval    time.Duration // least time between the starts of two polls
	MaxInterval time.Duration // what the wait doubles up to while there is no news; at least Interval
	LongPoll    bool          // the upstream holds polls until there is news
	Linger      time.Duration // how long a chain goes on after its last reader

	// Forgetful is set for an upstream that forgets what was polled: there is one chain, and no
	// client's id goes upstream.
	Forgetful bool

	Chains int     // how many chains a feed may have; at least 2: the head, and one that catches up
	Replay int     // events that a log holds
	Budget *Budget // bytes that all logs hold together

	// Counters count for all feeds together.
	Counters Counters
	// Turned is called, with locks held, when a feed's upstream goes down, with the reason, and when
	// it is back, without one. nil: nobody is told.
	Turned func(f *Feed, reason string)

	// NewJar makes the cookie jar of a chain.
	NewJar func() http.CookieJar
	// Closed is called once, without locks held, when a feed takes no more clients.
	Closed func(*Feed)
	// Polled is called after each poll, by the chain that made it, without locks held. nil: by none.
	Polled func(Polled)
}

// Start is a client's own first request.
type Start struct {
	Key  string // equal for equal requests
	Poll Poll
	// Asks reports whether a poll can be made from a position, which is what a client says it is.
	// nil: from any.
	Asks func(position.Position) bool
}

// Feed is all chains of one poll request. Its methods may be called by any goroutine.
type Feed struct {
	config *Config
	health health
	lobby  *log // the readers that wait for a place stand here

	mu       sync.Mutex
	chains   []*chain          // oldest first
	starts   map[string]*start // by Start.Key
	waiting  []*Reader         // for a chain, as there are too many
	yielding *time.Timer       // runs while readers wait
	closing  *time.Timer       // runs while a refusal is remembered and nobody is here
	circuit  circuit
	remarked remarked
	last     LastPoll
	polls    int64
	errors   int64
	events   int64
	saved    int64
	halted   bool
	closed   bool
}

// New returns a feed without chains. Nothing is polled before somebody joins.
func New(config *Config, logger *zap.Logger) *Feed {
	f := &Feed{config: config, starts: make(map[string]*start), circuit: newCircuit(config)}
	f.health = newHealth(f, logger)
	f.lobby = newLog(nil, config.Budget)
	return f
}

// Idle reports whether nobody reads the feed.
func (f *Feed) Idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.chains {
		if c.reading() {
			return false
		}
	}
	return len(f.waiting) == 0
}

// leave takes a reader off its chain, which then stops after the linger.
func (f *Feed) leave(r *Reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = slices.DeleteFunc(f.waiting, func(other *Reader) bool { return other == r })
	if r.chain != nil {
		r.chain.remove(r)
	}
}

// ended forgets a chain whose poller has stopped, and closes the feed with its last one.
func (f *Feed) ended(c *chain) {
	f.mu.Lock()
	f.detach(c)
	f.seatWaiting()
	done := f.done()
	f.mu.Unlock()
	if done {
		f.config.Closed(f)
	}
}

// detach takes a chain off the feed. The feed's lock is held.
func (f *Feed) detach(c *chain) {
	if c.linger != nil {
		c.linger.Stop()
	}
	if i := slices.Index(f.chains, c); i >= 0 {
		f.chains = slices.Delete(f.chains, i, i+1)
		f.config.Counters.chains.Add(-1)
		c.log.free()
		// all that it brought could be reached from these, until another chain polls
		maps.DeleteFunc(f.starts, func(_ string, s *start) bool { return s.chain.final() == c })
		f.abandon(c)
	}
}

// done reports, once, whether the feed has closed: it has no chain, and no refusal to
// remember. The feed's lock is held.
func (f *Feed) done() bool {
	if len(f.chains) > 0 || f.closed {
		return false
	}
	if left := f.health.remembers(time.Now()); left > 0 && !f.halted {
		if f.closing == nil {
			f.closing = time.AfterFunc(left, func() {
				f.mu.Lock()
				f.closing = nil
				done := f.done()
				f.mu.Unlock()
				if done {
					f.config.Closed(f)
				}
			})
		}
		return false
	}
	f.closed = true
	f.health.close()
	return true
}

// Halt ends all polls for good; streams stay until they are stopped. It does not wait.
func (f *Feed) Halt() {
	f.mu.Lock()
	f.halted = true
	for _, c := range f.chains {
		c.cancel()
	}
	if f.closing != nil {
		f.closing.Stop()
	}
	if f.yielding != nil {
		f.yielding.Stop()
	}
	done := f.done()
	f.mu.Unlock()
	if done {
		f.config.Closed(f)
	}
}

// stop ends all streams and polls.
func (f *Feed) stop(end *End) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range slices.Clone(f.chains) {
		for _, r := range c.readers {
			r.stop(end)
		}
		c.end()
	}
	for _, r := range f.waiting {
		r.stop(end)
	}
	f.waiting = nil   // no chain begins for who is sent away
	f.circuit.close() // who comes next makes the first contact again
}
