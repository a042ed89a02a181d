package jq

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"unsafe"

	"github.com/itchyny/gojq"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Output is one thing that a program yields: an event, {id?, event?, data}, or a step of
// the cursor, {cursor}.
type Output struct {
	// Cursor is what {cursor} holds, by name; "" is the unnamed one. It is nil for an event.
	// A name that is null or "" is not in it: an absent cursor keeps its value.
	Cursor map[string]string

	ID    string // empty where there is none, or null
	Event string // its type; empty where there is none, or null
	Data  []byte // a string without its quotes; other JSON compact, with sorted keys; never nil for an event
}

const shapes = "{id, event, data} or {cursor} is expected"

var cursorName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// outputs reads what a program yields, within a number of bytes.
type outputs struct {
	list  []Output
	count int // outputs so far, with the one that is read
	left  int // bytes
	limit int
}

// add reads one output. The error continues a sentence that begins with "output N".
func (o *outputs) add(v any) error {
	if o.count++; o.count > maxOutputs {
		return fmt.Errorf("is one too many: a program may yield %d", maxOutputs)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("is %s %s: %s", gojq.TypeOf(v), gojq.Preview(v), shapes)
	}
	_, data := object["data"]
	_, cursor := object["cursor"]
	if data == cursor {
		return fmt.Errorf("is %s: %s, one of them", gojq.Preview(v), shapes)
	}
	kind := "data"
	if cursor {
		kind = "cursor"
	}
	for name := range object {
		if name != kind && (cursor || name != "id" && name != "event") {
			return fmt.Errorf("has %s beside %s: %s", gojq.Preview(name), kind, shapes)
		}
	}
	if cursor {
		return o.cursor(object["cursor"])
	}
	return o.event(object)
}

func (o *outputs) event(object map[string]any) (err error) {
	var out Output
	if out.ID, err = o.scalar("id", object["id"], true); err != nil {
		return err
	}
	if out.Event, err = o.scalar("event", object["event"], false); err != nil {
		return err
	}
	if s, ok := object["data"].(string); ok {
		if err := o.take(len(s)); err != nil {
			return err
		}
		out.Data = shared(s)
	} else {
		var buf bytes.Buffer
		if err := o.encode(&buf, object["data"], 0); err != nil {
			return err
		}
		out.Data = buf.Bytes()
	}
	o.list = append(o.list, out)
	return nil
}

func (o *outputs) cursor(v any) error {
	names, named := v.(map[string]any)
	if !named {
		names = map[string]any{"": v}
	}
	cursor := make(map[string]string, len(names))
	for name, v := range names {
		what := "cursor"
		if named {
			if what = "cursor " + gojq.Preview(name); !cursorName.MatchString(name) {
				return fmt.Errorf("has the %s: a name of letters, digits and _ is expected", what)
			}
		}
		text, err := o.scalar(what, v, true)
		if err != nil {
			return err
		}
		if text != "" {
			cursor[name] = text
		}
	}
	o.list = append(o.list, Output{Cursor: cursor})
	return nil
}

// scalar returns a string as it is, a number as JSON, and null as "".
func (o *outputs) scalar(what string, v any, numbers bool) (string, error) {
	expected := "a string"
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, o.take(len(v))
	case int, float64, *big.Int, json.Number:
		if numbers {
			var buf bytes.Buffer
			err := o.encode(&buf, v, 0)
			return buf.String(), err
		}
	}
	if numbers {
		expected = "a string or number"
	}
	return "", fmt.Errorf("has %s %s for its %s: %s is expected", gojq.TypeOf(v), gojq.Preview(v), what, expected)
}

// encode writes v as compact JSON. gojq's own encoder has no bound, and a value of a few
// bytes may hold itself a billion times: reduce range(30) as $_ (0; [., .]).
func (o *outputs) encode(buf *bytes.Buffer, v any, depth int) error {
	if depth > value.MaxDepth {
		return fmt.Errorf("is nested deeper than %d levels", value.MaxDepth)
	}
	switch v := v.(type) {
	case []any:
		before := "["
		for _, e := range v {
			if err := o.write(buf, before); err != nil {
				return err
			}
			if err := o.encode(buf, e, depth+1); err != nil {
				return err
			}
			before = ","
		}
		if len(v) == 0 {
			return o.write(buf, "[]")
		}
		return o.write(buf, "]")
	case map[string]any:
		before := "{"
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if err := o.write(buf, before); err != nil {
				return err
			}
			if err := o.encode(buf, name, depth+1); err != nil {
				return err
			}
			if err := o.write(buf, ":"); err != nil {
				return err
			}
			if err := o.encode(buf, v[name], depth+1); err != nil {
				return err
			}
			before = ","
		}
		if len(v) == 0 {
			return o.write(buf, "{}")
		}
		return o.write(buf, "}")
	case string:
		if len(v) > o.left {
			return o.tooLarge()
		}
	case *big.Int:
		if v.BitLen()/4 > o.left { // a digit has fewer than four bits
			return o.tooLarge()
		}
	}
	text, err := gojq.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot be encoded: %w", err)
	}
	return o.write(buf, string(text))
}

func (o *outputs) write(buf *bytes.Buffer, text string) error {
	if err := o.take(len(text)); err != nil {
		return err
	}
	buf.WriteString(text)
	return nil
}

func (o *outputs) take(n int) error {
	if o.left -= n; o.left < 0 {
		return o.tooLarge()
	}
	return nil
}

func (o *outputs) tooLarge() error {
	return fmt.Errorf("is too large: a program's outputs may have %d bytes together", o.limit)
}

// shared returns the bytes of a text, which must not be changed.
func shared(s string) []byte {
	if s == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(s), len(s))
}
