package feed

import (
	"math"
	"net/http"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Config is what the feeds of a bridge have in common.
type Config struct {
	Document bool // the answer is a document, or a set: only the newest counts
	Set      bool // it is a set, of which clients get the changes
	Cursors  int  // how many cursors stand in an id
	Messages bool // positions within a page count what all answers held, such as messages
	Once     bool // an answer holds only what none before it held
	Loses    bool // and what a session held is lost with it: a new one is announced
	Repeats  bool // a poll without an answer is repeated as it was, and gets the answer that was lost
	Tokens   bool // cursors are opaque tokens, and one place may have several
	// Diff returns the patch from one document to another, and whether it is worth it. Clients get the
	// document once as a snapshot, and then patches. An error means that the two cannot be compared. nil:
	// documents are always sent whole. Of a set, it is used for each item that has changed.
	Diff func(before, after []byte) (patch []byte, worth bool, err error)

	Notify bool // clients get an event when the upstream goes down, and when it is back
	Ends   bool // clients get an event when the upstream has said that nothing will follow
	Alive  bool // silent streams get an event, not a comment

	ByID   bool // the cursor is a number that grows until the upstream starts over
	Unsent bool // polls do not send the cursor: all are the same, except for validators
	Opens  bool // a request before a newcomer's first poll gets its first cursor
	Epochs bool // it tells which run of the upstream it is: after a failed poll, it is made again

	Interval    time.Duration // least time between the starts of two polls
	MaxInterval time.Duration // the maximum of the wait, which doubles while there is no news; at least Interval
	LongPoll    bool          // the upstream holds polls until there is news
	// Stream is set if an answer goes on. Its records come in pages: a poll returns the next one of the chain's
	// answer, for which it makes a request if there is none. LongPoll and Messages are set too.
	Stream      bool
	Connections *Connections  // how many such answers all feeds may have together; nil: any number
	Linger      time.Duration // how long a chain continues after its last reader has left

	// Forgetful is set for an upstream that forgets events after they were polled: there is only one chain,
	// and no client's id goes upstream.
	Forgetful bool

	Chains int     // how many chains a feed may have; at least 2: the head, and one that catches up
	Replay int     // events that a log holds
	Budget *Budget // bytes that all logs hold together

	// Schedule makes the polls of all feeds.
	Schedule *Schedule
	// Counters count for all feeds together.
	Counters Counters
	// Turned is called, with locks held, when a feed's upstream goes down, with the reason, and when it is
	// back, without one. nil: not needed.
	Turned func(f *Feed, reason string)

	// Refused is called, with locks held, when clients get no stream, or no longer one, because the upstream refuses
	// the poll with a status. nil: not needed.
	Refused func(f *Feed, status, clients int)

	// NewJar makes the cookie jar of a chain.
	NewJar func() http.CookieJar
	// Closed is called once, without locks held, when a feed takes no more clients.
	Closed func(*Feed)
	// Polled is called after each poll, by the chain that made it, without locks held. nil: not needed.
	Polled func(Polled)
}

// skips reports whether readers that fall behind skip to the newest document. Patches, and the changes of
// a set, need those before them.
func (c *Config) skips() bool { return c.Document && c.Diff == nil && !c.Set }

// keepAlive returns what a stream that has been silent gets.
func (c *Config) keepAlive() batch {
	if c.Alive {
		return keepAliveEvent
	}
	return keepAliveComment
}

// startServes is for how long an answer to newcomers serves later ones. The start of a stream is that of all of
// them, as long as a log holds it.
func (c *Config) startServes() time.Duration {
	if c.Stream {
		return math.MaxInt64
	}
	return c.Interval
}

// counts reports whether a position is no place of the upstream's, but a count of a chain's messages.
func (c *Config) counts(at position.Position) bool { return c.Messages && at.Done > 0 }
