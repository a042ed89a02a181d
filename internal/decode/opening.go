package decode

import "bytes"

// opening is what an answer of text may begin with: a byte order mark, or a page for people instead of the answer.
type opening struct {
	mark leadingMark
	html htmlWatch
}

// read has a framer read the next bytes of an answer. If they show that it is HTML, the error is asHTML, after what
// shows it.
func (o *opening) read(p []byte, read func([]byte) error, asHTML error) error {
	p = o.mark.skip(p)
	n := o.html.find(p)
	if n == 0 {
		return read(p)
	}
	if err := read(p[:n]); err != nil {
		return err
	}
	return asHTML
}

// leadingMark drops the byte order mark with which an answer may begin.
type leadingMark struct {
	seen int  // how many bytes of it the answer began with
	past bool // whether the answer has come to what follows it
}

// skip returns p without a byte order mark at the start of the answer. What may be the beginning of one
// comes with the next bytes.
func (m *leadingMark) skip(p []byte) []byte {
	mark := byteOrderMark
	if m.past || len(p) == 0 {
		return p
	}
	if m.seen > 0 {
		p = append(bytes.Clone(mark[:m.seen]), p...)
	}
	n := 0
	for n < len(mark) && n < len(p) && p[n] == mark[n] {
		n++
	}
	switch {
	case n == len(mark):
		m.past = true
		return p[n:]
	case n == len(p):
		m.seen = n
		return nil
	}
	m.past = true
	return p
}

// htmlWatch looks for a page for people at the start of an answer.
type htmlWatch struct {
	head [len("<!doctype html")]byte
	seen int // how many bytes of head there are
	past bool
}

// find returns how many bytes of p show that the answer is HTML; 0 if they do not.
func (w *htmlWatch) find(p []byte) int {
	if w.past {
		return 0
	}
	for i, c := range p {
		if w.seen == 0 && isSpace(c) {
			continue
		}
		w.head[w.seen] = c
		w.seen++
		if IsHTML(w.head[:w.seen]) {
			w.past = true
			return i + 1
		}
		if w.head[0] != '<' || w.seen == len(w.head) {
			w.past = true
			return 0
		}
	}
	return 0
}
