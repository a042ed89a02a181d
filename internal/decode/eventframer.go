package decode

import (
	"bytes"
	"net/http"
)

var errHTMLEvents = unexpectedHTML("an event stream was")

// eventFramer cuts an event stream into its events.
type eventFramer struct {
	out     recordBuffer // of the data
	opening opening
	afterCR bool // whether a LF that comes next belongs to the end of the line before
	spot    lineSpot
	name    [len("event")]byte // of the field that is read
	named   int                // how much of its name there is
	field   eventField
	value   []byte // of the field that is read, if it is not data
	hasData bool
	id      eventValue
	event   eventValue
	retry   eventValue
}

// lineSpot is where an [eventFramer] is in a line.
type lineSpot byte

const (
	inName lineSpot = iota
	atValue
	inValue
	inNothing // a comment, or a field that is ignored
)

// eventField is a field of an event.
type eventField byte

const (
	otherField eventField = iota
	dataField
	idField
	eventTypeField
	retryField
)

// eventValue is a field that the event which is arriving may have.
type eventValue struct {
	text  []byte
	given bool
}

// set takes a value, and returns memory for another one.
func (v *eventValue) set(text []byte, given bool) []byte {
	old := v.text
	v.text, v.given = text, given
	return old[:0]
}

// clear forgets the value, and keeps little memory.
func (v *eventValue) clear() {
	if v.given, v.text = false, v.text[:0]; cap(v.text) > smallRecord {
		v.text = nil
	}
}

// NewEventFramer returns a framer whose records are the events of a text/event-stream, as section 9.2.6 of
// the HTML standard reads it, with these differences. A record has the id and the retry that stand in its
// block, and none of an earlier one. A block without data is a record of its fields if it has an id or a
// retry. Its type is not in it, as it is no event. Invalid UTF-8 stays what it is. An answer that begins
// as HTML is an error.
func NewEventFramer(limit int) Framer { return &eventFramer{out: recordBuffer{limit: limit}} }

func (f *eventFramer) Push(p []byte) ([]Record, error) {
	if f.out.err != nil {
		return nil, f.out.err
	}
	return f.out.end(f.opening.read(p, f.read, errHTMLEvents))
}

func (f *eventFramer) Last() []Record { return nil }

func (f *eventFramer) Partial() bool {
	return f.hasData || f.id.given || f.event.given || f.retry.given || f.named > 0
}

func (f *eventFramer) read(p []byte) error {
	lf := -1 // where the next LF is
	for i := 0; i < len(p); {
		if f.afterCR {
			if f.afterCR = false; p[i] == '\n' {
				i++
				continue
			}
		}
		if lf < i {
			if lf = bytes.IndexByte(p[i:], '\n'); lf < 0 {
				lf = len(p)
			} else {
				lf += i
			}
		}
		end := lf
		if cr := bytes.IndexByte(p[i:lf], '\r'); cr >= 0 {
			end = i + cr
		}
		if err := f.readLine(p[i:end]); err != nil {
			return err
		}
		if end == len(p) {
			return nil
		}
		f.afterCR = p[end] == '\r'
		i = end + 1
		if err := f.endLine(len(p) - i); err != nil {
			return err
		}
	}
	return nil
}

// readLine reads a piece of a line.
func (f *eventFramer) readLine(p []byte) error {
	if f.spot == inName {
		colon := bytes.IndexByte(p, ':')
		name := p
		if colon >= 0 {
			name = p[:colon]
		}
		switch {
		case len(name) > len(f.name)-f.named:
			f.spot, f.named = inNothing, 0
		case colon == 0 && f.named == 0:
			f.spot = inNothing
		default:
			f.named += copy(f.name[f.named:], name)
			if colon < 0 {
				return nil
			}
			if err := f.beginValue(); err != nil {
				return err
			}
			p = p[colon+1:]
		}
	}
	if f.spot == atValue && len(p) > 0 {
		if f.spot = inValue; p[0] == ' ' {
			p = p[1:]
		}
	}
	switch {
	case f.spot != inValue || f.field == otherField:
		return nil
	case len(p) > f.out.limit-f.size():
		return ErrRecordTooLarge
	case f.field == dataField:
		return f.out.add(p)
	}
	f.value = append(f.value, p...)
	return nil
}

// size returns how much is held of the event.
func (f *eventFramer) size() int {
	return f.out.len() + len(f.value) + len(f.id.text) + len(f.event.text) + len(f.retry.text)
}

// beginValue begins the value of the field whose name has been read.
func (f *eventFramer) beginValue() error {
	f.spot, f.value = atValue, f.value[:0]
	switch string(f.name[:f.named]) {
	case "data":
		f.field = dataField
		if f.hasData {
			if f.size() >= f.out.limit {
				return ErrRecordTooLarge
			}
			return f.out.addByte('\n')
		}
		f.hasData = true
	case "id":
		f.field = idField
	case "event":
		f.field = eventTypeField
	case "retry":
		f.field = retryField
	default:
		f.field = otherField
	}
	return nil
}

// endLine ends a line. rest is how much of the chunk is still to be read.
func (f *eventFramer) endLine(rest int) error {
	defer func() { f.spot, f.named = inName, 0 }()
	switch {
	case f.spot == inName && f.named == 0:
		f.dispatch(rest)
		return nil
	case f.spot == inName: // a name alone
		if err := f.beginValue(); err != nil {
			return err
		}
	case f.spot == inNothing:
		return nil
	}
	switch f.field {
	case idField:
		if bytes.IndexByte(f.value, 0) < 0 {
			f.value = f.id.set(f.value, true)
		}
	case eventTypeField:
		f.value = f.event.set(f.value, len(f.value) > 0)
	case retryField:
		if len(f.value) > 0 && len(bytes.TrimLeft(f.value, "0123456789")) == 0 {
			f.value = f.retry.set(f.value, true)
		}
	}
	f.value = f.value[:0]
	return nil
}

// dispatch ends the event.
func (f *eventFramer) dispatch(rest int) {
	if f.hasData {
		f.out.complete(0, f.out.len(), f.header(), rest)
	} else if f.event.given = false; f.id.given || f.retry.given {
		f.out.completeFields(f.header())
	}
	f.hasData = false
	f.id.clear()
	f.event.clear()
	f.retry.clear()
	if cap(f.value) > smallRecord {
		f.value = nil
	}
}

// header returns the fields of the event; nil if there are none.
func (f *eventFramer) header() http.Header {
	if !f.id.given && !f.event.given && !f.retry.given {
		return nil
	}
	header := make(http.Header, 3)
	for _, field := range [...]struct {
		name  string
		value *eventValue
	}{{"Id", &f.id}, {"Event", &f.event}, {"Retry", &f.retry}} {
		if field.value.given {
			header[field.name] = []string{string(field.value.text)}
		}
	}
	return header
}
