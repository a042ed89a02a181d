// Package page reads an upstream's answer to a poll: response → page. It is pure: it makes no
// requests, keeps no state, and has no clock.
package page

import (
	"net/http"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Response is an upstream's answer to one poll, whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte        // decoded from its Content-Encoding
	Broken error         // why it could not be decoded; the Body is empty then, and no answer if it has to be read
	Took   time.Duration // from the request to the head
}

// Page is what one answer decodes to.
type Page struct {
	// Status is that of the answer; 0 where the upstream held the poll to the end of its time.
	Status int

	// News is false where the answer has nothing that was not there before: 204, 304, 408, an
	// empty body, no items, or items that neither move the cursor nor are new. An answer that
	// has no events and moves the cursor is News. A document is always News here: only its
	// feed knows the one before.
	News bool

	// Stuck is true where the answer has items, all of them were sent before, the poll has sent the cursor, and
	// no order is configured that expects this: the poll asks again for what it already had.
	Stuck bool

	// Itemless is true where the answer has something, and nothing at the path of its items: no empty
	// list either. Some upstreams leave it out where there is no news; or the path is wrong.
	Itemless bool

	// Idless is true where ids are configured, and no item of the answer has one.
	Idless bool

	// Dataless is true where the answer is a document, and nothing is at the path of its data. To a poll that sends
	// a cursor, that is no news; else the document is null.
	Dataless bool

	// Empty is true where an answer says that it has no item, not even one that is ignored, and where
	// More is false. An answer that says nothing of items, such as one without a body, is not Empty.
	Empty bool

	// Complete is true where an Empty answer says by its More that nothing follows.
	Complete bool

	// Repeats is the configured value of the ids, where some items of the answer have the same. Such
	// items are told apart by their places and their bytes; but under [ByID], what comes later with an
	// id that was sent is taken for what was there.
	Repeats string

	// Events are the new items, oldest first; for a document, the one that it is, or none
	// where its answer has no body. For a set likewise, but the event has no data and no key: who knows
	// the set before makes the events.
	Events []Event

	// Set is the items, where the answer is a set. nil: there are none to read, not even an empty list.
	Set *Set

	// Skipped is how many items of the answer came before the Events, in the order in which they go out: they are
	// taken for sent. 0 where items have a cursor each.
	Skipped int

	// Next is where the next poll goes on: the position after all Events.
	Next position.Position

	// Carry is what the next page has to decide, where this one cannot tell whether its items were sent:
	// there are no Events then, Next is the position of the poll, and the next poll asks from where Carry
	// says, and is read by [Reader.ReadOn] with it. Where no page follows, it is settled. nil: all is decided.
	Carry *Carry

	// Validators for the next poll of a document, or of items whose polls do not send the cursor
	// and so are all the same. Where they are empty, those before stay, unless there are Events.
	Validators Validators

	// Lost is true where the position that was asked for should be on the page and is not, or where the
	// answer says so, so that what is between it and the page cannot be known.
	Lost bool

	// More is true where the upstream says that it has more to read at once.
	More bool

	// End is true where the upstream says that nothing will follow any more.
	End bool

	// Followed are the requests that the answer calls for, see [Config.Follow].
	Followed []Followed

	// Reset is true where the upstream says that the position is of no use any more. Nothing
	// else of the page counts then.
	Reset bool

	// Reopen is true where the upstream says that the session has ended, but not the position. Nothing
	// else of the page counts then.
	Reopen bool

	// Restarted is true where the upstream has started over since the position that was asked for.
	Restarted bool

	// Wait is the least time to the next poll that the answer asks for (Retry-After,
	// X-Poll-Interval, and what is configured in the body), an hour at most. 0 where it asks for none.
	Wait time.Duration

	// Asked is what the answer asks for, where that is more than Wait; else 0.
	Asked time.Duration
}

// Event is one item, before it is encoded.
type Event struct {
	Type string            // the "event:" field; empty for a message
	Data []byte            // shares memory with the response's body
	At   position.Position // right after this event; the zero Position for a document
	Key  string            // the upstream's own id of the item; for a document, the hash of the event
}

// Validators make the next poll conditional (RFC 9110, section 13.1). They
// never become event ids.
type Validators struct {
	ETag         string // for If-None-Match
	LastModified string // for If-Modified-Since
}

// Carry is the search for a position that goes on in the next page. A position within a page counts its
// items; a page that is shorter than that when it is read again, and goes on in another one, has either
// been cut anew, and the position is further on; or it has lost items at its front, and what is left of it
// may be new. What tells is whether the fingerprint of the position comes. Until then the items are held back.
//
// A Carry is immutable: an answer that is none leaves it as it was.
type Carry struct {
	// From is the border that the next page begins at: where the next poll asks.
	From position.Position

	at     position.Position // what is looked for, and where the readers stand
	seeker seeker
	held   []Event
	lost   bool // before what was held
	bytes  int  // of the answers that held shares memory with
	pages  int
}

// Settle returns the page of a search that has come to its end without a match: what was held back is
// sent, since a repeat is better than a loss. Behind a start cursor nobody knows what came before it.
func (c *Carry) Settle() Page {
	return Page{News: true, Events: c.held, Next: c.From, Lost: c.lost || c.at.Cursor.IsZero()}
}
