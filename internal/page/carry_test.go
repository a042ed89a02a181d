package page

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// numbered is a page of numbers, with the cursor of the next one.
func numbered(next string, numbers string) Response {
	return ok(fmt.Sprintf(`{"a":[%s],"c":%q}`, strings.Join(strings.Fields(numbers), ","), next))
}

// within is the position behind so many numbers from 1, of the page that a cursor asks for.
func within(t testing.TB, r *Reader, cursor string, done int) position.Position {
	t.Helper()
	var numbers []string
	for n := range done + 1 {
		numbers = append(numbers, strconv.Itoa(n+1))
	}
	p := mustRead(t, r, numbered("n", strings.Join(numbers, " ")), at(cursor))
	return p.Events[done-1].At
}

func mustReadOn(t testing.TB, r *Reader, resp Response, from position.Position, carry *Carry) Page {
	t.Helper()
	p, err := r.ReadOn(resp, from, carry, nil)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return p
}

func TestAPlaceIsLookedForBeyondAPageThatHasBecomeShorter(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; cursor c; more m")
	for _, c := range []struct {
		name  string
		from  string // of which 7 numbers are done
		pages []Response
		want  string // what is sent after the last page
		lost  bool
	}{
		{"split", "1", []Response{numbered("2", "1 2 3"), numbered("3", "4 5 6"), numbered("4", "7 8 9")}, "8 9", false},
		{"split at the place", "1", []Response{numbered("2", "1 2 3"), numbered("3", "4 5 6 7"), numbered("4", "8 9")}, "8 9", false},
		{"split with empty pages", "1", []Response{numbered("2", ""), numbered("3", "1 2 3 4"), numbered("4", ""), numbered("5", "5 6 7 8")}, "8", false},
		{"trimmed", "1", []Response{numbered("2", "5 6 7"), numbered("3", "8 9")}, "8 9", false},
		{"trimmed and split", "1", []Response{numbered("2", "4 5"), numbered("3", "6 7 8")}, "8", false},
		{"trimmed behind the place", "1", []Response{numbered("2", "8 9 10"), numbered("3", "11 12 13 14")}, "8 9 10 11 12 13 14", false},
		{"another page, and nothing behind it", "1", []Response{numbered("2", "8 9 10"), numbered("2", "")}, "8 9 10", false},
		{"another page, and no content", "1", []Response{numbered("2", "8 9 10"), status(204, "")}, "8 9 10", false},
		{"another page, and not modified", "1", []Response{numbered("2", "8 9 10"), status(304, "")}, "8 9 10", false},
		{"another page, and one that does not move", "1", []Response{numbered("2", "8 9"), numbered("2", "10")}, "8 9 10", false},
		{"the last page", "1", []Response{numbered("1", "8 9 10")}, "8 9 10", false},
		{"an empty page, and another", "1", []Response{numbered("2", ""), numbered("3", "8 9 10 11 12 13 14")}, "8 9 10 11 12 13 14", false},
		{"the start", "", []Response{numbered("2", "1 2 3"), numbered("3", "4 5 6 7 8")}, "8", false},
		{"the start, and another page", "", []Response{numbered("2", "8 9 10"), numbered("2", "")}, "8 9 10", true},
		{"the start, and other pages", "", []Response{numbered("2", "8 9 10"), numbered("3", "11 12 13 14")}, "8 9 10 11 12 13 14", true},
		{"the start, which is empty", "", []Response{numbered("2", ""), status(204, "")}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from := within(t, r, c.from, 7)
			var carry *Carry
			var p Page
			known := map[string]string{} // the ids of the numbers, where each page is read by itself
			for i, resp := range c.pages {
				border := position.Position{Cursor: from.Cursor}
				if carry != nil {
					border = carry.From
				}
				for _, e := range mustRead(t, r, resp, border).Events {
					known[string(e.Data)] = e.At.ID()
				}
				p = mustReadOn(t, r, resp, from, carry)
				if i == len(c.pages)-1 {
					break
				}
				if len(p.Events) > 0 || p.Lost || !p.News {
					t.Fatalf("page %d sends %s, lost %t, news %t", i, ids(p), p.Lost, p.News)
				}
				if carry = p.Carry; carry == nil { // it is decided
					from = p.Next
					continue
				}
				equal(t, "where the readers stand", p.Next.ID(), from.ID())
				equal(t, "more", p.More, true)
			}
			if p.Carry != nil {
				t.Fatal("nothing is decided at the end")
			}
			equal(t, "data", datas(p), c.want)
			for _, e := range p.Events {
				equal(t, "the id of "+string(e.Data), e.At.ID(), known[string(e.Data)])
			}
			equal(t, "lost", p.Lost, c.lost)
			if len(p.Events) > 0 {
				equal(t, "next", p.Next.ID(), p.Events[len(p.Events)-1].At.ID())
			}
		})
	}
}

