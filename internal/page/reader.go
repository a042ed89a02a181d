package page

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Reader reads answers. It is immutable, and safe for concurrent use.
type Reader struct {
	config Config // with its defaults; Items are @this where only an id is configured

	source    cursorSource
	names     []string        // of the cursors, in the order of a [position.Cursor]
	values    [][]cursorValue // fromValues: for each name
	clears    []bool          // likewise
	document  bool
	set       bool // an answer lists what there is now
	rereads   bool // and can be read with the help of the one before
	messages  bool // each answer is an event, or a record
	whole     bool // a record is an item, if it is a list too
	counted   bool // the items of all answers are counted: nothing else says where one stands
	needsJSON bool // something configured can only be looked up in JSON, and every answer has it
	itemJSON  bool // something is looked up in the JSON of items, which lines may be
	readsJSON bool // something is looked up in JSON, if only in that of errors

	readsErrors bool // a condition for errors is looked up in JSON
}

// cursorValue is where an answer may have a cursor.
type cursorValue struct {
	value.Value
	pattern *regexp.Regexp // nil: the whole value
}

// of returns what the pattern finds in the value; nil for nothing.
func (v cursorValue) of(found []byte) []byte {
	if v.pattern == nil {
		return found
	}
	groups := v.pattern.FindSubmatch(found)
	if groups == nil {
		return nil
	}
	return groups[1]
}

// cursorSource is what moves the cursor.
type cursorSource int

const (
	fromNothing    cursorSource = iota // a document or a set without cursors
	fromValues                         // "cursor" says it
	fromItems                          // the id of the last item
	fromEachItem                       // "cursor" says it of each item, and pages overlap
	fromValidators                     // ETag and Last-Modified
)

// The paths to the answer itself, and to the entries of a feed; what the ids of a program's items are called;
// and the fields of an event stream.
var (
	itself, _    = value.ParsePath("@this")
	entries, _   = value.ParsePath("items")
	programID, _ = value.Parse("id")
	eventID, _   = value.Parse("{sse.header.Id}")
	eventType, _ = value.Parse("{sse.header.Event}")
)

// listed reports whether a format makes events of any answer.
func listed(f Format) bool { return f == Message || f == Lines || f == CSV || f == Feed }

