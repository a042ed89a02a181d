package page

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// times is a page of items, each written as id@time.
func times(items ...string) Response {
	list := make([]string, len(items))
	for i, text := range items {
		id, at, _ := strings.Cut(text, "@")
		list[i] = fmt.Sprintf(`{"id":%q,"t":%q}`, id, at)
	}
	return ok(`{"a":[` + strings.Join(list, ",") + `]}`)
}

func keys(p Page) string {
	var all []string
	for _, e := range p.Events {
		all = append(all, e.Key)
	}
	return strings.Join(all, " ")
}

const overlapping = "items a; id id; order overlap; cursor {sse.item.t}"

// A poll asks for all items from a time on. What was sent comes again, and more may come of the same time.
func TestItemsOfOneTimeAreSentOnceEach(t *testing.T) {
	t.Parallel()
	r := reader(t, overlapping)
	from := at()
	for _, step := range []struct {
		page []string
		want string
		time string
	}{
		{[]string{"a@1", "b@1", "c@2"}, "a b c", "2"},
		{[]string{"c@2"}, "", "2"},
		{[]string{"c@2", "d@2"}, "d", "2"},
		{[]string{"e@2", "c@2", "d@2"}, "e", "2"}, // before those that were sent
		{[]string{"d@2", "e@2", "f@3"}, "f", "3"}, // one has gone
		{[]string{"f@3", "g@3", "h@4", "i@4"}, "g h i", "4"},
		{nil, "", "4"},
		{[]string{"i@4", "h@4"}, "", "4"},
		{[]string{"k@1"}, "k", "1"}, // a time may fall
	} {
		p := mustRead(t, r, times(step.page...), from)
		if keys(p) != step.want || p.Next.Cursor[0] != step.time || p.Lost || p.Stuck || p.News != (step.want != "") {
			t.Fatalf("%q: got %q at %q, %+v", step.page, keys(p), p.Next.Cursor[0], p)
		}
		from = p.Next
	}
}

// Whatever the order among items of one time, and wherever a client is cut, each item comes once.
func TestAnIDAmongItemsOfOneTimeResumesExactly(t *testing.T) {
	t.Parallel()
	r := reader(t, overlapping)
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		type entry struct {
			id   string
			time int
		}
		var there []entry
		now, got := 0, map[string]int{}
		from := at("", "")
		for range 12 {
			for range rnd.IntN(4) {
				now += rnd.IntN(2)
				there = append(there, entry{fmt.Sprint("i", len(there)), now})
			}
			shuffled := slices.Clone(there)
			rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			slices.SortStableFunc(shuffled, func(a, b entry) int { return a.time - b.time })
			var page []string
			for _, e := range shuffled {
				var least int
				fmt.Sscan(from.Cursor[0], &least)
				if e.time >= least {
					page = append(page, fmt.Sprintf("%s@%d", e.id, e.time))
				}
			}
			p := mustRead(t, r, times(page...), from)
			n := rnd.IntN(len(p.Events) + 1) // the client is cut behind so many
			for _, e := range p.Events[:n] {
				got[e.Key]++
				parsed, err := position.Parse(e.At.ID(), 2)
				if err != nil {
					t.Fatal(err)
				}
				from = parsed
			}
		}
		var page []string
		slices.SortStableFunc(there, func(a, b entry) int { return a.time - b.time })
		for _, e := range there {
			var least int
			fmt.Sscan(from.Cursor[0], &least)
			if e.time >= least {
				page = append(page, fmt.Sprintf("%s@%d", e.id, e.time))
			}
		}
		for _, e := range mustRead(t, r, times(page...), from).Events {
			got[e.Key]++
		}
		for _, e := range there {
			if got[e.id] != 1 {
				t.Fatalf("seed %d: %s came %d times", seed, e.id, got[e.id])
			}
		}
	}
}

func TestIDsAmongItemsOfOneTimeAreLiteral(t *testing.T) {
	t.Parallel()
	p := mustRead(t, reader(t, overlapping), times("a@1", "b@1", "c@2"), at())
	var ids []string
	for _, e := range p.Events {
		ids = append(ids, e.At.ID())
	}
	equal(t, "ids", strings.Join(ids, " "), "1,vdtCQUR5 1,vdtCQUR5R9FaVBiR 2,6PVc5viA")
}

