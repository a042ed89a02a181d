package page

import (
	"fmt"
)

// smallMemory is what reading an answer may take however short it is: 10,000 events take more
// than a megabyte by themselves.
const smallMemory = 3 << 20

// memoryFor returns how many bytes reading an answer of size bytes may take at once, beside the
// answer itself. What would take more is refused before it does.
func memoryFor(size int) int { return max(3*size, smallMemory) }

// smallTree is what a tree of JSON values may take however short its text is: documents of some
// hundred kilobytes take ten times as much.
const smallTree = 16 << 20

// treeFor is [memoryFor] where the answer is needed as a tree: for a patch, or a jq program.
func treeFor(size int) int { return max(3*size, smallTree) }

// output is JSON that is written, within a limit.
type output struct {
	text   []byte
	limit  int
	memory int // for text, for what it was while it grows, and for what is beside it
	beside int // all of that, and what was let go of
}

// newOutput returns one that begins with room for size bytes, and whose limit leaves room for it a
// second time while it grows, within memory.
func newOutput(size, memory int) output {
	size = min(size+size/8, memory/8*3)
	return output{text: make([]byte, 0, size), limit: (memory - size) / 4 * 3, memory: memory}
}

// reserve makes room for n more bytes.
func (o *output) reserve(n int) error {
	need := len(o.text) + n
	if need > o.limit {
		return fmt.Errorf("the answer is longer than %d bytes as JSON: ask the upstream for less", o.limit)
	}
	if need <= cap(o.text) {
		return nil
	}
	room := o.memory - o.beside - cap(o.text)
	grown := max(2*cap(o.text), need, 512)
	if grown+o.limit > room { // there is none to grow again
		grown = min(o.limit, room)
	}
	if grown < need {
		return fmt.Errorf("the answer takes more than %d bytes to read as JSON: ask the upstream for less", o.memory)
	}
	o.beside += cap(o.text) // until it is collected
	o.text = append(make([]byte, 0, grown), o.text...)
	return nil
}

// byte appends one byte.
func (o *output) byte(c byte) error {
	if err := o.reserve(1); err != nil {
		return err
	}
	o.text = append(o.text, c)
	return nil
}

// bytes appends bytes as they are.
func (o *output) bytes(text []byte) error {
	if err := o.reserve(len(text)); err != nil {
		return err
	}
	o.text = append(o.text, text...)
	return nil
}
