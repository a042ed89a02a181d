package decode

// output is JSON that is written in bounded memory, or only counted. What would take more is left out, and
// is an error in the end.
type output struct {
	text   []byte
	size   int // of all that was written
	memory int // that text may take, and what it was while it grows; 0 to count alone
}

// newOutput returns an output with room for size bytes, if there is memory for them.
func newOutput(size, memory int) *output {
	return &output{text: make([]byte, 0, max(0, min(size, memory))), memory: memory}
}

// reserve makes room for n more bytes, and reports whether there is any.
func (o *output) reserve(n int) (ok bool) {
	ok = o.size == len(o.text)
	if o.size += n; ok {
		o.text, ok = grow(o.text, n, 1, o.memory-cap(o.text))
	}
	return ok
}

// plain writes parts of JSON.
func (o *output) plain(parts ...string) {
	for _, p := range parts {
		if o.reserve(len(p)) {
			o.text = append(o.text, p...)
		}
	}
}

// raw writes JSON.
func (o *output) raw(text []byte) {
	if o.reserve(len(text)) {
		o.text = append(o.text, text...)
	}
}

// escaped writes text as it stands in a JSON string.
func (o *output) escaped(text []byte) {
	if o.reserve(escapedSize(text)) {
		o.text = appendEscaped(o.text, text)
	}
}

// failed returns an error, which says what takes more than memory, if there was none for all that was
// written.
func (o *output) failed(what string, memory int) error {
	if o.size > len(o.text) {
		return errMemory(what, memory)
	}
	return nil
}

// grow returns s with room for n more elements of size bytes, if more of it takes no more than room.
func grow[T any](s []T, n, size, room int) (_ []T, ok bool) {
	need := len(s) + n
	if need <= cap(s) {
		return s, true
	}
	grown := min(max(need, cap(s)/4*5, 64), room/size)
	if grown < need {
		return s, false
	}
	return append(make([]T, 0, grown), s...), true
}
