package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// fieldError is the error of one field of the configuration.
type fieldError struct {
	path string // its place in the JSON, with dots: query.0
	name string // its name in messages: query since
	err  error
}

func (e *fieldError) Error() string { return e.name + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

// wrong makes the error of a field whose name equals its path.
func wrong(field, format string, args ...any) error {
	return &fieldError{field, field, fmt.Errorf(format, args...)}
}

// answerPlaceholder finds placeholders whose values are known only after a poll has been answered.
var answerPlaceholder = regexp.MustCompile(`(?:^|[^\\])(\{sse\.(?:status|header|link|body|item)\b[^}]*\}?)`)

// editParser parses a text that goes into a request. An empty one is the zero template.
type editParser func(path, name, text string) (value.Template, error)

// parseEditFor returns the parser for a poll, or for a step of a kind.
func parseEditFor(kind StepKind) editParser {
	if kind.answers() {
		return parseText
	}
	return parseEdit
}

// parseText parses a text that goes into a request.
func parseText(path, name, text string) (value.Template, error) {
	if text == "" {
		return value.Template{}, nil
	}
	t, err := value.ParseTemplate(text)
	if err != nil {
		return t, &fieldError{path, name, err}
	}
	return t, nil
}

// parseEdit parses a text that goes into a request for which there is no answer yet.
func parseEdit(path, name, text string) (value.Template, error) {
	t, err := parseText(path, name, text)
	if err != nil {
		return t, err
	}
	if m := answerPlaceholder.FindStringSubmatch(text); m != nil {
		return t, &fieldError{path, name, fmt.Errorf("%s is known only after the answer: read it with `cursor`, and send {sse.cursor}", m[1])}
	}
	return t, nil
}

func parseValue(path, name, text string) (value.Value, error) {
	if text == "" {
		return value.Value{}, nil
	}
	v, err := value.Parse(text)
	if err != nil {
		return v, &fieldError{path, name, err}
	}
	return v, nil
}

// parsePosition parses a value that becomes a part of event ids, and of what polls ask for.
func parsePosition(path, name, text string) (value.Value, error) {
	v, err := parseValue(path, name, text)
	if err != nil {
		return v, err
	}
	if err := checkPosition(v); err != nil {
		return v, &fieldError{path, name, err}
	}
	return v, nil
}

// checkPosition checks that polls can send what the value finds.
func checkPosition(v value.Value) error {
	if v.EscapesHTML() {
		return fmt.Errorf("%q is a position, which the upstream would not know again if it was escaped: leave @html out", v)
	}
	return nil
}

// compileEdits compiles the edits of a query or header. check is given each name and may be nil.
func compileEdits(field string, edits []Edit, check func(name string) error, parse editParser) ([]PlannedEdit, error) {
	out := make([]PlannedEdit, 0, len(edits))
	for i, e := range edits {
		path, name := field+"."+strconv.Itoa(i), strings.TrimSpace(field+" "+e.Name)
		switch {
		case e.Name == "":
			return nil, &fieldError{path, name, fmt.Errorf("the name is missing: write %s <name> <template>", field)}
		case strings.Contains(e.Name, "{"):
			return nil, &fieldError{path, name, fmt.Errorf("the name cannot contain placeholders; only the value can")}
		case e.Delete && e.Value != "":
			return nil, &fieldError{path, name, fmt.Errorf("a parameter or field that is deleted takes no value: remove `value` or `delete`")}
		}
		if check != nil {
			if err := check(e.Name); err != nil {
				return nil, &fieldError{path, name, err}
			}
		}
		edit := PlannedEdit{Name: e.Name, Del: e.Delete}
		if !e.Delete {
			var err error
			if edit.Value, err = parse(path, name, e.Value); err != nil {
				return nil, err
			}
		}
		out = append(out, edit)
	}
	return out, nil
}

// connectionHeaders belong to one connection, so a poll cannot copy them (RFC 9110, section 7.6.1), or are
// written by the transport.
var connectionHeaders = []string{
	"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
}

func checkHeaderName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case lower == "host":
		return fmt.Errorf("the host cannot be edited here: use `header_up Host` in a reverse_proxy of the `upstream` block")
	case slices.Contains(connectionHeaders, lower), strings.HasPrefix(lower, "proxy-"):
		return fmt.Errorf("this header field belongs to one connection, and cannot be edited")
	case strings.HasPrefix(name, "+"):
		return fmt.Errorf("a value cannot be added to a header field: write `header_up %s <template>` to set the field", name[1:])
	case !IsToken(name):
		return fmt.Errorf("%q is not the name of a header field", name)
	}
	return nil
}

