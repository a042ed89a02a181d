package page

import (
	"context"
	"fmt"
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
)

// made is what a program has made of an answer.
type made struct {
	items   []item
	cursors []string // in the order of their names; empty for one that stays
	size    int      // of the items, in bytes
}

// run runs the program on the answer.
func (rd *reading) run() (*made, error) {
	outputs, err := rd.reader.config.Program.Run(context.Background(), jq.Input{
		Status: rd.status, Header: rd.header, Body: rd.body.text, JSON: rd.body.json, Limit: memoryFor(len(rd.body.text)) / 3, Memory: treeFor(len(rd.body.text)),
	})
	if err != nil {
		return nil, err // which begins with jq
	}
	m := &made{cursors: make([]string, len(rd.reader.names)), items: make([]item, 0, len(outputs))}
	for i := range outputs {
		out := &outputs[i]
		if out.Cursor != nil {
			if err := rd.put(m.cursors, out.Cursor); err != nil {
				return nil, err
			}
			continue
		}
		it := item{made: out, json: true}
		if (rd.reader.source == fromItems || rd.reader.set) && present(out.ID) {
			it.id = out.ID
		}
		m.items = append(m.items, it)
		m.size += len(out.ID) + len(out.Event) + len(out.Data)
	}
	return m, nil
}

// put notes the cursors that a program has yielded: the last of each name counts.
func (rd *reading) put(cursors []string, yielded map[string]string) error {
	r := rd.reader
	for name, text := range yielded {
		i := slices.Index(r.names, name)
		if i < 0 || r.source != fromValues {
			return fmt.Errorf("jq: it yields the cursor %q, which no query, header_up, body or rewrite sends", name)
		}
		cursors[i] = text
	}
	return nil
}
