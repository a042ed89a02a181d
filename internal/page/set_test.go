package page

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// setOf reads an answer as a set.
func setOf(t *testing.T, block, answer string) *Set {
	t.Helper()
	p, err := NewReader(config(t, block+"; diff items")).Read(ok(answer), position.Position{}, nil)
	if err != nil || p.Set == nil {
		t.Fatalf("%s of %s: %v", block, answer, err)
	}
	return p.Set
}

// told returns the events that lead from one answer to another.
func told(t *testing.T, block, before, after string, diff func(before, after []byte) []byte) (events []string, ids []string) {
	t.Helper()
	a, b := setOf(t, block, before), setOf(t, block, after)
	a.Follow(nil)
	b.Follow(a)
	for _, e := range b.Changes(a, diff) {
		events, ids = append(events, e.Type+" "+string(e.Data)), append(ids, e.Key)
	}
	if fresh := setOf(t, block, after); b.Key() == "" || func() string { fresh.Follow(nil); return fresh.Key() }() != b.Key() {
		t.Errorf("%s: the hash of %s depends on the set before", block, after)
	}
	if len(ids) > 0 && ids[len(ids)-1] != b.Key() {
		t.Errorf("%s: the last id is %s, and the hash of the set %s", block, ids[len(ids)-1], b.Key())
	}
	return events, ids
}

func TestASetTellsWhatIsRemovedChangedAndAdded(t *testing.T) {
	for name, c := range map[string]struct{ block, before, after, want string }{
		"one of each":               {"items @this; id id", `[{"id":1},{"id":2,"n":0}]`, `[{"id":3},{"id":2,"n":1}]`, `removed {"id":1}, changed {"id":2,"n":1}, added {"id":3}`},
		"another order":             {"items @this; id id", `[{"id":1},{"id":2}]`, `[{"id":2},{"id":1}]`, ``},
		"white space, keys":         {"items @this; id id", `[{"id":1,"a":"é"}]`, `[ {"a":"\u00e9", "id":1} ]`, ``},
		"numbers as written":        {"items @this; id id", `[{"id":1,"a":1.0}]`, `[{"id":1,"a":1.00}]`, `changed {"id":1,"a":1.00}`},
		"of the data alone":         {"items @this; id id; data is", `[{"id":1,"n":1,"is":"a"},{"id":2,"n":1,"is":"b"}]`, `[{"id":1,"n":2,"is":"a"},{"id":2,"n":2,"is":"c"}]`, `changed "c"`},
		"ids of another type":       {"items @this; id id; data is", `[{"id":1,"is":0}]`, `[{"id":"1","is":0}]`, ``},
		"ignored":                   {"items @this; id id; ignore off", `[{"id":1},{"id":2,"off":1}]`, `[{"id":1,"off":1},{"id":2}]`, `removed {"id":1}, added {"id":2}`},
		"nothing left":              {"items @this; id id", `[{"id":1}]`, `[]`, `removed {"id":1}`},
		"null":                      {"items list; id id", `{"list":[{"id":1}]}`, `{"list":null}`, `removed {"id":1}`},
		"texts":                     {"items @this; id @this", `["a","b"]`, `["b","c"]`, `removed "a", added "c"`},
		"lines":                     {"format lines", "a\nb\n", "b\n{\"c\":1}\n", `removed "a", added {"c":1}`},
		"no lines":                  {"format lines", "a\n", "", `removed "a"`},
		"lines with ids":            {"format lines; id id", "{\"id\":1}\n", "{\"id\":1,\"n\":2}\n", `changed {"id":1,"n":2}`},
		"rows":                      {"format csv header; id id", "id,n\n1,a\n2,a\n", "id,n\n2,b\n", `removed {"id":"1","n":"a"}, changed {"id":"2","n":"b"}`},
		"elements":                  {"format xml; items r.i; id -id", `<r><i id="1">a</i><i id="2">b</i></r>`, `<r><i id="2">c</i><i id="3">d</i></r>`, `removed {"-id": "1","#text": "a"}, changed {"-id": "2","#text": "c"}, added {"-id": "3","#text": "d"}`},
		"a template that is a text": {"items @this; id id; data {sse.item.a}!", `[{"id":1,"a":"x"}]`, `[{"id":1,"a":"y"}]`, `changed "y!"`},
	} {
		events, ids := told(t, c.block, c.before, c.after, nil)
		if got := strings.Join(events, ", "); got != c.want {
			t.Errorf("%s: got %s, not %s", name, got, c.want)
		}
		for i, id := range ids[:max(len(ids)-1, 0)] {
			if !strings.Contains(id, fmt.Sprintf("~%d.", i+1)) {
				t.Errorf("%s: event %d of %d has the id %s", name, i+1, len(ids), id)
			}
		}
	}
}

