package feed

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Peers are the other nodes that have a feed, where nodes share polls: the answer to a poll from a position is the
// same for all of them.
//
// A chain asks [Peers.Next] before each poll, and tells them what its polls come to. All methods return at once.
// Covers, Left and Close are called with the feed's lock, the others without it.
type Peers interface {
	// Next says what a chain does that would poll next.
	Next(Stand) Step
	// Covers reports whether a peer polls from where a chain stands whose own poll is held, and so is of no use.
	Covers(Stand) bool
	// Polling is told that a chain which leads sends a poll.
	Polling(Stand)
	// Tell is told what the poll of a chain came to.
	Tell(from Stand, told Told)
	// Left is told that a chain no longer polls.
	Left(chain string)
	// Standing returns who polls.
	Standing() Standing
	// Close ends the sharing.
	Close()
}

// Stand is where a chain stands before a poll.
type Stand struct {
	Chain string            // its UUID
	At    position.Position // zero for a newcomer's, and for many documents
	Key   string            // of its first request, which it repeats while no cursor has a value
	Seen  uint64            // the newest answer of the peers that it has taken, or that came before it polled
	First bool              // it has not been answered
	Word  bool              // no event shows yet that the place is one of the upstream's: a client has named it
	Doubt bool              // it has to find out for itself whether the place means something
	Waits time.Time         // since when a reader waits for the answer; zero: none does
	Due   time.Time         // when it would poll by itself

	// Where cursors are tokens, of which one place may have several:
	Mark string    // the [MarkOf] its last event; empty: unknown
	Came time.Time // when the newest of what comes before the place came here
	End  time.Time // when the newest poll was sent that found the upstream's end; zero: none has
}

// Do is what a chain does next.
type Do uint8

// What a chain may do next.
const (
	Alone Do = iota // it polls for itself
	Lead            // it polls for all
	Await           // a peer polls
	Take            // it takes the answer of a peer's poll
)

// Step is what a chain does next.
type Step struct {
	Do     Do
	Until  time.Time // while it awaits: when it asks again at the latest
	Answer Answer    // to take; none of its events may be in the log
	Seen   uint64    // of its next [Stand]
	// Missed is set if the upstream was away, and nobody has told this node how that ended: the chain checks what it
	// knows before it takes anything.
	Missed bool
	// Gap is set if an answer with a document may have been lost: one without is good only for who has that document.
	Gap bool
}

// Answer is what the poll of a peer came to.
type Answer struct {
	Told
	Came time.Time // here
	// Mark is the event before the page's, which stands where the chain does; nil: the poll was made from there.
	Mark *page.Event
}

// Told is what a poll came to.
type Told struct {
	Page   page.Page         // what the readers get, unless one of the next two is set
	Failed *page.Error       // it brought nothing to read: the Comment, the Status, and whether it is for Later
	Reset  string            // why the chain has started over, one of [Resets]; empty: it has not
	To     position.Position // where the chain stands after it
	End    bool              // it has found the upstream's end there
	Took   time.Duration     // from the request to the answer
	Wait   time.Duration     // until the next poll
}

// Standing is who polls a feed.
type Standing struct {
	Polled string // one of the constants below; empty: polls are not shared
	Node   string // the name of the node that polls, if it is another one
	Alone  string // why each node polls for itself; empty: it does not
}

// Who polls a feed.
const (
	PolledHere      = "here"
	PolledElsewhere = "elsewhere"
	PolledAlone     = "alone"
)

// Share has the feed share its polls with other nodes from now on; nil: with none.
func (f *Feed) Share(peers Peers) {
	f.mu.Lock()
	old := f.peers
	f.peers = peers
	closed := f.closed || f.halted
	for _, c := range f.chains {
		c.sharing.seen, c.sharing.following = 0, false
		if peers == nil && c.sharing.outage { // nobody is left to tell how it ended
			c.sharing.outage = false
			c.check.owe(c.pace.polling)
		}
	}
	f.mu.Unlock()
	if old != nil {
		old.Close()
	}
	if closed && peers != nil {
		peers.Close()
	}
	f.Stir()
}

// Stir has all chains ask their peers again. A poll of theirs that is held, and of no use any more, is abandoned; not so
// where the answer may be a message that comes once.
func (f *Feed) Stir() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.chains {
		if c.held() && !f.config.Messages && !f.circuit.open && f.peers != nil && f.peers.Covers(c.stand(time.Time{})) {
			c.sharing.dropped = true
			c.hold.abandon()
		}
		c.audience.nudge()
	}
}

// Hurry has the next poll made as soon as it may, because a reader of another node waits for it.
func (f *Feed) Hurry() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.chains {
		c.pace.hurried = true
		c.audience.nudge()
	}
}