// NewReader returns a reader of answers as c says. It takes c as valid, and what c holds must not change.
func NewReader(c Config) *Reader {
	needJSON := func(conditions []value.Condition) bool {
		return slices.ContainsFunc(conditions, value.Condition.NeedsJSON)
	}
	if c.Format == EventStream {
		if c.ID.IsZero() && len(c.Cursors) == 0 && c.Program.IsZero() {
			c.ID = eventID
		}
		if c.Event.IsZero() {
			c.Event = eventType
		}
	}
	r := &Reader{
		itemJSON: c.ID.NeedsJSON() || c.Event.NeedsJSON() || c.Data.NeedsJSON() || needJSON(c.Ignore) ||
			slices.ContainsFunc(c.Follow, func(f Follow) bool { return needJSON(f.When) }),
		document:    !c.Set && c.Items.IsZero() && c.ID.IsZero() && (c.Whole || !listed(c.Format) && c.Program.IsZero()) && !c.Stream,
		set:         c.Set,
		messages:    c.Format == Message && c.Program.IsZero() || c.Stream,
		whole:       c.Stream && c.Items.IsZero(),
		readsErrors: needJSON(c.Reset) || needJSON(c.Fail) || needJSON(c.Gap) || needJSON(c.Reopen),
	}
	r.needsJSON = !c.Items.IsZero() || r.itemJSON && c.Format != Lines || c.Epoch.NeedsJSON() || needJSON(c.More) || needJSON(c.End)
	if c.Stream { // records without what a condition looks for are as good as others
		r.needsJSON = !c.Items.IsZero() || c.ID.NeedsJSON() || c.Event.NeedsJSON() || c.Data.NeedsJSON() || c.Epoch.NeedsJSON()
	}
	for _, cursor := range c.Cursors {
		i := slices.Index(r.names, cursor.Name)
		if i < 0 {
			i = len(r.names)
			r.names, r.values, r.clears = append(r.names, cursor.Name), append(r.values, nil), append(r.clears, false)
		}
		for j, v := range cursor.Values {
			cv := cursorValue{Value: v}
			if j < len(cursor.Patterns) {
				cv.pattern = cursor.Patterns[j]
			}
			r.values[i] = append(r.values[i], cv)
			if v.NeedsJSON() && c.overlaps() { // it is looked up in the items
				r.itemJSON = true
			}
			r.needsJSON = r.needsJSON || v.NeedsJSON() && !(c.overlaps() && c.Format == Lines)
		}
		r.clears[i] = r.clears[i] || cursor.Clears
	}
	if !c.Program.IsZero() {
		r.needsJSON, r.itemJSON = false, true // the program may be given text
		if r.names = c.ProgramCursors; len(r.names) == 0 && (!c.Once || c.ProgramIDs) {
			c.ID = programID
		}
	}
	r.readsJSON = r.needsJSON || r.itemJSON || c.RetryAfter.NeedsJSON() || r.readsErrors
	r.counted = c.Once && len(r.names) == 0 && c.ID.IsZero()
	switch {
	case r.counted:
	case len(c.Cursors) > 0 && c.overlaps():
		r.source, r.names = fromEachItem, append(r.names, sentName)
	case len(r.names) > 0:
		r.source = fromValues
	case r.document, r.set: // its position is a hash
		r.names = nil
	case !c.ID.IsZero():
		r.source, r.names = fromItems, []string{""}
	case c.Stream && c.Format != Multipart:
	default:
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
	r.rereads = rereads(&r.config)
	return r
}

// Tokens reports whether the cursors are of the upstream's own wording, which may differ for one place:
// not the ids of items, nor validators. Nor are those of items of which several have one: with them stands which
// of these were sent, so that a place has one id. Two that differ are two places, even where nothing follows.
func (r *Reader) Tokens() bool { return r.source == fromValues }

// Document reports whether an answer is a document: one event, sent whenever it changes.
// All other answers are events, each sent once, or sets.
func (r *Reader) Document() bool { return r.document }

// Set reports whether an answer lists what there is now: a set of items, of which the changes are sent.
func (r *Reader) Set() bool { return r.set }

// Messages reports whether each answer is one event, whatever came before, or each record. The position after
// one that has not moved the cursor is no place of the upstream's: it counts such answers.
func (r *Reader) Messages() bool { return r.messages }

// LastEventID reports whether the cursor is the id of an event stream, which goes back in the header field of
// that name.
func (r *Reader) LastEventID() bool { return r.config.ID.String() == eventID.String() }

// Validators reports whether the cursors are ETag and Last-Modified.
func (r *Reader) Validators() bool { return r.source == fromValidators }

// Counts reports whether positions count what all answers held, because the upstream has no name for a place:
// those after messages, and those after items without ids that come once.
func (r *Reader) Counts() bool { return r.messages || r.counted }

// Cursors returns the names of the cursors, in the order in which a [position.Cursor] has
// them: those that are configured, where pages overlap with one that no poll sends behind them; else, for events,
// a single unnamed one if items have an id, and "etag" and "last_modified" if not. Those of a document or a set
// only steer its polls.
func (r *Reader) Cursors() []string { return slices.Clone(r.names) }

// Accepts reports whether a status is that of an answer.
func (r *Reader) Accepts(status int) bool {
	return status/100 == 2 || slices.Contains(r.config.Accept, status)
}

// keyedByLine reports whether the items of a set are lines that are their own ids.
func (r *Reader) keyedByLine() bool { return r.config.Format == Lines && r.config.ID.IsZero() }

// idName returns what the id of a set's items is called in errors.
func (r *Reader) idName() string {
	if r.keyedByLine() {
		return "the line"
	}
	return "id " + r.config.ID.String()
}

// Records returns what reads the records of an answer to a poll from a position.
func (r *Reader) Records(resp Response, from position.Position) *Records {
	if len(from.Cursor) != len(r.names) {
		cursor := make(position.Cursor, len(r.names))
		copy(cursor, from.Cursor)
		from.Cursor = cursor
	}
	return &Records{reader: r, status: resp.Status, header: resp.Header, at: from, fresh: !from.Cursor.IsZero()}
}

// record returns the body that a record is, which has come in UTF-8, unless it is a part.
func (r *Reader) record(record *decode.Record) body {
	text := record.Body
	switch r.config.Format {
	case JSON, Scripts:
		return body{text: text, json: true}
	case Multipart:
		text = decode.Text(text, record.Header.Get("Content-Type"))
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	b := body{text: text, json: r.readsJSON && value.ValidJSON(bytes.Trim(text, decode.Space)), raw: true}
	if !b.json && r.needsJSON {
		b.err = decode.Unexpected(b.text, "a record of JSON was")
	}
	return b
}

// rereads reports whether what becomes of an item depends on its own bytes alone, so that answers can be read with
// the help of the ones before.
func rereads(c *Config) bool {
	_, plain := c.Items.Keys()
	return c.Set && plain && c.Program.IsZero() && (c.Format == Auto || c.Format == JSON || c.Format == JSONP) &&
		c.ID.ReadsOnlyItem() && c.Data.ReadsOnlyItem() &&
		!slices.ContainsFunc(c.Ignore, func(c value.Condition) bool { return !c.ReadsOnlyItem() })
}