func TestItemsWithoutATimeOrWithTooMany(t *testing.T) {
	t.Parallel()
	r := reader(t, overlapping)
	if _, err := r.Read(ok(`{"a":[{"id":"a"}]}`), at(), nil); err == nil || !strings.Contains(err.Error(), "the first item has no cursor") {
		t.Errorf("got %v", err)
	}
	p := mustRead(t, r, ok(`{"a":[{"id":"a","t":1},{"id":"b"}]}`), at())
	equal(t, "the time before", p.Next.Cursor[0], "1")
	many := make([]string, maxSent+1)
	for i := range many {
		many[i] = fmt.Sprintf("%d@1", i)
	}
	if _, err := r.Read(times(many...), at(), nil); err == nil || !strings.Contains(err.Error(), "the same cursor") {
		t.Errorf("got %v", err)
	}
	full := mustRead(t, r, times(many[1:]...), at())
	if again := mustRead(t, r, times(many[1:]...), full.Next); again.News || len(full.Events) != maxSent {
		t.Errorf("%d events, and again %d", len(full.Events), len(again.Events))
	}
	if _, err := r.Read(times(many...), full.Next, nil); err == nil {
		t.Error("one more is taken")
	}
}

func TestOverlapBehindAnotherOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config, body, want string
		lost               bool
	}{
		{"id id; order by_id overlap", `[{"id":12},{"id":7},{"id":11}]`, "11 12", false},
		{"id id; order by_id overlap", `[{"id":12},{"id":6},{"id":11}]`, "11 12", false}, // it reaches back beyond the cursor, whose item has gone
		{"id id; order by_id overlap", `[{"id":12},{"id":11}]`, "11 12", true},
		{"id id; order by_id overlap", `[{"id":7}]`, "", false},
		{"id id; order by_id overlap", `[]`, "", false},
		{"id id; order by_id", `[{"id":12},{"id":11}]`, "11 12", false},
		{"id id; order newest_first overlap", `[{"id":12},{"id":11},{"id":7}]`, "11 12", false},
		{"id id; order newest_first overlap", `[{"id":12},{"id":11}]`, "11 12", true},
		{"id id; order newest_first", `[{"id":12},{"id":11}]`, "11 12", false},
	} {
		p := mustRead(t, reader(t, c.config), ok(c.body), at("7"))
		if keys(p) != c.want || p.Lost != c.lost {
			t.Errorf("%s of %s: got %q, Lost %v", c.config, c.body, keys(p), p.Lost)
		}
	}
}

// Nothing tells such items apart but how many there are.
func TestEqualItemsOfOneTimeAreCounted(t *testing.T) {
	t.Parallel()
	for block, same := range map[string][]string{
		"items a; order overlap; cursor {sse.item.t}":        {`{"t":1,"m":"x"}`, `{"t":1,"m":"x"}`, `{"t":1,"m":"x"}`},
		"items a; id id; order overlap; cursor {sse.item.t}": {`{"t":1,"id":7,"m":"x"}`, `{"t":1,"id":7,"m":"y"}`, `{"t":1,"id":7,"m":"z"}`},
	} {
		r := reader(t, block)
		answer := func(n int) Response { return ok(`{"a":[` + strings.Join(same[:n], ",") + `]}`) }
		first := mustRead(t, r, answer(2), at())
		if len(first.Events) != 2 {
			t.Fatalf("%s: %+v", block, first)
		}
		for _, step := range []struct{ there, had, come int }{{2, 2, 0}, {2, 1, 1}, {3, 2, 1}, {3, 1, 2}, {1, 2, 0}} {
			p := mustRead(t, r, answer(step.there), first.Events[step.had-1].At)
			if len(p.Events) != step.come {
				t.Errorf("%s: of %d, after %d of them, %d come", block, step.there, step.had, len(p.Events))
			}
		}
	}
}
