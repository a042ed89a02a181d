package decode

import "bytes"

// json returns the JSON of a tree that was read.
func (t *xmlTree) json() ([]byte, error) {
	t.known, t.latest, t.most, t.held = nil, nil, 0, 0
	var counted output
	t.write(&counted, 0)
	out := newOutput(counted.size, t.room())
	t.write(out, 0)
	return out.text, out.failed("the XML is very large as JSON", t.memory)
}

// write writes a node: its text, or an object of its members, its own text last.
func (t *xmlTree) write(out *output, n int32) {
	size := t.nodes[n].size
	if size >= 0 {
		out.plain(`"`)
		out.escaped(t.text(n))
		out.plain(`"`)
		return
	}
	// ids of events are hashes of items as they are written, so even a blank must stay as it always was
	opening, blank, text := `{"`, " ", int32(0)
	if size == isMixed {
		blank = ""
	}
	for m := t.nodes[n].start; m != 0; m = t.nodes[m].next {
		name, twin := t.nodes[m].name, t.nodes[m].twin
		if name == textName {
			text = m
			continue
		}
		out.plain(opening, t.names[name], `":`)
		opening = `,"`
		if twin == 0 {
			out.plain(blank)
			t.write(out, m)
			continue
		}
		out.plain("[")
		t.write(out, m)
		for ; twin != 0; twin = t.nodes[twin].twin {
			out.plain(",")
			t.write(out, twin)
		}
		out.plain("]")
	}
	if text != 0 {
		out.plain(`,"#text":`, blank, `"`)
		t.writeText(out, text)
		out.plain(`"`)
	}
	out.plain("}")
}

// writeText writes pieces of text as one, without the white space at its end.
func (t *xmlTree) writeText(out *output, first int32) {
	last := first
	for n := first; n != 0; n = t.nodes[n].twin {
		if len(bytes.TrimLeft(t.text(n), Space)) > 0 {
			last = n
		}
	}
	for n := first; n != last; n = t.nodes[n].twin {
		out.escaped(t.text(n))
	}
	out.escaped(bytes.TrimRight(t.text(last), Space))
}
