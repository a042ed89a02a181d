package feed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// The rule of meeting, held to every interleaving: two chains of one feed poll an upstream of up to
// five items. Sending a poll, its answer and the answer's arrival are three steps, between which
// items are published and a client comes with a position of any other node. Whenever the rule says
// that one chain stands at a place in the log of the other, both must have sent the same events.

// maxPublished is how many items, or pages, an upstream of the walk has at most.
const maxPublished = 5

// read is an answer as a chain takes it.
type read struct {
	page   page.Page
	ids    []string // of the positions after its events
	keys   []string // of these
	places []int
	next   string
	place  int // after the answer to a newcomer
	held   bool
}

// walk goes through the interleavings in one world.
type walk struct {
	world  world
	reader *page.Reader
	took   func(s *standing, p page.Page, by asked)
	came   func(now time.Time) standing
	reads  map[string]*read
	cards  map[int][]card
	trace  []string
	count  int // interleavings
	met    int // of them, those that end with a meeting
	fault  string
}

// card is a position that a client may come with.
type card struct {
	id    string
	at    position.Position
	place int
	made  bool // up: the upstream has not come to it yet, and nothing is promised to the client
}

func newWalk(w world) *walk {
	items, err := value.ParsePath("items")
	if err != nil {
		panic(err)
	}
	w.config.Format, w.config.Items = page.JSON, items
	return &walk{
		world: w, reader: page.NewReader(w.config), took: (*standing).took, came: brought,
		reads: map[string]*read{}, cards: map[int][]card{},
	}
}

// placeOf returns the item that an event is made of. Where they are all the same, its position says it.
func (w *walk) placeOf(e page.Event, start int) int {
	var it item
	if err := json.Unmarshal(e.Data, &it); err != nil {
		panic(err)
	}
	if it.N != sameItem {
		return it.N
	}
	if e.At.Cursor.IsZero() {
		return start + e.At.Done
	}
	n, err := strconv.Atoi(e.At.Cursor[0])
	if err != nil {
		panic(err)
	}
	return n + e.At.Done
}

func (w *walk) floor(n int) int {
	for w.world.event != nil && n > 0 && !w.world.event(n) {
		n--
	}
	return n
}

