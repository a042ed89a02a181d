package value

import (
	"errors"
	"fmt"
	"math/big"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
)

// source is where a placeholder reads.
type source int

const (
	fromCursor source = iota
	fromStatus
	fromHeader
	fromLink
	fromBody
	fromItem
	fromID
	fromSeq
	fromCount
	fromByte // the byte that name is
)

// placeholder is one {sse.…} of a template.
type placeholder struct {
	source source
	name   string   // of a cursor or header; the relation of a link; or the byte itself
	path   Path     // into the body or item; zero for all of it
	add    *big.Int // to a cursor or a count; nil for these as they are
	html   bool     // what it reads is escaped
}

const placeholders = "{sse.cursor} {sse.cursor.NAME} (both may be followed by +N or -N) {sse.status} {sse.header.NAME} {sse.link.RELATION} " +
	"{sse.body} {sse.body.PATH} {sse.item} {sse.item.PATH} {sse.id} {sse.seq} {sse.count} (which may be followed by +N too) {sse.byte.HEX}"

var (
	cursorRest = regexp.MustCompile(`^(?:\.([A-Za-z_][A-Za-z0-9_]*))?([+-][0-9]{1,1000})?$`)
	countRest  = regexp.MustCompile(`^[+-][0-9]{1,1000}$`)
	byteRest   = regexp.MustCompile(`^\.([0-7][0-9A-Fa-f])$`)
	headerRest = regexp.MustCompile("^\\.([!#$%&'*+.^_`|~0-9A-Za-z-]+)$") // a token of RFC 9110, section 5.6.2
)

// parsePlaceholder reads the placeholder that s begins with, and returns its length.
func parsePlaceholder(s string) (*placeholder, int, error) {
	n := placeholderLen(s)
	if n < 0 {
		return nil, 0, fmt.Errorf("the placeholder %q is not closed", s)
	}
	inner := strings.TrimPrefix(s[:n-1], "{sse.")
	kind := inner
	if i := strings.IndexAny(inner, ".+-|"); i >= 0 {
		kind = inner[:i]
	}
	p, err := newPlaceholder(kind, inner[len(kind):])
	if err != nil {
		return nil, 0, fmt.Errorf("placeholder %s: %w", s[:n], err)
	}
	return p, n, nil
}

// placeholderLen returns where the placeholder that s begins with ends, or -1. Within a
// path, braces, quotes and escapes count as they do in gjson.
func placeholderLen(s string) int {
	if !strings.HasPrefix(s, "{sse.body.") && !strings.HasPrefix(s, "{sse.item.") {
		if i := strings.IndexByte(s, '}'); i >= 0 {
			return i + 1
		}
		return -1
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			n := quoted(s[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func newPlaceholder(kind, rest string) (*placeholder, error) {
	if path, within := strings.CutPrefix(rest, "."); within && (kind == "body" || kind == "item") {
		return newPathPlaceholder(kind, path)
	}
	rest, html := strings.CutSuffix(rest, "|"+htmlModifier)
	p, err := newPlainPlaceholder(kind, rest)
	if err != nil {
		return nil, err
	}
	if html && p.source == fromByte {
		return nil, errors.New("a byte is never escaped: leave @html out")
	}
	p.html = html
	return p, nil
}

func newPathPlaceholder(kind, path string) (*placeholder, error) {
	p := &placeholder{source: fromBody}
	if kind == "item" {
		p.source = fromItem
	}
	path, p.html = cutHTML(path)
	var err error
	p.path, err = ParsePath(path)
	return p, err
}

// newPlainPlaceholder makes all but those with a path.
func newPlainPlaceholder(kind, rest string) (*placeholder, error) {
	unknown := errors.New("unknown name; the placeholders are " + placeholders)
	switch kind {
	case "cursor":
		m := cursorRest.FindStringSubmatch(rest)
		if m == nil {
			return nil, errors.New("a cursor's name has only letters, digits and _, and the number after + or - only digits, as in {sse.cursor.name+1}")
		}
		p := &placeholder{source: fromCursor, name: m[1]}
		if m[2] != "" {
			p.add, _ = new(big.Int).SetString(m[2], 10)
		}
		return p, nil
	case "count":
		if rest != "" && !countRest.MatchString(rest) {
			return nil, errors.New("only + or - and digits may follow, as in {sse.count+1000}")
		}
		p := &placeholder{source: fromCount}
		if rest != "" {
			p.add, _ = new(big.Int).SetString(rest, 10)
		}
		return p, nil
	case "byte":
		m := byteRest.FindStringSubmatch(rest)
		if m == nil {
			return nil, errors.New("write the two hexadecimal digits of a byte up to 7f, as in {sse.byte.1e}")
		}
		b, _ := strconv.ParseUint(m[1], 16, 7) // it is two digits
		if strings.ContainsRune("\x00\r\n", rune(b)) {
			return nil, errors.New("NUL, CR and LF cannot be inserted")
		}
		return &placeholder{source: fromByte, name: string(rune(b))}, nil
	case "header":
		m := headerRest.FindStringSubmatch(rest)
		if m == nil {
			return nil, errors.New("the name of a header is missing: write for example {sse.header.ETag}")
		}
		return &placeholder{source: fromHeader, name: textproto.CanonicalMIMEHeaderKey(m[1])}, nil
	case "link":
		m := headerRest.FindStringSubmatch(rest)
		if m == nil {
			return nil, errors.New("the relation of the link is missing: write for example {sse.link.next}")
		}
		return &placeholder{source: fromLink, name: m[1]}, nil
	}
	if rest != "" {
		return nil, unknown
	}
	switch kind {
	case "body":
		return &placeholder{source: fromBody}, nil
	case "item":
		return &placeholder{source: fromItem}, nil
	case "status":
		return &placeholder{source: fromStatus}, nil
	case "id":
		return &placeholder{source: fromID}, nil
	case "seq":
		return &placeholder{source: fromSeq}, nil
	}
	return nil, unknown
}

// appendTo appends what the placeholder reads; ok is false where that is a cursor which
// cannot be used.
func (p *placeholder) appendTo(dst []byte, env *Env) (_ []byte, ok bool) {
	switch p.source {
	case fromCursor:
		cursor := env.Cursor[p.name]
		if p.add != nil {
			return appendSum(dst, cursor, p.add)
		}
		return append(dst, cursor...), cursor != ""
	case fromStatus:
		if env.Status != 0 {
			dst = strconv.AppendInt(dst, int64(env.Status), 10)
		}
	case fromHeader:
		dst = append(dst, env.Header.Get(p.name)...)
	case fromLink:
		dst = append(dst, Link(env.Header, p.name)...)
	case fromBody:
		dst = append(dst, p.within(env.Body)...)
	case fromItem:
		dst = append(dst, p.within(env.Item)...)
	case fromID:
		dst = append(dst, env.ID...)
	case fromSeq:
		dst = strconv.AppendInt(dst, int64(env.Seq), 10)
	case fromCount:
		if p.add != nil {
			return appendSum(dst, strconv.Itoa(env.Count), p.add)
		}
		dst = strconv.AppendInt(dst, int64(env.Count), 10)
	case fromByte:
		dst = append(dst, p.name...)
	}
	return dst, true
}

func (p *placeholder) within(scope []byte) []byte {
	if p.path.IsZero() {
		return scope
	}
	return found(p.path.Get(scope))
}
