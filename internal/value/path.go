package value

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// Path is a gjson path (https://github.com/tidwall/gjson/blob/master/SYNTAX.md) that was
// checked. The zero Path is none, and finds nothing.
type Path struct {
	src  string
	keys bool // it begins with a key or an index, which only an object or an array can hold
}

// ParsePath checks a gjson path. gjson itself takes any text and finds nothing with a wrong
// one, so what cannot be right is an error here: an empty path, one that ends within an
// escape or at a dot or pipe, brackets and quotes that do not match, unknown modifiers.
//
// A key that begins with "@" is written with a backslash, \@type, unless an escape within
// its name shows that it is none of gjson's modifiers, as in @odata\.nextLink.
func ParsePath(src string) (Path, error) {
	if src == "" {
		return Path{}, errors.New("a path must not be empty: write @this for the whole")
	}
	if err := checkPath(src); err != nil {
		return Path{}, fmt.Errorf("path %q: %w", src, err)
	}
	return Path{src: src, keys: beginsWithKey(src)}, nil
}

// Get looks the path up in valid JSON. The result shares memory with json, which must not
// change while the result is in use.
func (p Path) Get(json []byte) gjson.Result {
	if p.src == "" || len(json) == 0 || p.keys && !isContainer(json) {
		return gjson.Result{}
	}
	// gjson.GetBytes would copy what it finds
	return gjson.Get(unsafe.String(unsafe.SliceData(json), len(json)), p.src)
}

// IsZero reports whether p is the zero Path.
func (p Path) IsZero() bool { return p.src == "" }

// Keys returns of how many keys and indices the path is made, if it is made of these alone: plain is false where it
// has a wildcard, a query, a modifier, an escape or a list of paths. The path @this has none, and is plain. What a
// plain path finds depends on nothing that stands behind it.
func (p Path) Keys() (n int, plain bool) {
	if p.src == "@this" {
		return 0, true
	}
	return 1 + strings.Count(p.src, "."), plainPath.MatchString(p.src)
}

var plainPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// String returns the path as it was written.
func (p Path) String() string { return p.src }

func checkPath(src string) error {
	var open []byte // the closing brackets that are due
	first := true   // src[i] is the first byte of a component
	for i := 0; i < len(src); i++ {
		c, begins := src[i], first
		first = false
		switch c {
		case '\\':
			if i++; i == len(src) {
				return errors.New(`it ends in a backslash: write a backslash itself as \\`)
			}
		case '"':
			n := quoted(src[i:])
			if n < 0 {
				return errors.New(`a quote is not closed: write a literal one as \"`)
			}
			i += n - 1
		case '(':
			open, first = append(open, ')'), true
		case '[', '{':
			open, first = append(open, c+2), true
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != c {
				return fmt.Errorf(`%q closes nothing: write a literal one as \%[1]c`, c)
			}
			open = open[:len(open)-1]
		case '.', '|', ',':
			first = true
			if i+1 == len(src) && c != ',' {
				return fmt.Errorf(`it ends at %q: write a literal one as \%[1]c`, c)
			}
		case ':':
			first = len(open) > 0 // the path behind a name, as in {"name":path}
		case '@':
			if name, ok := modifierName(src[i:]); begins && ok && !gjson.ModifierExists(name, nil) {
				return noModifier(name)
			}
		}
	}
	if len(open) > 0 {
		return fmt.Errorf(`a %q is missing: write a literal bracket with a backslash`, open[len(open)-1])
	}
	return nil
}

// quoted returns the length of the quoted text that s begins with, or -1 if it does not end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// modifierName returns the name in s, which begins with "@". No modifier's name has an
// escape in it: then it is a key.
func modifierName(s string) (name string, ok bool) {
	i := strings.IndexAny(s, `.|:,()[]{}"=!<>% \`)
	if i < 0 {
		return s[1:], true
	}
	return s[1:i], s[i] != '\\'
}

// noModifier says of a name that gjson has no modifier of that name here.
func noModifier(name string) error {
	if name == "html" {
		return errors.New("@html stands last, and only in a value: at the end of its path, or of a placeholder")
	}
	return fmt.Errorf(`there is no modifier @%s, but %s: write a key of that name as \@%[1]s`, name, modifiers)
}

// modifiers are those of gjson, which has no list of them, and ours.
const modifiers = "@this @reverse @flatten @join @keys @values @group @dig @tostr @fromstr @valid @pretty @ugly @html"

func beginsWithKey(src string) bool {
	switch src[0] {
	case '!', '[', '{': // literals and lists of paths
		return false
	case '@':
		_, modifier := modifierName(src)
		return !modifier
	}
	return !strings.HasPrefix(src, "..") // JSON lines
}

// isContainer keeps gjson from searching the inside of a string, where it would take any
// bracket for the beginning of an object or array.
func isContainer(json []byte) bool {
	for _, c := range json {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == '{' || c == '['
		}
	}
	return false
}

// found returns a string without its quotes, all else as it stands, and nil for nothing.
func found(r gjson.Result) []byte {
	switch {
	case !r.Exists():
		return nil
	case r.Type == gjson.String:
		return Bytes(r.Str)
	case r.Raw == "": // counted by gjson, not found
		return []byte(r.String())
	}
	return Bytes(r.Raw)
}

// Bytes returns the bytes of a text, which must not be changed. They are not nil.
func Bytes(s string) []byte {
	if s == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(s), len(s))
}
