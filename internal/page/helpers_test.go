package page

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func path(t testing.TB, src string) value.Path {
	t.Helper()
	p, err := value.ParsePath(src)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func val(t testing.TB, src string) value.Value {
	t.Helper()
	v, err := value.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func condition(t testing.TB, words []string) value.Condition {
	t.Helper()
	c, err := value.ParseCondition(words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// config reads a configuration written as in a Caddyfile, one subdirective per line or ";".
func config(t testing.TB, src string) Config {
	t.Helper()
	var c Config
	for line := range strings.FieldsFuncSeq(src, func(r rune) bool { return r == '\n' || r == ';' }) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "stream":
			c.Stream = true
		case "format":
			c.Format = Format(f[1])
			for _, word := range f[2:] {
				if word == "header" {
					c.Header = true
				} else {
					c.Separator = word
				}
			}
		case "items":
			c.Items = path(t, f[1])
		case "id":
			c.ID = val(t, f[1])
		case "event":
			c.Event = val(t, f[1])
			if len(f) > 2 {
				c.EventDefault = f[2]
			}
		case "data":
			c.Data = val(t, f[1])
		case "cursor":
			cursor := Cursor{}
			if n := len(f); n > 3 && f[n-2] == "regexp" {
				cursor.Patterns, f = []*regexp.Regexp{regexp.MustCompile(f[n-1])}, f[:n-2]
			}
			if len(f) > 2 {
				cursor.Name = f[1]
			}
			if i := slices.IndexFunc(c.Cursors, func(c Cursor) bool { return c.Name == cursor.Name }); f[len(f)-1] == "=" {
				c.Cursors[i].Clears = true
				break
			}
			cursor.Values = []value.Value{val(t, f[len(f)-1])}
			c.Cursors = append(c.Cursors, cursor)
		case "epoch":
			c.Epoch = val(t, f[1])
		case "order":
			c.Order = Order(f[1])
			c.Repeat = len(f) > 2
		case "diff":
			c.Set, c.Whole = f[1] == "items", f[1] == "json_patch"
		case "accept":
			var status int
			if _, err := fmt.Sscan(f[1], &status); err != nil {
				t.Fatal(err)
			}
			c.Accept = append(c.Accept, status)
		case "ignore":
			c.Ignore = append(c.Ignore, condition(t, f[1:]))
		case "more":
			c.More = append(c.More, condition(t, f[1:]))
		case "fail":
			c.Fail = append(c.Fail, condition(t, f[1:]))
		case "gap":
			c.Gap = append(c.Gap, condition(t, f[1:]))
		case "reopen":
			c.Reopen = append(c.Reopen, condition(t, f[1:]))
		case "reset":
			c.Reset = append(c.Reset, condition(t, f[1:]))
		case "end":
			c.End = append(c.End, condition(t, f[1:]))
		case "retry_after":
			c.RetryAfter = val(t, f[1])
			if len(f) > 2 {
				unit, err := time.ParseDuration("1" + f[2])
				if err != nil {
					t.Fatal(err)
				}
				c.RetryAfterUnit = unit
			}
		default:
			t.Fatalf("unknown subdirective %q", f[0])
		}
	}
	return c
}

func reader(t testing.TB, src string) *Reader { t.Helper(); return NewReader(config(t, src)) }

// ok is a 200 with a body and header lines.
func ok(body string, header ...string) Response { return status(200, body, header...) }

func status(code int, body string, header ...string) Response {
	h := make(http.Header)
	for _, line := range header {
		name, v, _ := strings.Cut(line, ": ")
		h.Add(name, v)
	}
	return Response{Status: code, Header: h, Body: []byte(body)}
}

// recorded reads an answer that was recorded from a running server.
func recorded(t testing.TB, name string) Response {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\n\n"))), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
}

func at(cursor ...string) position.Position { return position.Position{Cursor: cursor} }

// ids lists the event ids of a page's events.
func ids(p Page) string {
	var out []string
	for _, e := range p.Events {
		out = append(out, e.At.ID())
	}
	return strings.Join(out, " ")
}

// datas lists the data of a page's events.
func datas(p Page) string {
	var out []string
	for _, e := range p.Events {
		out = append(out, string(e.Data))
	}
	return strings.Join(out, " ")
}

func mustRead(t testing.TB, r *Reader, resp Response, from position.Position) Page {
	t.Helper()
	p, err := r.Read(resp, from, nil)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return p
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// canonical returns the same bytes for equal JSON: without white space, with sorted keys,
// numbers as they are written (1.10 is not 1.1). What is no JSON stays as it is.
func canonical(data []byte) []byte {
	if !value.ValidJSON(data) {
		return data
	}
	v, err := value.Decode(data)
	if err != nil {
		return data
	}
	out, err := json.Marshal(v)
	if err != nil {
		return data
	}
	return out
}
