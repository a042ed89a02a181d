package value

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Value says where to take something from: a gjson path, a template, or a literal. The zero
// Value is none, and gives nothing.
type Value struct {
	src      string
	path     Path
	html     bool // what the path finds is escaped
	template Template
	literal  []byte // not nil for a literal
}

// placeholderIn finds what makes a template of a value: {name.rest} in lower case. A list
// of paths, as in {id,user.name} or {"n":user.name}, is none, nor is an escaped brace.
var placeholderIn = regexp.MustCompile(`(^|[^\\])\{(sse\.|[a-z][a-z0-9_]*\.[^{},"\s]+\})`)

// Parse reads a value: "=text" is the literal text, in which nothing is replaced; what holds
// a placeholder like {sse.header.X} or {http.request.host} is a template; all else is a path.
// With the modifier @html at its end, as in text|@html, what the path finds is escaped as HTML.
func Parse(src string) (Value, error) {
	switch {
	case src == "":
		return Value{}, errors.New("a value must not be empty: write a path, a template, or = and a literal")
	case src[0] == '=':
		return Value{src: src, literal: []byte(src[1:])}, nil
	case placeholderIn.MatchString(src):
		t, err := ParseTemplate(src)
		if err != nil {
			return Value{}, err
		}
		return Value{src: src, template: t}, nil
	}
	path, html := cutHTML(src)
	p, err := ParsePath(path)
	if err != nil {
		return Value{}, fmt.Errorf("%w (a literal is written %q)", err, "="+src)
	}
	return Value{src: src, path: p, html: html}, nil
}

// Get returns the value: of a path, what it finds in scope, which is valid JSON; of a
// template, its text with what env holds; of a literal, itself.
//
// A JSON string is unquoted. Everything else keeps the bytes it came in, so that 1.10 and
// 9007199254740993 stay what they are, and null is "null". Nil means that there is nothing:
// the path finds nothing, or the template reads a cursor that is empty. The result may share
// memory with scope and must not be changed.
func (v Value) Get(scope []byte, env *Env) []byte {
	switch {
	case v.literal != nil:
		return slices.Clip(v.literal)
	case !v.template.IsZero():
		text, ok := v.template.appendTo([]byte{}, env, nil)
		if !ok {
			return nil
		}
		return text
	}
	if v.html {
		return escapeHTML(found(v.path.Get(scope)))
	}
	return found(v.path.Get(scope))
}

// EscapesHTML reports whether any of what Get finds is escaped as HTML, and so is no longer what the upstream wrote.
func (v Value) EscapesHTML() bool { return v.html || v.template.escapesHTML() }

// NeedsJSON reports whether Get reads JSON: whether it is a path, or a template with a
// path into the body or the item.
func (v Value) NeedsJSON() bool { return !v.path.IsZero() || v.template.needsJSON() }

// ReadsItem reports whether Get reads the scope, or the item of env.
func (v Value) ReadsItem() bool { return !v.path.IsZero() || v.template.ReadsItem() }

// ReadsOnlyItem reports whether Get reads nothing but the scope and the item of env.
func (v Value) ReadsOnlyItem() bool { return v.template.readsOnlyItem() }

// Bind returns v with [Template.Bind] applied, if it is a template; else v.
func (v Value) Bind(resolve func(text string) string) Value {
	v.template = v.template.Bind(resolve)
	return v
}

// IsZero reports whether v is the zero Value.
func (v Value) IsZero() bool { return v.src == "" }

// String returns the value as it was written.
func (v Value) String() string { return v.src }
