package page

import (
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// shapes lists the ids of a page's events without their fingerprints.
func shapes(p Page) string {
	var out []string
	for _, e := range p.Events {
		id, _, _ := strings.Cut(e.At.ID(), ".")
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

// follow reads answers, each from the position after the one before it.
func follow(t *testing.T, r *Reader, from position.Position, answers ...Response) (said, placed string, at position.Position) {
	t.Helper()
	var datas, ids []string
	for i, answer := range answers {
		p := mustRead(t, r, answer, from)
		if p.Lost || p.Stuck || p.Carry != nil || p.News != (len(p.Events) > 0 || !p.Next.Cursor.Equal(from.Cursor)) {
			t.Errorf("answer %d from %q: %+v", i+1, from.ID(), p)
		}
		for _, e := range p.Events {
			datas, ids = append(datas, string(e.Data)), append(ids, shapes(Page{Events: []Event{e}}))
		}
		from = p.Next
	}
	return strings.Join(datas, " "), strings.Join(ids, " "), from
}

func TestEachMessageIsAnEventWhateverCameBefore(t *testing.T) {
	t.Parallel()
	const (
		monday  = "Last-Modified: Mon, 02 Nov 2026 01:00:00 GMT"
		tuesday = "Last-Modified: Tue, 03 Nov 2026 01:00:00 GMT"
		mon     = "Mon%2C%2002%20Nov%202026%2001:00:00%20GMT"
		tue     = "Tue%2C%2003%20Nov%202026%2001:00:00%20GMT"
	)
	a, b := ok("a"), ok("b")
	for _, c := range []struct {
		name, config, from string
		answers            []Response
		said, ids          string
	}{
		{"without validators", "", "", []Response{a, b, b, b, a}, "a b b b a", "~1 ~2 ~3 ~4 ~5"},
		{"after those of another stream", "", "~7.Zok5TkMq", []Response{a, a}, "a a", "~8 ~9"},
		{"an empty body, and no body, are none", "accept 204", "", []Response{a, ok(""), status(204, ""), status(304, ""), status(408, ""), a}, "a a", "~1 ~2"},
		{"of a status that is accepted", "accept 404", "", []Response{a, status(404, "a"), status(404, "b")}, "a a b", "~1 ~2 ~3"},
		{"the same validator", "", "", []Response{ok("a", `ETag: "1"`), ok("a", `ETag: "1"`), ok("a", `ETag: "1"`), ok("a", `ETag: "2"`)}, "a a a a", `"1", "1",~1 "1",~2 "2",`},
		{"a validator that goes and comes", "", "", []Response{a, ok("b", `ETag: "1"`), b, b, ok("b", `ETag: "2"`), a}, "a b b b b a", `~1 "1", "1",~1 "1",~2 "2", "2",~1`},
		{"one of two that goes and comes", "", "", []Response{ok("a", `ETag: "1"`, monday), ok("a", monday), ok("a", tuesday), ok("a", `ETag: "1"`, tuesday), ok("a", `ETag: "2"`)}, "a a a a a", `"1",` + mon + " ," + mon + " ," + tue + ` "1",` + tue + ` "2",`},
		{"a cursor that stays", "cursor {sse.header.X}", "", []Response{ok("a", "X: 1"), ok("a", "X: 1"), a, ok("b", "X: 2"), b}, "a a a b b", "1 1~1 1~2 2 2~1"},
		{"a cursor that stays, behind many", "cursor {sse.header.X}", "1~7.Zok5TkMq", []Response{a, ok("a", "X: 2"), a}, "a a a", "1~8 2 2~1"},
		{"a cursor that moves in silence", "cursor {sse.header.X}", "1~7.Zok5TkMq", []Response{ok("", "X: 2"), a}, "a", "2~1"},
		{"ignored ones do not count", "ignore {sse.header.X} no", "", []Response{a, ok("a", "X: no"), a, ok("a", "X: no", `ETag: "1"`), a}, "a a a", `~1 ~2 "1",~1`},
	} {
		r := reader(t, "format message;"+c.config)
		from := position.Position{}
		if c.from != "" {
			var err error
			if from, err = position.Parse(c.from, len(r.names)); err != nil {
				t.Fatal(err)
			}
		}
		said, ids, _ := follow(t, r, from, c.answers...)
		equal(t, c.name+": data", said, c.said)
		equal(t, c.name+": ids", ids, c.ids)
	}
}

func TestIDsOfMessagesNameOnePlaceHoweverManyAreEqual(t *testing.T) {
	t.Parallel()
	r, seen, from := reader(t, "format message"), map[string]bool{}, position.Position{}
	for range 100 {
		_, _, from = follow(t, r, from, ok("tick"))
		if seen[from.ID()] {
			t.Fatalf("the id %s came twice", from.ID())
		}
		seen[from.ID()] = true
	}
	if from.Done != 100 {
		t.Errorf("%s does not count 100", from.ID())
	}
}

// A document is compared with the one before, and its id says what it says.
func TestTextIsADocument(t *testing.T) {
	t.Parallel()
	r := reader(t, "format text")
	p, q := mustRead(t, r, ok("a"), at()), mustRead(t, r, ok("a"), at())
	if p.Events[0].Key == "" || p.Events[0].Key != q.Events[0].Key || ids(p) != "" || r.Messages() || !r.Document() {
		t.Errorf("got %+v and %+v", p, q)
	}
}
