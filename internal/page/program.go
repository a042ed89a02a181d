package page

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// What a jq program yields is written as a page of this shape, which is then read like any
// other: {"items": [{"id", "event", "data"}, …], "cursor": ["…", …]}, with the cursors in the
// order of their names, and all data as strings.
var (
	programItems, _ = value.ParsePath("items")
	programID, _    = value.Parse("id")
	programEvent, _ = value.Parse("event")
	programData, _  = value.Parse("data")
)

// programmed returns the configuration by which the page of a program is read.
func (c Config) programmed() Config {
	c.Items, c.Event, c.Data = programItems, programEvent, programData
	if len(c.ProgramCursors) == 0 {
		c.ID = programID
	}
	for i, name := range c.ProgramCursors {
		at, err := value.Parse("cursor." + strconv.Itoa(i))
		if err != nil {
			panic(err) // a number is a path
		}
		c.Cursors = append(c.Cursors, Cursor{Name: name, Values: []value.Value{at}})
	}
	return c
}

// run runs the program on the answer and returns the page that it makes of it.
func (a *answer) run() (body, error) {
	outputs, err := a.reader.program.Run(context.Background(), jq.Input{
		Status: a.status, Header: a.header, Body: a.body.text, JSON: a.body.json, Limit: memoryFor(len(a.body.text)) / 3, Memory: treeFor(len(a.body.text)),
	})
	if err != nil {
		return body{}, fmt.Errorf("jq: %w", err)
	}
	size := 0
	for _, out := range outputs {
		size += len(`{"id":,"event":,"data":},`) + decode.StringSize(out.ID) + decode.StringSize(out.Event) + decode.StringSize(out.Data)
	}
	text, cursors, items := append(make([]byte, 0, size+64), `{"items":[`...), make([]string, len(a.reader.names)), 0
	for i, out := range outputs {
		outputs[i] = jq.Output{} // it is held twice no longer than it must be
		if out.Cursor != nil {
			if err := a.reader.put(cursors, out.Cursor); err != nil {
				return body{}, err
			}
			continue
		}
		if items++; items > 1 {
			text = append(text, ',')
		}
		text = decode.AppendString(append(text, `{"id":`...), out.ID)
		text = decode.AppendString(append(text, `,"event":`...), out.Event)
		text = decode.AppendString(append(text, `,"data":`...), out.Data)
		text = append(text, '}')
	}
	text = append(text, `],"cursor":[`...)
	for i, c := range cursors {
		if i > 0 {
			text = append(text, ',')
		}
		text = decode.AppendString(text, c)
	}
	return body{text: append(text, `]}`...), json: true}, nil
}

// put notes the cursors that a program has yielded: the last of each name counts.
func (r *Reader) put(cursors []string, yielded map[string]string) error {
	for name, text := range yielded {
		i := slices.Index(r.names, name)
		if i < 0 || r.source != fromValues {
			return fmt.Errorf("jq: it yields the cursor %q, which no query, header_up, body or rewrite sends", name)
		}
		cursors[i] = text
	}
	return nil
}