func TestWhatIsHeldBackIsSentWhereNoPageFollows(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; cursor c; end e; more m")
	from := within(t, r, "1", 7)
	p := mustReadOn(t, r, numbered("2", "8 9"), from, nil)
	held := p.Carry.Settle()
	if datas(held) != "8 9" || held.Next.ID() != "2" || !held.News || held.Lost {
		t.Errorf("settled without an answer: %+v", held)
	}
	equal(t, "where the next page is asked for", p.Carry.From.ID(), "2")

	_, err := r.ReadOn(status(503, ""), p.Carry.From, p.Carry, nil)
	if _, failed := errors.AsType[*Error](err); !failed {
		t.Errorf("an error: %v", err)
	}
	after := mustReadOn(t, r, numbered("3", "3 4 5 6 7 10"), p.Carry.From, p.Carry)
	equal(t, "once the upstream is well", datas(after), "10")
	again := mustReadOn(t, r, numbered("3", "10 11 12 13 14"), p.Carry.From, p.Carry)
	equal(t, "the same carried on again", datas(again), "8 9 10 11 12 13 14")
	equal(t, "and again", ids(mustReadOn(t, r, numbered("3", "10 11 12 13 14"), p.Carry.From, p.Carry)), ids(again))

	last := mustReadOn(t, r, ok(`{"a":[8,9],"c":"2","e":true}`), from, nil)
	equal(t, "at the end of all", datas(last), "8 9")
	equal(t, "end", last.End, true)
	notYet := mustReadOn(t, r, ok(`{"a":[8,9],"c":"2","e":true,"m":true}`), from, nil)
	equal(t, "where there is more before the end", notYet.Carry != nil && !notYet.End, true)
	if alone := mustRead(t, r, numbered("2", "8 9"), from); datas(alone) != "8 9" || alone.Carry != nil {
		t.Errorf("who carries nothing gets %q", datas(alone))
	}
}

func TestWhatIsHeldBackIsBounded(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; cursor c")
	for name, c := range map[string]struct {
		done int
		page func(n int) Response
	}{
		"a count that no page can have": {decode.MaxItems + 1, func(int) Response { return numbered("2", "1") }},
		"items":                         {decode.MaxItems, func(int) Response { return numbered("2", strings.Repeat("1 ", decode.MaxItems)) }},
		"bytes":                         {100, func(n int) Response { return numbered(strconv.Itoa(n), strconv.Itoa(n)+strings.Repeat(" 9", 1<<18)) }},
		"pages":                         {100, func(n int) Response { return numbered(strconv.Itoa(n), "") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := position.Position{Cursor: position.Cursor{"1"}, Done: c.done, Print: position.Print{1}}
			var carry *Carry
			for n := 2; ; n++ {
				if n > 200 {
					t.Fatal("it goes on and on")
				}
				p, err := r.ReadOn(c.page(n), from, carry, nil)
				if err != nil {
					return // too many items
				}
				if carry = p.Carry; carry == nil {
					return
				}
				from = carry.From
			}
		})
	}
}

// TestPagesThatAreCutAnewSendEachItemOnce plays an upstream whose pages get longer and shorter between the
// polls, and lose what is old, to a client that comes back after any event.
func TestPagesThatAreCutAnewSendEachItemOnce(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; cursor c")
	rapid.Check(t, func(rt *rapid.T) {
		total, oldest := 0, 0 // items that there were, and those of them that have gone
		answer := func(from position.Position) Response {
			start := 0
			if len(from.Cursor) > 0 && from.Cursor[0] != "" {
				start, _ = strconv.Atoi(from.Cursor[0])
			}
			if from.Cursor.IsZero() && total > 0 {
				start = 0
			}
			limit := rapid.IntRange(1, 6).Draw(rt, "limit")
			end := min(max(start, oldest)+limit, total)
			if rapid.Bool().Draw(rt, "by cursor") { // a page of that many numbers, whatever has gone
				end = min(start+limit, total)
			}
			var numbers []string
			for n := max(start, oldest); n < end; n++ {
				numbers = append(numbers, strconv.Itoa(n+1))
			}
			next := max(end, start)
			if end == total && rapid.Bool().Draw(rt, "open page") { // the last one is not closed yet
				next = start
			}
			return numbered(strconv.Itoa(next), strings.Join(numbers, " "))
		}
		from, seen := at("0"), 0
		total = rapid.IntRange(1, 12).Draw(rt, "total")
		var carry *Carry
		stays := false // the client is cut no more
		read := func() {
			asked := from
			if carry != nil {
				asked = carry.From
			}
			p, err := r.ReadOn(answer(asked), asked, carry, nil)
			if err != nil {
				rt.Fatal(err)
			}
			carry = p.Carry
			for i, e := range p.Events {
				n, _ := strconv.Atoi(string(e.Data))
				if i == 0 && from.Done > 0 && oldest > seen-min(from.Done, 3) { // some of what the fingerprint is of has gone
					seen = min(seen, n-1)
				}
				if n <= seen || n > max(seen, oldest)+1 {
					rt.Fatalf("got %d after %d, from %s (%d have gone)", n, seen, from.ID(), oldest)
				}
				seen = n
				if !stays && i < len(p.Events)-1 && rapid.IntRange(0, 3).Draw(rt, "cut") == 0 {
					p.Next = e.At
					break
				}
			}
			if from, err = position.Parse(p.Next.ID(), 1); err != nil {
				rt.Fatal(err)
			}
			if !stays && rapid.IntRange(0, 5).Draw(rt, "come back") == 0 {
				carry = nil
			}
		}
		for range rapid.IntRange(1, 20).Draw(rt, "polls") {
			read()
			total += rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(rt, "new")
			if rapid.IntRange(0, 4).Draw(rt, "trim") == 0 {
				oldest = rapid.IntRange(oldest, max(oldest, seen)).Draw(rt, "gone")
			}
		}
		stays = true
		for n := 0; max(seen, oldest) < total || carry != nil; n++ {
			if n > 100 {
				rt.Fatalf("%d of %d after 100 polls more", seen, total)
			}
			read()
		}
	})
}