// ask returns the answer to a poll from a position.
func (w *walk) ask(published int, at position.Position, id, serial string) *read {
	name := strconv.Itoa(published) + " " + serial + " " + id
	if r := w.reads[name]; r != nil {
		return r
	}
	first, from := at.Cursor.IsZero(), 0
	if !first {
		text := at.Cursor[0]
		from, _ = strconv.Atoi(text[strings.LastIndexByte(text, '-')+1:])
	}
	answer := w.world.answer(published, from, first, serial)
	body := map[string]any{"items": append([]item{}, answer.items...), "more": answer.more}
	if answer.next != "" {
		body["next"] = answer.next
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	p, err := w.reader.Read(page.Response{Status: http.StatusOK, Header: http.Header{}, Body: text}, at, nil)
	if err != nil {
		panic(fmt.Sprintf("%s: from %q: %v", w.world.name, id, err))
	}
	// where a newcomer stands whom the answer gives nothing
	r := &read{page: p, next: p.Next.ID(), place: w.floor(answer.from + len(answer.items)), held: answer.held}
	for _, e := range p.Events {
		r.ids, r.places = append(r.ids, e.At.ID()), append(r.places, w.placeOf(e, answer.from))
		r.keys = append(r.keys, keyOf(e, w.reader.Tokens()))
	}
	w.reads[name] = r
	return r
}

// brought returns the positions that another node can have sent when so many items were published.
func (w *walk) brought(published int) []card {
	if cards, ok := w.cards[published]; ok {
		return cards
	}
	var cards []card
	seen := map[string]bool{"": true}
	add := func(id string, place int) {
		if seen[id] || strings.HasPrefix(id, "~") { // a start cursor, from which another newcomer's poll goes on
			return
		}
		seen[id] = true
		at, err := position.Parse(id, 1)
		if err != nil {
			panic(err)
		}
		cards = append(cards, card{id: id, at: at, place: place})
	}
	follow := func(at position.Position, id string, place int) {
		for n := range published + 1 {
			r := w.ask(n, at, id, "other")
			for i, id := range r.ids {
				add(id, r.places[i])
			}
			switch count := len(r.ids); {
			case count > 0:
				add(r.next, r.places[count-1])
			case id == "":
				add(r.next, r.place)
			default:
				add(r.next, place)
			}
		}
	}
	follow(position.Position{}, "", 0)
	for done := 0; done < len(cards); done++ { //nolint:intrange // following one adds others
		follow(cards[done].at, cards[done].id, cards[done].place)
	}
	if last := len(cards) - 1; last >= 0 && w.reader.Tokens() {
		// one that no node has sent, and that the upstream has not come to yet
		text := cards[last].at.Cursor[0]
		id := text[:strings.LastIndexByte(text, '-')+1] + strconv.Itoa(published+1)
		add(id, w.floor(published+1))
		cards[len(cards)-1].made = true
	}
	w.cards[published] = cards
	return cards
}

// side is one of the two chains.
type side struct {
	begun    bool
	made     bool // nothing is promised to its clients
	at       position.Position
	id       string
	place    int
	standing standing
	entries  []entry // its log
	polls    int
	phase    int // 0: no poll, 1: sent, 2: answered
	sent     time.Time
	answer   *read
}

type entry struct {
	id    string
	place int
}

// find and end make a side's log a book.
func (s *side) find(id string) (place int, ok bool) {
	times := 0
	for _, e := range s.entries {
		if id != "" && e.id == id {
			times++
			place = e.place
		}
	}
	return place, times == 1
}

func (s *side) end() int { return s.place }

func (s *side) note(id string, place int) {
	s.entries = append(slices.Clip(s.entries), entry{id, place})
}

// state is where an interleaving stands. The older chain is the first.
type state struct {
	sides     [2]side
	published int
	now       time.Time
}

// from walks all interleavings of so many steps from a state.
func (w *walk) from(s state, steps int) {
	if w.fault != "" {
		return
	}
	if steps == 0 {
		w.count++
		return
	}
	s.now = s.now.Add(time.Millisecond)
	step := func(name string, next state) {
		w.trace = append(w.trace, name)
		w.from(next, steps-1)
		w.trace = w.trace[:len(w.trace)-1]
	}
	if s.published < maxPublished {
		next := s
		next.published++
		step("publish", next)
	}
	for i := range s.sides {
		name := string(rune('a' + i))
		next := s
		c := &next.sides[i]
		switch {
		case !c.begun && i > 0 && !s.sides[i-1].begun:
		case !c.begun:
			c.begun = true
			step(name+" begins for a newcomer", next)
			for _, card := range w.brought(s.published) {
				next := s
				next.sides[i] = side{begun: true, made: card.made, at: card.at, id: card.id, place: card.place, standing: w.came(s.now)}
				next.sides[i].note(card.id, card.place)
				step(name+" begins at "+card.id, next)
			}
		case c.phase == 0:
			c.phase, c.sent = 1, s.now
			c.polls++
			step(name+" polls", next)
			// all three at once, which takes longer stories than three steps would
			c.phase, c.answer = 2, w.ask(s.published, c.at, c.id, name+strconv.Itoa(c.polls))
			if c.answer.held {
				if !w.waits(s, 1-i) {
					continue
				}
				next.now = next.now.Add(2 * waited)
			}
			if next.now = next.now.Add(time.Millisecond); w.take(c, next.now) && !w.look(&next) {
				step(name+" polls and has the answer", next)
			}
		case c.phase == 1:
			c.phase = 2
			c.answer = w.ask(s.published, c.at, c.id, name+strconv.Itoa(c.polls))
			if c.answer.held {
				if !w.waits(s, 1-i) {
					continue
				}
				next.now = next.now.Add(2 * waited)
			}
			step(name+" is answered", next)
		default:
			if !w.take(c, s.now) || w.look(&next) {
				continue
			}
			step(name+" takes the answer", next)
		}
	}
}

// waits reports whether so much time can pass for a chain that its other one's poll is held.
func (w *walk) waits(s state, i int) bool {
	switch c := s.sides[i]; c.phase {
	case 1:
		return w.ask(s.published, c.at, c.id, string(rune('a'+i))+strconv.Itoa(c.polls)).held
	case 2:
		return c.answer.held
	}
	return true
}

// take has a chain take its answer, as [chain.takeEvents] does.
func (w *walk) take(c *side, now time.Time) bool {
	r := c.answer
	first := c.at.Cursor.IsZero()
	w.took(&c.standing, r.page, asked{from: c.at, longPoll: w.world.longPoll, keys: w.reader.Tokens(), sent: c.sent, answered: now})
	for i, id := range r.ids {
		if want := w.next(c.place); !first && !r.page.Lost && r.places[i] != want {
			w.blame("an answer goes on with %d after %d", r.places[i], c.place)
			return false
		}
		first = false
		c.place, c.made = r.places[i], false
		c.note(r.keys[i], c.place)
		c.note(id, c.place)
	}
	if len(r.ids) == 0 && c.at.Cursor.IsZero() {
		c.place = r.place
	}
	c.at, c.id, c.phase, c.answer = r.page.Next, r.next, 0, nil
	if c.id != "" && (len(c.entries) == 0 || c.entries[len(c.entries)-1].id != c.id) {
		c.note(c.id, c.place)
	}
	return true
}

func (w *walk) next(place int) int {
	for place++; w.world.event != nil && !w.world.event(place); place++ {
	}
	return place
}

// look asks the rule for both chains, the younger one first, as [Feed.meet] does. It reports whether
// one has gone over.
func (w *walk) look(s *state) bool {
	tokens := w.reader.Tokens()
	for i := range s.sides {
		c, a := &s.sides[1-i], &s.sides[i]
		if !c.begun || !a.begun || c.at.Cursor.IsZero() || a.at.Cursor.IsZero() {
			continue
		}
		at, ok := meet(c.id, c.standing, a.standing, book[int](a), tokens, i == 0)
		if !ok {
			continue
		}
		if at != c.place && !c.made {
			w.blame("%c, whose clients have %d, goes on after %d", 'a'+1-i, c.place, at)
		}
		w.count++
		w.met++
		return true
	}
	return false
}

func (w *walk) blame(format string, args ...any) {
	if w.fault == "" {
		w.fault = fmt.Sprintf("%s: %s: %s", w.world.name, strings.Join(w.trace, ", "), fmt.Sprintf(format, args...))
	}
}

// walkAll walks all interleavings of so many steps, from each number of items.
func (w *walk) walkAll(steps int) {
	for published := range 4 {
		w.trace = append(w.trace[:0], fmt.Sprintf("%d published", published))
		w.from(state{published: published, now: time.Unix(0, 0)}, steps)
	}
}

func TestChainsMeetOnlyWhereTheirClientsHaveTheSameInEveryInterleaving(t *testing.T) {
	total := 0
	for _, world := range worlds() {
		w := newWalk(world)
		began := time.Now()
		w.walkAll(soak(7, 9))
		if w.fault != "" {
			t.Error(w.fault)
		}
		if w.met == 0 {
			t.Errorf("%s: no two chains ever meet", world.name)
		}
		total += w.count
		t.Logf("%s: %d interleavings, %d meetings, %v", world.name, w.count, w.met, time.Since(began).Round(time.Millisecond))
	}
	t.Logf("%d interleavings", total)
	if total < 1_000_000 {
		t.Errorf("only %d interleavings", total)
	}
}

// Rules that prove less. The walk must find for each of them where it is wrong, or it would prove nothing itself.
func TestTheWalkFindsWhatIsWrongWithRulesThatProveLess(t *testing.T) {
	for name, test := range map[string]struct {
		took func(*standing, page.Page, asked)
		came func(time.Time) standing
	}{
		"an answer without events shows the end": {
			took: func(s *standing, p page.Page, poll asked) {
				p.Empty = len(p.Events) == 0
				p.Complete = p.Empty
				s.took(p, poll)
			},
		},
		"an answer without items shows the end, wherever its cursor is": {
			took: func(s *standing, p page.Page, poll asked) {
				p.Complete = p.Empty
				s.took(p, poll)
			},
		},
		"what a client brings is no newer than what was asked for": {
			came: func(time.Time) standing { return standing{word: true} },
		},
		"what a client names is a place of the upstream's": {
			came: func(now time.Time) standing { return standing{came: now} },
		},
		"a newcomer's position is no newer than what was asked for": {
			took: func(s *standing, p page.Page, poll asked) {
				before := s.came
				if s.took(p, poll); poll.from.Cursor.IsZero() && len(p.Events) == 0 {
					s.came = before
				}
			},
		},
		"what comes counts from when it was asked for": {
			took: func(s *standing, p page.Page, poll asked) {
				before := s.came
				if s.took(p, poll); s.came.After(before) {
					s.came = poll.sent
				}
			},
		},
		"an end counts from when it was told": {
			took: func(s *standing, p page.Page, poll asked) {
				before := s.end
				if s.took(p, poll); s.end.After(before) {
					s.end = poll.answered
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, world := range worlds() {
				w := newWalk(world)
				if test.took != nil {
					w.took = test.took
				}
				if test.came != nil {
					w.came = test.came
				}
				if w.walkAll(8); w.fault != "" {
					t.Log(w.fault)
					return
				}
			}
			t.Error("nothing is found")
		})
	}
}
