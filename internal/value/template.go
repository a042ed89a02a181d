package value

import (
	"fmt"
	"slices"
	"strings"
)

// Template is text with placeholders, split once. Those that begin with "{sse." are ours and
// are listed at [ParseTemplate]; all others belong to whoever resolves them in
// [Template.Bind]. The zero Template is none, and expands to nothing.
type Template struct {
	src   string
	parts []part // not nil in a template that was parsed, be its text empty
	bound bool
}

// part is either text or a placeholder.
type part struct {
	text string
	read *placeholder
}

// ParseTemplate splits src at these placeholders; any other {sse.…} is an error:
//
//	{sse.cursor} {sse.cursor.NAME}     a cursor; with +N or -N behind it, a sum
//	{sse.status} {sse.header.NAME}     of the answer; a header's first value
//	{sse.link.RELATION}                the target of a link in its header, such as next
//	{sse.body} {sse.body.PATH}         the answer's body, what a gjson path finds in it
//	{sse.item} {sse.item.PATH}         the item's bytes, what a gjson path finds in them
//	{sse.id} {sse.seq}                 the session's UUID, the number of polls so far
//	{sse.count}                        the number of the session's requests so far; +N and -N as for cursors
//	{sse.byte.HEX}                     a byte, which nothing escapes
//
// With |@html before its closing brace, as in {sse.item.text|@html}, what any of them but {sse.byte.HEX} inserts is
// escaped as HTML.
//
// Braces may stand in the text, as in {"since":{sse.cursor}}. A placeholder behind a
// backslash is text, which is how Caddy escapes its own.
func ParseTemplate(src string) (Template, error) {
	t := Template{src: src, parts: []part{}}
	text, at := 0, 0 // where the text since the last placeholder begins; where to look on
	for {
		i := strings.Index(src[at:], "{sse.")
		if i < 0 {
			break
		}
		i += at
		if i > 0 && src[i-1] == '\\' {
			at = i + 1
			continue
		}
		p, n, err := parsePlaceholder(src[i:])
		if err != nil {
			return Template{}, fmt.Errorf("template %q: %w", src, err)
		}
		if text < i {
			t.parts = append(t.parts, part{text: src[text:i]})
		}
		t.parts = append(t.parts, part{read: p})
		text, at = i+n, i+n
	}
	if text < len(src) {
		t.parts = append(t.parts, part{text: src[text:]})
	}
	return t, nil
}

// Bind returns the template with each text between our placeholders replaced by what resolve
// makes of it. That happens once: a template that Bind returned is not resolved again, so
// that nothing which was inserted is ever expanded.
func (t Template) Bind(resolve func(text string) string) Template {
	if t.bound || t.parts == nil {
		return t
	}
	t.bound, t.parts = true, slices.Clone(t.parts)
	for i := range t.parts {
		if p := &t.parts[i]; p.read == nil {
			p.text = resolve(p.text)
		}
	}
	return t
}

// Expand returns the text with what env holds at our placeholders. What is missing is empty,
// but for cursors: ok is false where one that the template reads is empty, or is to be added
// to and is no decimal integer. The edit that the template stands for is then to be skipped.
func (t Template) Expand(env *Env) (text string, ok bool) { return t.ExpandEscaped(env, nil) }

// ExpandEscaped is [Template.Expand] with escape applied to each thing that it inserts, so
// that a cursor, which may come from a client, can be no more than a value where it goes to:
// a string in a JSON text, say, or one in a query. A nil escape changes nothing.
func (t Template) ExpandEscaped(env *Env, escape func(inserted string) string) (text string, ok bool) {
	if len(t.parts) == 1 && t.parts[0].read == nil {
		return t.parts[0].text, true
	}
	var buf [256]byte
	b, ok := t.appendTo(buf[:0], env, escape)
	if !ok {
		return "", false
	}
	return string(b), true
}

// Cursors returns the names of the cursors that the template reads, each once; "" is the
// unnamed one.
func (t Template) Cursors() []string {
	var names []string
	for _, p := range t.parts {
		if p.read != nil && p.read.source == fromCursor && !slices.Contains(names, p.read.name) {
			names = append(names, p.read.name)
		}
	}
	return names
}

// Insertion is a cursor in a template that is inserted as it is, and the text before and after it. Another placeholder
// there is `{`.
type Insertion struct{ Cursor, Before, After string }

// Insertions returns the cursors that the template inserts as they are. One that is added to is a number.
func (t Template) Insertions() (all []Insertion) {
	beside := func(i int) string {
		switch {
		case i < 0 || i >= len(t.parts):
			return ""
		case t.parts[i].read != nil:
			return "{"
		}
		return t.parts[i].text
	}
	for i, p := range t.parts {
		if p.read != nil && p.read.source == fromCursor && p.read.add == nil {
			all = append(all, Insertion{p.read.name, beside(i - 1), beside(i + 1)})
		}
	}
	return all
}

// Counts reports whether the template can add to each cursor of env that it adds to: to integers
// alone. One that is empty leaves the template out, and is no matter.
func (t Template) Counts(env *Env) bool {
	return !slices.ContainsFunc(t.parts, func(p part) bool {
		if p.read == nil || p.read.add == nil || p.read.source != fromCursor || env.Cursor[p.read.name] == "" {
			return false
		}
		_, ok := appendSum(nil, env.Cursor[p.read.name], p.read.add)
		return !ok
	})
}

// ReadsItem reports whether the template reads the item.
func (t Template) ReadsItem() bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.read != nil && p.read.source == fromItem })
}

// ReadsCount reports whether the template reads the count of a session's requests.
func (t Template) ReadsCount() bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.read != nil && p.read.source == fromCount })
}

// ReadsOnlyCursors reports whether the template reads nothing but cursors.
func (t Template) ReadsOnlyCursors() bool {
	return !slices.ContainsFunc(t.parts, func(p part) bool { return p.read != nil && p.read.source != fromCursor && p.read.source != fromByte })
}

func (t Template) readsOnlyItem() bool {
	return !slices.ContainsFunc(t.parts, func(p part) bool { return p.read != nil && p.read.source != fromItem })
}

// IsZero reports whether t is the zero Template. A template of no text is not.
func (t Template) IsZero() bool { return t.parts == nil }

// String returns the template as it was written, without what Bind put in.
func (t Template) String() string { return t.src }

func (t Template) needsJSON() bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.read != nil && !p.read.path.IsZero() })
}

func (t Template) escapesHTML() bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.read != nil && p.read.html })
}

func (t Template) appendTo(dst []byte, env *Env, escape func(string) string) (_ []byte, ok bool) {
	for _, p := range t.parts {
		if p.read == nil {
			dst = append(dst, p.text...)
			continue
		}
		start := len(dst)
		if dst, ok = p.read.appendTo(dst, env); !ok {
			return nil, false
		}
		if p.read.html {
			dst = append(dst[:start], escapeHTML(dst[start:])...)
		}
		if escape != nil && p.read.source != fromByte {
			dst = append(dst[:start], escape(string(dst[start:]))...)
		}
	}
	return dst, true
}