func TestAChangedItemComesAsAPatch(t *testing.T) {
	long := strings.Repeat("x", 100)
	diff := func(before, after []byte) []byte {
		patch, worth, err := Diff(before, after)
		if err != nil || !worth {
			return nil
		}
		return patch
	}
	events, _ := told(t, "items @this; id id", `[{"id":"a\"b","n":0,"x":"`+long+`"},{"id":2,"n":0}]`, `[{"id":"a\"b","n":1,"x":"`+long+`"},{"id":2,"n":1}]`, diff)
	want := []string{
		`changed {"id":"a\"b","patch":[{"op":"replace","path":"/n","value":1}]}`,
		`changed {"id":"2","patch":[{"op":"replace","path":"","value":{"id":2,"n":1}}]}`,
	}
	if !slices.Equal(events, want) {
		t.Errorf("got %q", events)
	}
}

func TestASnapshotIsAnArrayAsRead(t *testing.T) {
	s := setOf(t, "items list; id id", `{"list":[{"id": 2}, {"id":1, "a" : "é"}]}`)
	s.Follow(nil)
	if e := s.Snapshot(); e.Type != "snapshot" || string(e.Data) != `[{"id": 2},{"id":1, "a" : "é"}]` || e.Key != s.Key() {
		t.Errorf("got %q %s %s", e.Type, e.Data, e.Key)
	}
}

// The place in the middle of a change says what a client has: another change of the same set has other places.
func TestPlacesInTheMiddleOfAChangeAreOnlyOfThatChange(t *testing.T) {
	block, before := "items @this; id id", `[{"id":1},{"id":2},{"id":3}]`
	seen := map[string]string{}
	for _, after := range []string{
		`[{"id":3},{"id":4}]`, `[{"id":1},{"id":4}]`, `[{"id":1,"n":1},{"id":2,"n":1},{"id":3,"n":1}]`, `[{"id":1,"n":2},{"id":2,"n":1},{"id":3,"n":1}]`,
		`[{"id":1},{"id":2},{"id":3},{"id":5},{"id":6},{"id":7}]`, `[{"id":1},{"id":2},{"id":3},{"id":6},{"id":5},{"id":7}]`,
	} {
		events, ids := told(t, block, before, after, nil)
		for i, id := range ids {
			so := strings.Join(slices.Sorted(slices.Values(events[:i+1])), ", ")
			if i < len(ids)-1 {
				so = strings.Join(events[:i+1], ", ")
			}
			if other, twice := seen[id]; twice && other != so {
				t.Errorf("%s is the place after %s, and after %s", id, other, so)
			}
			seen[id] = so
		}
	}
}

// What clients keep must not change.
func TestTheIDsOfASetAreWhatTheDocumentsSay(t *testing.T) {
	_, ids := told(t, "items list; id id", `{"list":[{"id": 1, "n": 0},{"id": 2, "n": 0},{"id": 3, "n": 0}]}`, `{"list":[{"n":0, "id":3},{"id":2,"n":5},{"id":4,"n":0},{"id":5,"n":0}]}`, nil)
	if want := []string{"m8ZG7ZkPHtJAInzI~1.tlRZIire", "m8ZG7ZkPHtJAInzI~2.TE7xaa6n", "m8ZG7ZkPHtJAInzI~3.ehnNi-iX", "eMql7w0j0gE4gFrF"}; !slices.Equal(ids, want) {
		t.Errorf("got %q", ids)
	}
}

func TestWhatIsNoSet(t *testing.T) {
	for _, c := range []struct{ block, answer, want string }{
		{"items @this; id id.x", `[{"id":{"x":1}},{"id":{"x":"1"}}]`, `id id.x is "1" in two items`},
		{"items @this; id id", `[{"id":1},{}]`, "id id found nothing in item 2 of 2"},
		{"items @this; id id", `[{"id":null}]`, "id id found nothing in item 1 of 1"},
		{"items list; id id", `{"error":"busy"}`, "items list found no list"},
		{"items @this; id id; data is", `[{"id":1},{"id":2}]`, "data path is found nothing in any item"},
		{"format json; items @this; id id", `<html>Bad gateway</html>`, "HTML where JSON was expected"},
		{"format lines", `<html>Bad gateway</html>`, "HTML where lines were expected"},
		{"format lines", "a\nb\na\n", `the line is "a" in two items`},
	} {
		p, err := NewReader(config(t, c.block+"; diff items")).Read(ok(c.answer), position.Position{}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %s: %v, %v", c.block, c.answer, p.Set, err)
		}
	}
}

