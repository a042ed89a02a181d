package page

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// named writes items, each a letter and a digit: its id, and what tells it from others of that id.
func named(names ...string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = fmt.Sprintf(`{"id":%q,"n":%q}`, name[:1], name)
	}
	return "[" + strings.Join(out, ",") + "]"
}

func TestAnItemWithTheCursorsIDIsNotLost(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"", "order newest_first", "order overlap"} {
		for _, unsent := range []bool{false, true} {
			c := config(t, "id id; data n; "+order)
			c.Unsent = unsent
			r := NewReader(c)
			poll := func(names string, from position.Position) Page {
				items := strings.Fields(names)
				if order == "order newest_first" {
					slices.Reverse(items)
				}
				return mustRead(t, r, ok(named(items...)), from)
			}
			name := fmt.Sprintf("%q, unsent %t: ", order, unsent)
			p := poll("a1 b1", at())
			equal(t, name+"ids", ids(p), "a b")
			equal(t, name+"repeats", p.Repeats, "")
			p = poll("a1 b1 b2", p.Next)
			equal(t, name+"one more of the id", datas(p), "b2")
			equal(t, name+"repeats", p.Repeats, "id")
			p = poll("a1 b1 b2", p.Next)
			equal(t, name+"nothing new", datas(p), "")
			p = poll("a1 b1 b2 b3 b4", p.Next)
			equal(t, name+"two more", datas(p), "b3 b4")
			p = poll("b2 b3 b4 b5", p.Next)
			equal(t, name+"the first of the id has gone", datas(p), "b5")
			p = poll("b3 b4 b5 c1", p.Next)
			equal(t, name+"another id", datas(p), "c1")
			equal(t, name+"ids", ids(p), "c")
			p = poll("b3 b4 b5 c1", p.Next)
			equal(t, name+"nothing new at the end", len(p.Events), 0)
			equal(t, name+"lost", p.Lost, false)
		}
	}
}

func TestIDsThatRepeatApartAreNoPlaces(t *testing.T) {
	t.Parallel()
	c := config(t, "id id; data n; order newest_first")
	c.Unsent = true
	r := NewReader(c)
	all := strings.Fields("z1 a1 z2 b1 z3 c1 z4 z5 d1 z6") // a wiki's log, where many entries are of the revision 0
	from := position.Position{}
	var got []string
	for n := 1; n <= len(all); n++ { // one at a time, from a list of six
		shown := slices.Clone(all[max(n-6, 0):n])
		slices.Reverse(shown)
		p := mustRead(t, r, ok(named(shown...)), from)
		equal(t, fmt.Sprintf("lost at %d", n), p.Lost, false)
		got, from = append(got, strings.Fields(datas(p))...), p.Next
	}
	equal(t, "all", strings.Join(got, " "), strings.Join(all, " "))
	gone := mustRead(t, r, ok(named("z9", "z8", "z7")), from)
	if datas(gone) != "z7 z8 z9" || !gone.Lost {
		t.Errorf("a list that has nothing of what was there: %q, lost %t", datas(gone), gone.Lost)
	}
}

// TestEachOfTheItemsWithEqualIDsComesOnce plays lists whose ids repeat, to clients that are cut after
// any event and come back with its id.
func TestEachOfTheItemsWithEqualIDsComesOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{"window", "newest", "all", "inclusive", "exclusive"}).Draw(rt, "kind")
		c := config(t, "id id; data n")
		const limit = 8 // items that a window shows
		switch kind {
		case "window":
			c.Order, c.Unsent = Overlap, true
		case "newest":
			c.Order, c.Unsent = NewestFirst, true
		case "all":
			c.Unsent = rapid.Bool().Draw(rt, "unsent")
		}
		r := NewReader(c)
		shows := kind != "window" && kind != "newest" // what there is, however far behind a client is
		var all []string                              // what was published
		last := byte('a')
		publish := func() {
			n := rapid.IntRange(1, 3).Draw(rt, "published")
			for range n {
				id := last
				switch {
				case kind == "inclusive" || kind == "exclusive": // ids that grow, such as times
					last += byte(rapid.IntRange(0, 1).Draw(rt, "step"))
					id = last
				case rapid.Bool().Draw(rt, "new id"):
					last++
					id = last
				case len(all) > 0: // one that whoever is not far behind still sees
					id = rapid.SampledFrom(all[max(len(all)-3, 0):]).Draw(rt, "old id")[0]
				}
				all = append(all, fmt.Sprintf("%c%d", id, len(all)))
			}
			last++ // what comes later than an answer has other ids, where a poll asks by them
			if kind != "inclusive" && kind != "exclusive" {
				last--
			}
		}
		answer := func(from position.Position) Response {
			shown := slices.Clone(all)
			cursor := ""
			if len(from.Cursor) > 0 {
				cursor = from.Cursor[0]
			}
			switch kind {
			case "window", "newest":
				shown = shown[max(len(shown)-limit, 0):]
			case "inclusive":
				shown = slices.DeleteFunc(shown, func(name string) bool { return name[:1] < cursor })
			case "exclusive":
				shown = slices.DeleteFunc(shown, func(name string) bool { return name[:1] <= cursor })
			}
			if kind == "newest" {
				slices.Reverse(shown)
			}
			return ok(named(shown...))
		}
		publish()
		from, seen := position.Position{}, 0
		for range rapid.IntRange(1, 12).Draw(rt, "polls") {
			if rapid.Bool().Draw(rt, "publish") {
				publish()
			}
			p, err := r.Read(answer(from), from, nil)
			if err != nil {
				rt.Fatal(err)
			}
			if p.Lost {
				// only the start of a list may have rolled away, and the id that a client was cut at
				seen = len(all) - len(p.Events)
			}
			for i, e := range p.Events {
				if seen == len(all) || string(e.Data) != all[seen] {
					rt.Fatalf("%s: got %s of %v after %d, from %q (lost %t)", kind, e.Data, all, seen, from.ID(), p.Lost)
				}
				seen++
				if left := len(p.Events) - 1 - i; left > 0 && (left < 3 || shows) && rapid.IntRange(0, 3).Draw(rt, "cut") == 0 {
					p.Next = e.At
					break
				}
			}
			if p.Next.IsZero() {
				rt.Fatal("there are items, and no position")
			}
			if from, err = position.Parse(p.Next.ID(), 1); err != nil {
				rt.Fatal(err)
			}
		}
		p, err := r.Read(answer(from), from, nil)
		if err != nil {
			rt.Fatal(err)
		}
		if p.Lost {
			return
		}
		for _, e := range p.Events {
			if seen == len(all) || string(e.Data) != all[seen] {
				rt.Fatalf("%s: got %s of %v after %d at the end, from %q", kind, e.Data, all, seen, from.ID())
			}
			seen++
		}
		if seen < len(all) {
			rt.Fatalf("%s: %d of %v, from %q", kind, seen, all, from.ID())
		}
	})
}
