package jq

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"

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
	Text  bool   // Data was a string
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
		return &Error{"is of type " + gojq.TypeOf(v) + ": " + shapes, fmt.Sprintf("is %s %s: %s", gojq.TypeOf(v), gojq.Preview(v), shapes)}
	}
	_, data := object["data"]
	_, cursor := object["cursor"]
	if data == cursor {
		return &Error{"is another object: " + shapes + ", one of them", fmt.Sprintf("is %s: %s, one of them", gojq.Preview(v), shapes)}
	}
	kind, read, names := "data", o.event, []string{"id", "event", "data"}
	if cursor {
		kind, read, names = "cursor", o.cursor, []string{"cursor"}
	}
	for name := range object {
		if !slices.Contains(names, name) {
			return &Error{"has more beside " + kind + ": " + shapes, fmt.Sprintf("has %s beside %s: %s", gojq.Preview(name), kind, shapes)}
		}
	}
	return read(object)
}

func (o *outputs) event(object map[string]any) (err error) {
	var out Output
	if out.ID, err = o.scalar("id", "", object["id"], true); err != nil {
		return err
	}
	if out.Event, err = o.scalar("event", "", object["event"], false); err != nil {
		return err
	}
	if s, ok := object["data"].(string); ok {
		out.Text, out.Data, err = true, value.Bytes(s), o.take(len(s))
	} else {
		out.Data, err = o.encode(object["data"])
	}
	o.list = append(o.list, out)
	return err
}

func (o *outputs) cursor(object map[string]any) error {
	names, named := object["cursor"].(map[string]any)
	if !named {
		names = map[string]any{"": object["cursor"]}
	}
	cursor := make(map[string]string, len(names))
	for name, v := range names {
		shown := ""
		if named {
			shown = " " + gojq.Preview(name)
			if !cursorName.MatchString(name) {
				const expected = ": a name of letters, digits and _ is expected"
				return &Error{"has a cursor of another name" + expected, "has the cursor" + shown + expected}
			}
		}
		text, err := o.scalar("cursor", shown, v, true)
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

// scalar returns a string as it is, a number as JSON, and null as "". The name is that of a cursor, if it has one.
func (o *outputs) scalar(what, name string, v any, numbers bool) (string, error) {
	expected := "a string"
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, o.take(len(v))
	case int, float64, *big.Int, json.Number:
		if numbers {
			text, err := o.encode(v)
			return string(text), err
		}
	}
	if numbers {
		expected = "a string or number"
	}
	return "", &Error{
		fmt.Sprintf("has a value of type %s for its %s: %s is expected", gojq.TypeOf(v), what, expected),
		fmt.Sprintf("has %s %s for its %s%s: %s is expected", gojq.TypeOf(v), gojq.Preview(v), what, name, expected),
	}
}

// encode returns v as compact JSON. gojq's own encoder has no bound, and a value of a few
// bytes may hold itself a billion times: reduce range(30) as $_ (0; [., .]).
func (o *outputs) encode(v any) ([]byte, error) {
	text, err := o.append(make([]byte, 0, 64), v, 0)
	if err != nil {
		return nil, err
	}
	return text, o.take(len(text))
}

func (o *outputs) append(text []byte, v any, depth int) (_ []byte, err error) {
	if depth > value.MaxDepth {
		return nil, fmt.Errorf("is nested deeper than %d levels", value.MaxDepth)
	}
	size := 0 // at least
	switch v := v.(type) {
	case string:
		size = len(v)
	case *big.Int:
		size = v.BitLen() / 4 // a digit has fewer than four bits
	}
	if len(text)+size > o.left {
		return nil, o.tooLarge()
	}
	switch v := v.(type) {
	case []any:
		text = append(text, '[')
		for i, e := range v {
			if i > 0 {
				text = append(text, ',')
			}
			if text, err = o.append(text, e, depth+1); err != nil {
				return nil, err
			}
		}
		return append(text, ']'), nil
	case map[string]any:
		text = append(text, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				text = append(text, ',')
			}
			if text, err = o.append(text, name, depth+1); err != nil {
				return nil, err
			}
			if text, err = o.append(append(text, ':'), v[name], depth+1); err != nil {
				return nil, err
			}
		}
		return append(text, '}'), nil
	}
	one, err := gojq.Marshal(v)
	if err != nil {
		return nil, &Error{"cannot be encoded", "cannot be encoded: " + err.Error()}
	}
	return append(text, one...), nil
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