func TestAnAnswerThatIsPassedOverLeavesTheSet(t *testing.T) {
	r := NewReader(config(t, "items @this; id id; ignore {sse.status} 409; accept 409; diff items"))
	for _, resp := range []Response{{Status: http.StatusNoContent}, {Status: http.StatusNotModified}, {Status: http.StatusConflict, Body: []byte(`[]`)}, {Status: http.StatusOK}} {
		if p, err := r.Read(resp, position.Position{}, nil); err != nil || p.Set != nil || len(p.Events) > 0 || p.News {
			t.Errorf("status %d: %+v, %v", resp.Status, p, err)
		}
	}
}

// pagesOf joins pages, each an answer with its list and the cursor of the next.
func pagesOf(t *testing.T, limit int64, answers ...string) (Page, error) {
	t.Helper()
	r := NewReader(config(t, "items list; id id; cursor next; more next; epoch run; diff items"))
	from := position.Position{}
	p, err := r.Read(ok(answers[0], `ETag: "1"`), from, nil)
	if err != nil {
		return Page{}, err
	}
	pages, err := NewPages(r, from, p, limit)
	if err != nil {
		return Page{}, err
	}
	for _, answer := range answers[1:] {
		at, more := pages.Next()
		if !more {
			t.Fatalf("no page follows, before %s", answer)
		}
		next, err := r.Read(ok(answer), at, nil)
		if err != nil {
			return Page{}, pages.Failed(err)
		}
		if err := pages.Add(next); err != nil {
			return Page{}, err
		}
	}
	if _, more := pages.Next(); more {
		t.Fatal("another page follows")
	}
	return pages.Whole(), nil
}

func TestPagesAreOneSet(t *testing.T) {
	p, err := pagesOf(t, 1000, `{"list":[{"id":1}],"next":"a","run":7}`, `{"list":[],"next":"b","run":7}`, `{"list":[{"id":2}],"run":7}`)
	if err != nil {
		t.Fatal(err)
	}
	p.Set.Follow(nil)
	if e := p.Set.Snapshot(); string(e.Data) != `[{"id":1},{"id":2}]` {
		t.Errorf("got %s", e.Data)
	}
	if !p.Next.Cursor.IsZero() || p.Next.Epoch != "7" || p.More || p.Validators != (Validators{}) {
		t.Errorf("the next poll asks from %v, with %v", p.Next, p.Validators)
	}
	one, err := pagesOf(t, 1000, `{"list":[{"id":1}]}`)
	if err != nil || one.Validators.ETag != `"1"` {
		t.Errorf("one page: %v, %v", one.Validators, err)
	}
}

func TestPagesThatAreNoSet(t *testing.T) {
	many := slices.Repeat([]string{""}, MaxPages+1)
	for i := range many {
		many[i] = fmt.Sprintf(`{"list":[{"id":%d}],"next":"%d"}`, i, i+1)
	}
	for want, answers := range map[string][]string{
		`page 2 of the set: id id is "1" in two items`:                             {`{"list":[{"id":1}],"next":"a"}`, `{"list":[{"id":1}]}`},
		"page 2 of the set: its cursor leads to itself":                            {`{"list":[{"id":1}],"next":"a"}`, `{"list":[{"id":2}],"next":"a"}`},
		"page 2 of the set: items list found no list":                              {`{"list":[{"id":1}],"next":"a"}`, `{"error":1}`},
		"page 2 of the set: the answer has no list":                                {`{"list":[{"id":1}],"next":"a","run":1}`, `{"list":[{"id":2}],"run":2}`},
		"page 2 of the set: all pages together are larger than":                    {`{"list":[{"id":1}],"next":"a"}`, `{"list":[{"id":2}],"x":"` + strings.Repeat("x", 1<<20) + `"}`},
		"page 101 of the set: a set may have 100 pages: does `more` hold on the l": many,
	} {
		if p, err := pagesOf(t, 1<<20, answers...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, not %s: %v", err, want, p.Set)
		}
	}
}
