package page

import (
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

func TestEventsOfPageCursorsCountWithinTheirPage(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; id i; cursor c")
	body := `{"a":[{"i":1},{"i":2},{"i":3}],"c":"n"}`
	p := mustRead(t, r, ok(body), at("m"))
	got := strings.Fields(ids(p))
	if len(got) != 3 || !strings.HasPrefix(got[0], "m~1.") || !strings.HasPrefix(got[1], "m~2.") || got[2] != "n" {
		t.Fatalf("ids %q", got)
	}
	equal(t, "key", p.Events[1].Key, "2")

	again := mustRead(t, r, ok(body), p.Events[1].At)
	equal(t, "events after m~2", ids(again), "n")
	grown := mustRead(t, r, ok(`{"a":[{"i":1},{"i":2},{"i":3},{"i":4}],"c":"n"}`), p.Events[1].At)
	equal(t, "data after m~2 on a page that grew", datas(grown), `{"i":3} {"i":4}`)
	shrunk := mustRead(t, r, ok(`{"a":[{"i":1},{"i":2}],"c":"n"}`), p.Events[1].At)
	if len(shrunk.Events) != 0 || !shrunk.News || shrunk.Next.ID() != "n" || shrunk.Stuck {
		t.Errorf("all of a page that moved came before: %+v", shrunk)
	}
	other := mustRead(t, r, ok(`{"a":[{"i":7},{"i":8}],"c":"n"}`), p.Events[1].At)
	equal(t, "without the fingerprint all are sent", datas(other), `{"i":7} {"i":8}`)
	equal(t, "and nothing is lost, since the cursor holds", other.Lost, false)
}

func TestAStartPageWithoutTheFingerprintIsLost(t *testing.T) {
	t.Parallel()
	r := reader(t, "items @this")
	p := mustRead(t, r, ok(`[1,2,3]`), at())
	equal(t, "next", strings.HasPrefix(p.Next.ID(), "~3."), true)

	same := mustRead(t, r, ok(`[1,2,3]`), p.Next)
	if same.News || !same.Stuck || same.Lost || same.Next.ID() != p.Next.ID() {
		t.Errorf("the same page: %+v", same)
	}
	rolled := mustRead(t, r, ok(`[0,1,2,3,4]`), p.Next)
	if datas(rolled) != "4" || rolled.Lost {
		t.Errorf("a page that grew on both ends: %q, lost %v", datas(rolled), rolled.Lost)
	}
	gone := mustRead(t, r, ok(`[7,8]`), p.Next)
	if datas(gone) != "7 8" || !gone.Lost {
		t.Errorf("another page: %q, lost %v", datas(gone), gone.Lost)
	}
	if empty := mustRead(t, r, ok(`[]`), p.Next); empty.Lost || empty.News || empty.Next.ID() != p.Next.ID() {
		t.Errorf("no items: %+v", empty)
	}
}

func TestEqualAndMissingIdsCountFromTheIdBefore(t *testing.T) {
	t.Parallel()
	shape := func(p Page) string {
		var out []string
		for _, e := range p.Events {
			id := e.At.ID()
			if i := strings.IndexByte(id, '.'); i >= 0 {
				id = id[:i]
			}
			out = append(out, id)
		}
		return strings.Join(out, " ")
	}
	r := reader(t, "id id")
	for _, c := range [][3]string{
		{"", "- - 5", "~1 ~2 5"},
		{"", "1 - - 4 -", "1 1~1 1~2 4 4~1"},
		{"3", "4 4 4 5", "3~1 3~2 4~2 5"},
		{"3", "3 4 4", "3~1 4~1"},
		{"3", "5 6 5", "3~1 6 5~2"},       // asking by 5 must not leave out 6
		{"3", "6 5 - 6", "3~1 5 5~1 6~3"}, // nor must asking by 6 leave out 5
		{"3", "-", "3~1"},
	} {
		from := at()
		if c[0] != "" {
			from = at(c[0])
		}
		body := ok(page(strings.Fields(c[1])...))
		p := mustRead(t, r, body, from)
		equal(t, c[1]+" from "+c[0], shape(p), c[2])
		for i, e := range p.Events {
			rest := mustRead(t, r, body, e.At)
			want := Page{Events: p.Events[i+1:]}
			equal(t, "after event "+strconv.Itoa(i)+" of "+c[1], datas(rest), datas(want))
			equal(t, "ids after event "+strconv.Itoa(i)+" of "+c[1], ids(rest), ids(want))
		}
	}
}

func TestIntegersThatAreWrittenDifferentlyAreOneId(t *testing.T) {
	t.Parallel()
	r := reader(t, "id id; order by_id")
	for _, ids := range []string{"7 007 8", "0 00 -0", "-1 -01 0 1", "0 1 01"} {
		body := ok(page(strings.Fields(ids)...))
		p := mustRead(t, r, body, at())
		for i, e := range p.Events {
			equal(t, ids+" after "+e.Key, datas(mustRead(t, r, body, e.At)), datas(Page{Events: p.Events[i+1:]}))
		}
	}
}

func TestAFingerprintHoldsWhenThePageBeginsAfterItsCursor(t *testing.T) {
	t.Parallel()
	r := reader(t, "id id")
	p := mustRead(t, r, ok(`[{"id":1},{"id":2},{"x":1},{"x":2},{"x":3}]`), at())
	again := mustRead(t, r, ok(`[{"x":1},{"x":2},{"x":3}]`), p.Events[3].At) // ?since=2
	equal(t, "rest", datas(again), `{"x":3}`)
	equal(t, "id", ids(again), p.Next.ID())
	// the same bytes behind another id are another item
	p = mustRead(t, r, ok(`[{"x":1}]`), at("2"))
	moved := mustRead(t, r, ok(`[{"id":3},{"x":1}]`), p.Next)
	equal(t, "behind a new id", datas(moved), `{"id":3} {"x":1}`)
	p = mustRead(t, r, ok(`[{"x":1},{"x":2},{"x":3}]`), at("2"))
	moved = mustRead(t, r, ok(`[{"id":3},{"x":1},{"x":2},{"x":3}]`), p.Next)
	equal(t, "three behind a new id", len(moved.Events), 4)
}

func TestEpochStaysOnThePositions(t *testing.T) {
	t.Parallel()
	from := position.Position{Epoch: "e", Cursor: position.Cursor{"1"}}
	p := mustRead(t, reader(t, "id id"), ok(`[{"id":2},{"x":1}]`), from)
	if got := strings.Fields(ids(p)); got[0] != "e!2" || !strings.HasPrefix(got[1], "e!2~1.") {
		t.Errorf("ids %q", got)
	}
	d := mustRead(t, reader(t, "cursor {sse.header.X}"), status(204, "", "X: 5"), from)
	equal(t, "next", d.Next.ID(), "e!5")
}
