package feed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// unmended are the kinds of upstreams, and of troubles, in which clients do not get what they should. They
// are not tried.
var unmended = []string{}

// kind is a sort of upstream.
type kind struct {
	name   string
	config page.Config // how it is read, but for the items and their data

	polled   bool // it holds no polls
	held     bool // it holds polls in all plans, for an hour
	edits    bool // items are deleted, and others put in between
	repeats  bool // after which some may come twice
	restarts bool // it goes away, and has other items when it is back
	replay   int  // what logs hold at least: who falls out of one is told of a gap, and misses something
	tells    bool // its positions say what run of it they are of

	item   func(p *publication) // what an item is, beside its number
	cursor func(b *modelUpstream, n int) string
	answer func(b *modelUpstream, from int, first bool) says
	apart  func(p plan) bool                                         // chains may stay where nothing proves that they have met; nil: none may
	resets func(b *modelUpstream, r reset, last []*publication) bool // a client that has seen last must be told that it starts over

	stream bool // its answers go on
	oldest bool // and begin with the oldest item, where no cursor says otherwise

	shuffles bool // its sets are listed in another order each time
	document bool
	diff     func(before, after []byte) ([]byte, bool, error)
	reply    func(b *modelUpstream, ask Ask) (resp page.Response, news bool) // in the place of answer
}

// says is what an upstream has to say to a poll.
type says struct {
	items  []*publication
	next   int  // the number of the item that the cursor stands behind
	news   bool // a long poll is answered at once
	more   bool // there is more to be had
	gone   bool // it says that the position is too old
	status int  // 0: 200
}

