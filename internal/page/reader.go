package page

import (
	"cmp"
	"errors"
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
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
}

// Config says how to read answers.
type Config struct {
	Format    Format     // default: Auto
	Separator string     // between Lines, default LF or CRLF; between the cells of CSV, one character, default a comma
	Header    bool       // the first row of CSV names the columns
	Items     value.Path // where the items stand in the body: an array, or a single item; default for Feed: "items"

	// Looked up in the item; in a document, in the body. An ID without Items makes the
	// answer itself the list: an array's elements, or one item.
	ID, Event, Data value.Value
	EventDefault    string // the type of events to which Event gives none

	Cursors []Cursor // looked up in the body; those of one name are one cursor
	// Program makes the events and cursors of an answer, in the place of Items, ID, Event, Data
	// and Cursors. Its cursors are those of ProgramCursors; without any, the last event's id is
	// the cursor.
	Program        jq.Program
	ProgramCursors []string

	Epoch  value.Value // looked up in the body; when it changes, the upstream has started over
	Order  Order       // default: oldest first
	Unsent bool        // polls do not send the cursor, so that a page NewestFirst repeats the cursor's item, or there is a gap
	Accept []int       // statuses that are answers, beside 2xx; never 304

	// An item for which one of Ignore holds makes no event, and counts otherwise; for a document,
	// the conditions look at the body.
	Ignore []value.Condition

	// They look at the body: More and End of answers, Reset of refusals and errors too.
	More, Reset, End []value.Condition

	RetryAfter value.Value // looked up in the body: the least time to the next poll, in seconds
}

// Reader reads answers. It is immutable, and safe for concurrent use.
type Reader struct {
	config Config // with its defaults; Items are @this where only an id is configured

	source    cursorSource
	names     []string        // of the cursors, in the order of a [position.Cursor]
	values    [][]value.Value // fromValues: for each name
	document  bool
	needsJSON bool // something configured can only be looked up in JSON, and every answer has it
	itemJSON  bool // something is looked up in the JSON of items, which lines may be
	readsJSON bool // something is looked up in JSON, if only in that of errors

	readsErrors bool // a reset condition is looked up in JSON
}

// cursorSource is what moves the cursor.
type cursorSource int

const (
	fromNothing    cursorSource = iota // a document without cursors
	fromValues                         // "cursor" says it
	fromItems                          // the id of the last item
	fromValidators                     // ETag and Last-Modified
)

// The paths to the answer itself, and to the entries of a feed; and what the ids of a program's items are called.
var (
	itself, _    = value.ParsePath("@this")
	entries, _   = value.ParsePath("items")
	programID, _ = value.Parse("id")
)

// listed reports whether a format makes events of any answer.
func listed(f Format) bool { return f == Message || f == Lines || f == CSV || f == Feed }

// NewReader returns a reader of answers as c says. It takes c as valid, and what c holds must not change.
func NewReader(c Config) *Reader {
	needJSON := func(conditions []value.Condition) bool {
		return slices.ContainsFunc(conditions, value.Condition.NeedsJSON)
	}
	r := &Reader{
		itemJSON:    c.ID.NeedsJSON() || c.Event.NeedsJSON() || c.Data.NeedsJSON() || needJSON(c.Ignore),
		document:    c.Items.IsZero() && c.ID.IsZero() && !listed(c.Format) && c.Program.IsZero(),
		readsErrors: needJSON(c.Reset),
	}
	r.needsJSON = !c.Items.IsZero() || r.itemJSON && c.Format != Lines || c.Epoch.NeedsJSON() || needJSON(c.More) || needJSON(c.End)
	for _, cursor := range c.Cursors {
		i := slices.Index(r.names, cursor.Name)
		if i < 0 {
			i = len(r.names)
			r.names, r.values = append(r.names, cursor.Name), append(r.values, nil)
		}
		for _, v := range cursor.Values {
			r.values[i] = append(r.values[i], v)
			r.needsJSON = r.needsJSON || v.NeedsJSON()
		}
	}
	if !c.Program.IsZero() {
		r.needsJSON, r.itemJSON = false, true // the program may be given text
		if r.names = c.ProgramCursors; len(r.names) == 0 {
			c.ID = programID
		}
	}
	r.readsJSON = r.needsJSON || r.itemJSON || c.RetryAfter.NeedsJSON() || r.readsErrors
	switch {
	case len(r.names) > 0:
		r.source = fromValues
	case !c.ID.IsZero():
		r.source, r.names = fromItems, []string{""}
	case !r.document:
		r.source, r.names = fromValidators, []string{"etag", "last_modified"}
	}
	switch {
	case !c.Items.IsZero():
	case c.Format == Feed:
		c.Items = entries
	default:
		c.Items = itself
	}
	c.Format = cmp.Or(c.Format, Auto)
	r.config = c
	return r
}

// Tokens reports whether the cursors are of the upstream's own wording, which may differ for one place:
// not the ids of items, nor validators.
func (r *Reader) Tokens() bool { return r.source == fromValues }

// Document reports whether an answer is a document: one event, sent whenever it changes.
// All other answers are events, each sent once.
func (r *Reader) Document() bool { return r.document }

// Cursors returns the names of the cursors, in the order in which a [position.Cursor] has
// them: those that are configured; else, for events, a single unnamed one if items have an
// id, and "etag" and "last_modified" if not. Those of a document only steer its polls.
func (r *Reader) Cursors() []string { return slices.Clone(r.names) }

// Read reads the answer to a poll that was sent from a position: the zero one for the first
// poll of a newcomer. It fills env with the answer, so that the conditions of the caller can
// see it, whatever Read returns; env may be nil.
//
// The error is an [*Error] for an answer that is none, after which the poll is repeated, or
// a [*Refusal] for one that declines the poll.
func (r *Reader) Read(resp Response, from position.Position, env *value.Env) (Page, error) {
	return r.readAll(resp, &reading{reader: r, from: from}, env)
}

// ReadOn is [Reader.Read] for who carries what one page leaves open to the next. Where carry is not nil,
// the poll was sent from where it says, and not from that position.
func (r *Reader) ReadOn(resp Response, from position.Position, carry *Carry, env *value.Env) (Page, error) {
	if carry != nil {
		from = carry.From
	}
	return r.readAll(resp, &reading{reader: r, from: from, carries: true, carry: carry}, env)
}

// readAll reads an answer to a poll, of which a has what was known before.
func (r *Reader) readAll(resp Response, rd *reading, env *value.Env) (Page, error) {
	if env == nil {
		env = new(value.Env)
	}
	b := r.decode(resp)
	env.Status, env.Header, env.Body, env.Item = resp.Status, resp.Header, b.text, nil
	if len(rd.from.Cursor) != len(r.names) {
		cursor := make(position.Cursor, len(r.names))
		copy(cursor, rd.from.Cursor)
		rd.from.Cursor = cursor
	}
	rd.status, rd.header, rd.body, rd.env = resp.Status, resp.Header, b, env
	rd.asked = rd.pacing()
	p, err := rd.read()
	if err != nil {
		if failed, ok := errors.AsType[*Error](err); ok {
			failed.Wait, failed.Asked = capped(rd.asked)
		}
		return Page{}, err
	}
	p.Wait, p.Asked = capped(rd.asked)
	return p, nil
}
