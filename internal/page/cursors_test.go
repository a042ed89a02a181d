package page

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// A pattern finds the part of a text that is the cursor; where it does not match, there is none.
func TestAPatternFindsTheCursorInAText(t *testing.T) {
	t.Parallel()
	const link = `<https://api.example.com/e?page=3&per_page=5>; rel="next", <https://api.example.com/e?page=9>; rel="last"`
	for _, c := range []struct{ config, body, header, want string }{
		{`items a; cursor {sse.header.X} regexp <([^>]*)>.[^,]*rel="next"`, `{"a":[1]}`, link, "https://api.example.com/e?page=3&per_page=5"},
		{`items a; cursor {sse.header.X} regexp [?&]page=(\d+)[^,]*rel="next"`, `{"a":[1]}`, link, "3"},
		{`items a; cursor {sse.header.X} regexp [?&]page=(\d+)[^,]*rel="prev"`, `{"a":[1]}`, link, "7~1.m2E7Aw-c"},
		{`items a; cursor {sse.header.X} regexp [?&]page=(\d+)[^,]*rel="prev"; cursor {sse.header.X} regexp page=(9)`, `{"a":[1]}`, link, "9"},
		{`format lines; cursor {sse.header.X} regexp -(\d+)/`, "a", "bytes 0-41/42", "41"},
		{`items a; cursor c regexp (\d+)$`, `{"a":[1],"c":"v-12"}`, "", "12"},
		{`items a; cursor c regexp ^(\d+)\.`, `{"a":[1],"c":12.5}`, "", "12"},
		{`items a; cursor c regexp ^v(-\d+)?`, `{"a":[1],"c":"v"}`, "", "7~1.m2E7Aw-c"}, // an empty group is no cursor
		{`items a; cursor c regexp (\d+)`, `{"a":[1],"c":null}`, "", "7~1.m2E7Aw-c"},
		{`items a; cursor c regexp (\d+)`, `{"a":[1]}`, "", "7~1.m2E7Aw-c"},
	} {
		equal(t, c.config, mustRead(t, reader(t, c.config), ok(c.body, "X: "+c.header), at("7")).Next.ID(), c.want)
	}
}

// A token of pages is gone behind the last page, and its place in ids is empty.
func TestAClearedCursorIsNoLongerPartOfThePosition(t *testing.T) {
	t.Parallel()
	const config = "items a; cursor next n; cursor next =; cursor sync s"
	for _, c := range []struct {
		body string
		from position.Position
		want string
		news bool
	}{
		{`{"a":[1,2],"n":"p2"}`, at("", ""), "p2,", true},
		{`{"a":[3],"n":"p3"}`, at("p2", ""), "p3,", true},
		{`{"a":[4],"s":"s1"}`, at("p3", ""), ",s1", true},
		{`{"a":[4],"s":"s1","n":null}`, at("p3", ""), ",s1", true},
		{`{"a":[4],"s":"s1","n":""}`, at("p3", ""), ",s1", true},
		{`{"a":[],"s":"s1"}`, at("", "s1"), ",s1", false},
		{`{"a":[],"s":"s1"}`, at("p9", "s1"), ",s1", true},
		{`{"a":[5],"n":"p2"}`, at("", "s1"), "p2,s1", true},
		{`{"a":[6]}`, at("p2", "s1"), ",s1", true},
		{``, at("p2", "s1"), "p2,s1", false},     // it says nothing
		{`{"a":[]}`, at("p3", ""), "p3,", false}, // else it would be the place of a newcomer
		{`{"a":[7]}`, at("p3", ""), "p3,~1.0s-FSUTG", true},
	} {
		p := mustRead(t, reader(t, config), ok(c.body), c.from)
		if p.Next.ID() != c.want || p.News != c.news {
			t.Errorf("%s from %q: got %q, News %v; want %q", c.body, c.from.ID(), p.Next.ID(), p.News, c.want)
		}
	}
	if p := mustRead(t, reader(t, "cursor c; cursor ="), ok(`{"v":1}`), at("7")); !p.Next.Cursor.IsZero() {
		t.Errorf("a document keeps %q", p.Next.ID())
	}
}

// An id from the middle of a page goes on behind it, also where the page clears a cursor.
func TestAnIDResumesExactlyWhereAPageClearsACursor(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; cursor next n; cursor next =; cursor sync s")
	const last = `{"a":[4,5,6],"s":"s1"}`
	p := mustRead(t, r, ok(last), at("p3", ""))
	for i, e := range p.Events {
		from, err := position.Parse(e.At.ID(), 2)
		if err != nil {
			t.Fatal(err)
		}
		want := 2 - i
		if i == 2 {
			if from.ID() != ",s1" {
				t.Fatalf("the last id is %q", from.ID())
			}
			continue
		}
		again := mustRead(t, r, ok(last), from)
		if len(again.Events) != want || again.Lost {
			t.Errorf("from %s: %d events, Lost %v", e.At.ID(), len(again.Events), again.Lost)
		}
	}
}

// Opaque cursors may go down: nothing takes that for a restart, or for a cursor that does not move.
func TestACursorMayFall(t *testing.T) {
	t.Parallel()
	for _, config := range []string{"items a; cursor c", "items a; id id; cursor c", "cursor c", "format lines; cursor {sse.header.C}"} {
		r := reader(t, config)
		from := at("900")
		for _, c := range []string{"800", "7", "-3", "0x1", "6"} {
			p := mustRead(t, r, ok(`{"a":[{"id":1},{"id":1}],"c":"`+c+`"}`, "C: "+c), from)
			if p.Next.Cursor[0] != c || p.Next.Done != 0 || !p.News || p.Lost || p.Restarted || p.Stuck || len(p.Events) == 0 {
				t.Errorf("%s: to %s: %+v", config, c, p)
			}
			from = p.Next
		}
	}
}
