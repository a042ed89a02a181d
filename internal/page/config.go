package page

import (
	"regexp"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Format says what the body of an answer is.
type Format string

const (
	Auto    Format = "auto"    // JSON if it is valid JSON, whatever the Content-Type says; else text
	JSON    Format = "json"    // JSON; anything else is an error
	JSONP   Format = "jsonp"   // JSON as the argument of a JavaScript call, which may be empty; or plain JSON
	Text    Format = "text"    // text, even if it looks like JSON
	Message Format = "message" // the whole answer is one event, its bytes as they are

	XML   Format = "xml"   // XML, which is read as the JSON that decode.XML describes
	Feed  Format = "feed"  // RSS, Atom or JSON Feed, which is read as decode.Feed describes; its entries are the items
	CSV   Format = "csv"   // a table; its rows are the items, as decode.CSV describes
	Lines Format = "lines" // text; each line is an item

	SocketIO Format = "socketio" // packets of Socket.IO in those of Engine.IO, which are read as decode.SocketIO describes
	SockJS   Format = "sockjs"   // a frame of SockJS, which is read as decode.SockJS describes

	// Of answers that go on, beside JSON and Lines.
	EventStream Format = "sse"       // an event stream: each event is a record
	Multipart   Format = "multipart" // each part is a record
	Scripts     Format = "scripts"   // HTML with scripts: what each of their calls is given is a record
)

// Order says how the items of a page stand, and what to do with those that came before.
type Order string

const (
	NewestFirst Order = "newest_first" // the page is reversed
	ByID        Order = "by_id"        // the page is sorted by integer ids; what is not above the cursor is dropped
	Overlap     Order = "overlap"      // the page repeats the cursor's item; without it there is a gap
)

// Cursor is a page cursor: the first of its values that is neither empty nor null.
type Cursor struct {
	Name   string // empty for the unnamed one
	Values []value.Value

	// Patterns are for the values at the same places, as far as there are some; nil: none. A pattern has one
	// group, whose match is the value. Where it does not match, the value is missing.
	Patterns []*regexp.Regexp

	// Clears is true where an answer with a body, and without the values, says that there is no such cursor any
	// more. Else the one before stays. Of events, one cursor always stays: a position without any would be
	// that of a newcomer.
	Clears bool
}

// Config says how to read answers.
type Config struct {
	Stream    bool       // answers go on: each record is read like an answer of its own, by [Records]
	Format    Format     // default: Auto
	Separator string     // between Lines, default LF or CRLF; between the cells of CSV, one character, default a comma
	Header    bool       // the first row of CSV names the columns
	Items     value.Path // where the items stand in the body: an array, or a single item; default for Feed: "items"

	// Looked up in the item; in a document, in the body. An ID without Items makes the
	// answer itself the list: an array's elements, or one item.
	ID, Event, Data value.Value
	EventDefault    string // the type of events to which Event gives none

	// Set says that an answer lists what there is now: its items are a set, keyed by their ids, or, of Lines
	// without an ID, by themselves. Whole says that an answer is a document, in any format but Message, and
	// what a Program makes of it.
	Set, Whole bool

	// Looked up in the body; those of one name are one cursor. Where pages overlap, there is one at most, and it
	// is looked up in the items: each item has its own, and several may have the same.
	Cursors []Cursor
	// Program makes the events and cursors of an answer, in the place of Items, ID, Event, Data
	// and Cursors. Its cursors are those of ProgramCursors; without any, the last event's id is
	// the cursor.
	Program        jq.Program
	ProgramCursors []string
	ProgramIDs     bool // it yields ids; needed only with Once

	Epoch  value.Value // looked up in the body; when it changes, the upstream has started over
	Order  Order       // default: oldest first
	Repeat bool        // the page repeats the cursor's item, as under Overlap, in an Order that is another
	Held   bool        // the upstream holds polls
	Unsent bool        // polls do not send the cursor, so that a page NewestFirst repeats the cursor's item, or there is a gap
	// Once says that an answer holds only what none before it held, as in a session: all of its items are
	// new, and no poll can ask for them again. Items without ids are counted.
	Once   bool
	Accept []int // statuses that are answers, beside 2xx; never 304

	// An item for which one of Ignore holds makes no event, and counts otherwise; for a document,
	// the conditions look at the body.
	Ignore []value.Condition

	// They look at the body: More, Fail, Gap and End of answers, Reset of refusals and errors too. An
	// answer for which one of Fail holds is an error. Where one of Gap holds, events may be missing
	// between the position that was asked for and the answer. Reopen looks where Reset does: the session
	// has ended, and the position has not.
	More, Fail, Gap, Reopen, Reset, End []value.Condition

	Follow []Follow // the requests that answers call for

	RetryAfter     value.Value   // looked up in the body: the least time to the next poll
	RetryAfterUnit time.Duration // of RetryAfter; default: a second
}

// overlaps reports whether pages repeat the cursor's item.
func (c *Config) overlaps() bool { return c.Order == Overlap || c.Repeat }

// Conditions returns all lists of conditions, to be changed in place.
func (c *Config) Conditions() []*[]value.Condition {
	return []*[]value.Condition{&c.Ignore, &c.More, &c.Fail, &c.Gap, &c.Reopen, &c.Reset, &c.End}
}