var cursorName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// clearing is the value of a cursor that clears it.
const clearing = "="

// parsePattern parses a pattern. Its error names the place in it.
func parsePattern(text string) (*regexp.Regexp, error) {
	pattern, err := regexp.Compile(text)
	if wrong := (*syntax.Error)(nil); errors.As(err, &wrong) {
		return nil, fmt.Errorf("the pattern %q has an error at character %d, %q: %s", text, strings.Index(text, wrong.Expr)+1, wrong.Expr, wrong.Code)
	} else if err != nil {
		return nil, fmt.Errorf("the pattern %q: %w", text, err)
	}
	return pattern, nil
}

// compilePattern parses the pattern of a cursor, of which a group is the cursor.
func compilePattern(text string) (*regexp.Regexp, error) {
	pattern, err := parsePattern(text)
	switch {
	case err != nil:
		return nil, err
	case pattern.NumSubexp() != 1:
		return nil, fmt.Errorf("the pattern %q has %d groups, and needs one, for the part that is the cursor: write (…) around it, and (?:…) for others", text, pattern.NumSubexp())
	}
	return pattern, nil
}

func compileCursors(cursors []Cursor) ([]page.Cursor, error) {
	out := make([]page.Cursor, 0, len(cursors))
	for i, cur := range cursors {
		path, name := "cursor."+strconv.Itoa(i), strings.TrimSpace("cursor "+cur.Name)
		switch {
		case cur.Name != "" && !cursorName.MatchString(cur.Name):
			return nil, &fieldError{path, "cursor", fmt.Errorf("%q is not a valid name: use letters, digits and underscores, and begin with no digit", cur.Name)}
		case slices.ContainsFunc(out, func(c page.Cursor) bool { return c.Name == cur.Name }):
			return nil, &fieldError{path, name, fmt.Errorf("it is given twice: list all its values in one")}
		case len(cur.Values) == 0:
			return nil, &fieldError{path, name, fmt.Errorf("the value is missing: write where the answer contains the cursor")}
		}
		compiled := page.Cursor{Name: cur.Name}
		for j, text := range cur.Values {
			if text == clearing {
				if j == 0 || j < len(cur.Values)-1 {
					return nil, &fieldError{path + ".values." + strconv.Itoa(j), name, fmt.Errorf("`=` clears the cursor if no value before it is there: write it last, after at least one value")}
				}
				compiled.Clears = true
				break
			}
			v, err := value.Parse(text)
			if err == nil {
				err = checkPosition(v)
			}
			if err != nil {
				return nil, &fieldError{path + ".values." + strconv.Itoa(j), name, err}
			}
			compiled.Values = append(compiled.Values, v)
		}
		for j, text := range cur.Patterns {
			at := path + ".values." + strconv.Itoa(j)
			if text == "" {
				compiled.Patterns = append(compiled.Patterns, nil)
				continue
			}
			if j >= len(compiled.Values) {
				return nil, &fieldError{at, name, fmt.Errorf("the pattern %q belongs to no value: write it in the place of its value", text)}
			}
			pattern, err := compilePattern(text)
			if err != nil {
				return nil, &fieldError{at, name, err}
			}
			compiled.Patterns = append(compiled.Patterns, pattern)
		}
		out = append(out, compiled)
	}
	return out, nil
}

// normalMethod writes a method in upper case: methods are case-sensitive (RFC 9110, section 9.1), and all
// methods in use are upper case.
func normalMethod(method string) string {
	if hasPlaceholder(method) {
		return method
	}
	return strings.ToUpper(method)
}

func hasPlaceholder(s string) bool { return strings.Contains(s, "{") }

// IsToken reports whether s is a token (RFC 9110, section 5.6.2), as the names of methods,
// header fields and cookies are.
func IsToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

type readValue struct{ path, name, text string }

func (v readValue) cursors() []string { return v.template().Cursors() }

// template returns the value as a template; the zero template if it is not a template.
func (v readValue) template() value.Template {
	if strings.HasPrefix(v.text, "=") {
		return value.Template{}
	}
	t, err := value.ParseTemplate(v.text)
	if err != nil { // a path that only looks like a template
		return value.Template{}
	}
	return t
}

// checkScope checks that a value for the whole body does not read an item: there may be many items.
func (v readValue) checkScope() error {
	switch v.name {
	case "id", "event", "data", "ignore":
		return nil
	}
	if v.template().ReadsItem() {
		return &fieldError{v.path, v.name, fmt.Errorf("%q reads an item, but this value is looked up in the whole answer: use {sse.body} or a path", v.text)}
	}
	return nil
}