func path(s string) value.Value {
	v, err := value.Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

func condition(s string) []value.Condition {
	c, err := value.ParseCondition([]string{s})
	if err != nil {
		panic(err)
	}
	return []value.Condition{c}
}

// answer is what the upstream answers to a poll now, and whether a long poll would be answered. b.mu is
// held.
func (b *modelUpstream) answer(ask Ask) (resp page.Response, news bool) {
	if b.kind.reply != nil {
		return b.kind.reply(b, ask)
	}
	from, first := 0, ask.From.Cursor.IsZero()
	if !first {
		text := ask.From.Cursor[0]
		n, err := strconv.Atoi(text[strings.LastIndexAny(text, "-c")+1:])
		if err != nil {
			return page.Response{Status: 400}, true
		}
		from = n
	}
	s := b.kind.answer(b, from, first)
	if s.status != 0 {
		return page.Response{Status: s.status}, true
	}
	type item struct {
		ID   string `json:"id,omitempty"`
		Text string `json:"text"`
		Skip bool   `json:"skip,omitempty"`
		Time int    `json:"time,omitempty"`
	}
	items := []item{}
	for _, p := range s.items {
		items = append(items, item{p.id, p.text, p.skip, p.time})
	}
	answer := map[string]any{"items": items, "more": s.more, "gone": s.gone, "run": len(b.runs)}
	if b.kind.cursor != nil {
		b.serial++
		answer["cursor"] = b.kind.cursor(b, s.next)
		s.news = s.news || first || s.next != from
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return page.Response{Status: http.StatusOK, Body: body}, s.news || s.gone || len(items) > 0
}

// after returns the items behind a number that are still there, so many at most.
func (b *modelUpstream) after(n, most int) (items []*publication) {
	for _, p := range b.current() {
		if p.n > n && !p.gone && len(items) < most {
			items = append(items, p)
		}
	}
	return items
}

// start is where newcomers begin, who get so many items.
func (b *modelUpstream) start(tail int) int {
	all := b.current()
	if at := len(all) - tail; at > 0 {
		return all[at-1].n
	}
	return 0
}

// since answers with what comes after a cursor; newcomers get the last items.
func since(b *modelUpstream, from int, first bool) says {
	if first {
		from = b.start(max(b.plan.Tail, 2)) // without an item there is no cursor
	}
	return b.page(from, b.plan.Limit)
}

// page answers with so many items.
func (b *modelUpstream) page(from, most int) says {
	s := says{items: b.after(from, most), next: from}
	if n := len(s.items); n > 0 {
		s.next = s.items[n-1].n
	}
	s.more = len(b.after(s.next, 1)) > 0
	return s
}

// paged is since for cursors, which newcomers get without an item.
func paged(b *modelUpstream, from int, first bool) says {
	if first {
		from = b.start(b.plan.Tail)
	}
	return b.page(from, b.plan.Limit)
}

// moving is paged with pages of another length each time.
func moving(b *modelUpstream, from int, first bool) says {
	if first {
		from = b.start(b.plan.Tail)
	}
	return b.page(from, 1+b.random(2*min(b.plan.Limit, 10), "length", b.serial))
}

// fromTheStart is moving for newcomers who get all that there is, a page at a time.
func fromTheStart(b *modelUpstream, from int, _ bool) says {
	return b.page(from, 1+b.random(2*min(b.plan.Limit, 10), "length", b.serial))
}

// newest answers with the last items, whatever the poll says.
func newest(n int) func(b *modelUpstream, from int, first bool) says {
	return func(b *modelUpstream, from int, _ bool) says {
		items := b.after(b.start(n), n)
		return says{items: items, news: len(b.after(from, 1)) > 0}
	}
}

// reversed has the newest item stand first.
func reversed(answer func(b *modelUpstream, from int, first bool) says) func(b *modelUpstream, from int, first bool) says {
	return func(b *modelUpstream, from int, first bool) says {
		s := answer(b, from, first)
		slices.Reverse(s.items)
		return s
	}
}

// shuffled has the items stand anyhow.
func shuffled(answer func(b *modelUpstream, from int, first bool) says) func(b *modelUpstream, from int, first bool) says {
	return func(b *modelUpstream, from int, first bool) says {
		s := answer(b, from, first)
		slices.SortFunc(s.items, func(p, q *publication) int { return b.random(1000, p.n) - b.random(1000, q.n) })
		return s
	}
}

// hollow leaves out the items that make no event, so that some pages are empty.
func hollow(b *modelUpstream, from int, first bool) says {
	if first {
		from = b.start(b.plan.Tail)
	}
	s := b.page(from, min(max(b.plan.Limit, 4), 10))
	s.items = slices.DeleteFunc(s.items, func(p *publication) bool { return p.skip })
	return s
}

// timed gives three items in a row one time.
func timed(p *publication) { p.time = p.n/stride/3 + 1 }

// fromTime answers with all items from a time on, those of this time among them.
func fromTime(b *modelUpstream, from int, first bool) says {
	if first {
		from = b.start(max(b.plan.Tail, 2))/stride/3 + 1
	}
	return says{items: b.after((from-1)*3*stride-1, len(b.current()))}
}

func plainCursor(_ *modelUpstream, n int) string { return fmt.Sprintf("c%d", n) }

func token(b *modelUpstream, n int) string { return fmt.Sprintf("t%d-%d", b.serial, n) }

// sparseItems are two events, and then a dozen items that make none.
func sparseItems(p *publication) { p.skip = p.n/stride%14 > 1 }

// someItems are two events, and then three items that make none.
func someItems(p *publication) { p.skip = p.n/stride%5 > 1 }

// equalLines are two lines of their own, and eight that are equal.
func equalLines(p *publication) {
	if k := p.n / stride % 10; k > 1 {
		p.text = "-"
	}
}

// forgetful is since for an upstream that keeps the last twenty items.
func forgetful(refuse func(*says)) func(b *modelUpstream, from int, first bool) says {
	return func(b *modelUpstream, from int, first bool) says {
		if first {
			from = b.start(min(max(b.plan.Tail, 2), 20))
		}
		s := b.page(from, b.plan.Limit)
		if !first && from < b.start(20) || from > b.start(0) {
			refuse(&s)
		}
		return s
	}
}

// unknown reports whether a client's place is one that such an upstream does not know any more.
func unknown(b *modelUpstream, last []*publication) bool {
	return slices.ContainsFunc(last, func(p *publication) bool { return p.n < b.start(20) })
}

// outOf reports whether a client's item is not among the newest any more.
func outOf(n int) func(b *modelUpstream, r reset, last []*publication) bool {
	return func(b *modelUpstream, r reset, last []*publication) bool {
		return r == gap && slices.ContainsFunc(last, func(p *publication) bool { return p.gone || p.n <= b.start(n) })
	}
}

// sequences are the kinds of upstreams that have items.
func sequences() []kind {
	id, cursor := path("id"), []page.Cursor{{Values: []value.Value{path("cursor")}}}
	ids, pages, named := page.Config{ID: id}, page.Config{Cursors: cursor}, page.Config{ID: id, Cursors: cursor}
	byID := page.Config{ID: id, Order: page.ByID}
	more := page.Config{Cursors: cursor, More: condition("more")}
	unproved := func(p plan) bool { return !p.LongPoll }

	return []kind{
		{name: "unique ids", config: ids, answer: since},
		{name: "unique ids, with more", config: page.Config{ID: id, More: condition("more")}, answer: since},
		{name: "runs of equal ids", config: ids, answer: since, item: func(p *publication) {
			p.id = strconv.Itoa((p.n/stride + 1) / 2 * 2 * stride)
		}},
		{name: "every other id is missing", config: ids, answer: since, item: func(p *publication) {
			if p.n/stride%2 == 1 {
				p.id = ""
			}
		}},
		{name: "unique ids, some ignored", config: page.Config{ID: id, Ignore: condition("skip")}, answer: since, item: someItems},
		{name: "items come and go behind ids", config: ids, answer: since, edits: true},

		{name: "newest first, without a cursor in the poll", polled: true, config: page.Config{ID: id, Order: page.NewestFirst, Unsent: true}, answer: reversed(newest(30)), resets: outOf(30)},
		{name: "newest first, after a cursor", config: page.Config{ID: id, Order: page.NewestFirst}, answer: reversed(since)},
		{name: "newest first, with ids that come again", polled: true, config: page.Config{ID: id, Order: page.NewestFirst, Unsent: true}, answer: reversed(newest(10_000)), item: func(p *publication) {
			if k := p.n / stride; k%5 == 0 {
				p.id = strconv.Itoa(p.n - stride)
			}
		}},
		{name: "the newest six, without a cursor in the poll", polled: true, config: page.Config{ID: id, Order: page.Overlap, Unsent: true}, answer: newest(6), resets: outOf(6)},
		{name: "items come and go among the newest twelve", polled: true, edits: true, config: page.Config{ID: id, Order: page.Overlap, Unsent: true}, answer: newest(12), resets: outOf(12)},

		{name: "times that several items have", polled: true, config: page.Config{ID: id, Order: page.Overlap, Cursors: []page.Cursor{{Values: []value.Value{path("{sse.item.time}")}}}}, answer: fromTime, item: timed},

		{name: "all items, without a position", polled: true, config: page.Config{}, answer: newest(10_000)},
		{name: "the newest twelve, without a position", polled: true, config: page.Config{}, answer: newest(12), resets: outOf(12)},

		{name: "page cursors", config: pages, cursor: plainCursor, answer: paged},
		{name: "page cursors, with more", config: more, cursor: plainCursor, answer: paged},
		{name: "page cursors, and items with ids", config: named, cursor: plainCursor, answer: paged},
		{name: "pages that shrink and grow", config: pages, cursor: plainCursor, answer: moving},
		{name: "pages that shrink and grow, from the start", config: pages, cursor: plainCursor, answer: fromTheStart},
		{name: "pages that shrink and grow, of equal items, from the start", config: pages, cursor: plainCursor, answer: fromTheStart, item: equalLines},
		{name: "items come and go on pages", config: pages, cursor: plainCursor, answer: moving, edits: true, repeats: true},
		{name: "empty pages", config: pages, cursor: plainCursor, answer: hollow, item: sparseItems},
		{name: "empty pages, with more", config: more, cursor: plainCursor, answer: hollow, item: sparseItems},
		{name: "ignored items", config: page.Config{Cursors: cursor, Ignore: condition("skip")}, cursor: plainCursor, answer: moving, item: someItems},
		{name: "ignored items, with more", config: page.Config{Cursors: cursor, Ignore: condition("skip"), More: condition("more")}, cursor: plainCursor, answer: moving, item: someItems},

		{name: "a token for each answer", config: pages, cursor: token, answer: paged, apart: unproved},
		{name: "a token for each answer, with more", config: more, cursor: token, answer: paged},
		{name: "a token for each answer, and items with ids", config: named, cursor: token, answer: paged},
		{name: "a token for each answer, and pages that shrink and grow", config: pages, cursor: token, answer: moving, apart: unproved},
		{name: "a token for each answer, and empty pages", config: pages, cursor: token, answer: hollow, item: sparseItems, apart: unproved},
		{name: "a token for each answer, and empty pages, with more", config: more, cursor: token, answer: hollow, item: sparseItems},
		{name: "a token for each answer, and ignored items, with more", config: page.Config{Cursors: cursor, Ignore: condition("skip"), More: condition("more")}, cursor: token, answer: moving, item: someItems},

		{name: "by id", config: byID, answer: shuffled(since)},
		{name: "by id, from the oldest", config: byID, answer: shuffled(func(b *modelUpstream, from int, _ bool) says { return b.page(from, b.plan.Limit) })},
		{name: "by id, and items come and go", config: byID, answer: shuffled(since), edits: true},
		{name: "ids that begin anew", config: byID, answer: since, restarts: true},
		{name: "ids that begin anew, from the oldest", config: byID, restarts: true, answer: shuffled(func(b *modelUpstream, from int, _ bool) says { return b.page(from, b.plan.Limit) })},
		{name: "epochs", config: page.Config{ID: id, Epoch: path("run")}, answer: since, restarts: true, tells: true},
		{name: "epochs, and page cursors", config: page.Config{Cursors: cursor, Epoch: path("run")}, cursor: plainCursor, answer: moving, restarts: true, tells: true},

		{
			name: "an upstream that says that it has forgotten", config: page.Config{ID: id, Reset: condition("gone")}, answer: forgetful(func(s *says) { s.gone = true }),
			resets: func(b *modelUpstream, r reset, last []*publication) bool { return r == ordered && unknown(b, last) },
		},
		{
			name: "an upstream that refuses what it has forgotten", config: ids, answer: forgetful(func(s *says) { s.status = 404 }),
			resets: func(b *modelUpstream, r reset, last []*publication) bool { return r == unknownID && unknown(b, last) },
		},
		{
			name: "an upstream to which what it has forgotten is gone", config: ids, answer: forgetful(func(s *says) { s.status = 410 }),
			resets: func(b *modelUpstream, r reset, last []*publication) bool { return r == unknownID && unknown(b, last) },
		},
	}
}
