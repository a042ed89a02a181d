package feed

import (
	"math/big"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// After an outage the upstream may have started over: its next ids may be those that its clients
// have already. So a chain that has a position checks, before it takes anything: it asks for what it
// knows, in questions that an upstream has no reason to hold, until an answer tells.

// question is what one poll asks the upstream.
type question int

const (
	onward  question = iota // what comes after the position
	again                   // what came last, once more
	beneath                 // what stands at the position, which is a number: from the one beneath it
	anew                    // what a newcomer gets
)

// compared is how many events are known again. One of them may have been edited meanwhile.
const compared = 3

// lately is what a chain has brought last.
type lately struct {
	from   position.Position // before these events
	hashes map[string]string // of what they say, by their ids
	last   string            // the newest id
}

// remember keeps what may be asked for again.
func (c *chain) remember(from position.Position, events []page.Event) {
	if len(events) == 0 || c.feed.config.Unsent || c.feed.config.Forgetful {
		return
	}
	n := max(len(events)-compared, 0)
	if n == 0 && from.Cursor.IsZero() && len(events) > 1 && !events[0].At.Cursor.IsZero() {
		n = 1 // newcomers may get the newest alone
	}
	if n > 0 {
		from, events = events[n-1].At, events[n:]
	}
	c.lately = lately{from: from.Clone(), hashes: make(map[string]string, len(events))}
	for _, e := range events {
		c.lately.last = e.At.ID()
		c.lately.hashes[c.lately.last] = position.Hash(e.Type, e.Data)
	}
}

// questions are what a chain asks, one after another, until an answer tells.
func (c *chain) questions() (list []question) {
	config := c.feed.config
	known := c.lately.last != ""
	switch {
	case config.Forgetful: // to ask is to acknowledge
	case config.Document:
		if c.asksAnew() {
			list = append(list, anew)
		}
	case c.at.IsZero(): // its next poll is a newcomer's anyway
	case config.Unsent: // so is each of its polls, but that it may be conditional
		if config.ByID || c.conditional() {
			list = append(list, anew)
		}
	default:
		if known {
			list = append(list, again)
		}
		if _, ok := c.beneath(); ok && config.ByID && (c.lately.last != c.at.ID() || c.lately.from.Cursor.IsZero()) {
			list = append(list, beneath)
		}
		if config.ByID || config.LongPoll && !known && !config.Opens {
			list = append(list, anew)
		}
	}
	return list
}

// conditional reports whether the upstream may hold a poll until the answer is another one.
func (c *chain) conditional() bool {
	return c.feed.config.LongPoll && c.validators != page.Validators{}
}

// owe is told that the upstream was away: the chain has to check. The feed's lock is held.
func (c *chain) owe() {
	if c.step = 0; len(c.questions()) > 0 {
		c.doubt = c.doubt&^unsure | owed
		c.late = c.pace.polling // what is under way was sent before
	}
}

// asks returns what the next poll asks. The feed's lock is held.
func (c *chain) asks() question {
	switch {
	case c.doubt&asking != 0:
		return anew
	case c.doubt&certain != 0:
		return c.blame.asked
	case c.doubt&owed != 0:
		if list := c.questions(); c.step < len(list) {
			return list[c.step]
		}
		c.doubt &^= owed
	case c.awaited() && c.document != "" && c.asksAnew(): // they need not wait for news
		return anew
	}
	return onward
}

// words returns what a poll says to ask a question.
func (c *chain) words(q question) Ask {
	switch q {
	case again:
		return Ask{From: c.lately.from, First: c.lately.from.Cursor.IsZero()}
	case beneath:
		at, _ := c.beneath()
		return Ask{From: at}
	case anew:
		c.session.Opened = nil // what it got may have moved on
		return Ask{First: true}
	}
	ask := Ask{From: c.at, Carry: c.carry, Validators: c.validators}
	if c.carry != nil {
		ask.From = c.carry.From
	}
	ask.First = ask.From.Cursor.IsZero()
	return ask
}

// learn takes the answer to a question. The feed's lock is held.
func (c *chain) learn(p page.Page, now time.Time) {
	switch c.tells(p) {
	case startedOver:
		c.startOver(now, restarted)
	case goesOn:
		c.checked()
	default:
		c.drop()
	}
	c.passed = c.doubt&owed == 0
	c.goOn(now, p)
}

// drop goes on from a question that has told nothing to the next one, and after the last one from the
// position.
func (c *chain) drop() {
	if c.step++; c.step < len(c.questions()) && !c.late {
		return
	}
	looked := c.doubt&unsure != 0 || c.lately.last == ""
	if c.feed.config.Document {
		looked = !c.feed.circuit.open // else nothing has been answered, with the cursor or without
	}
	if c.checked(); c.doubt&owed == 0 && !looked {
		c.doubt |= unsure
	}
}

// checked goes on from the position, unless the upstream was away again since it was asked.
func (c *chain) checked() {
	if c.late {
		c.step = 0
		return
	}
	c.doubt &^= owed | unsure
}

// goOn has another poll follow an answer that brings clients nothing.
func (c *chain) goOn(now time.Time, p page.Page) {
	c.pace.soon(now)
	c.pace.hint(now, p.Wait)
}

// verdict is what an answer tells.
type verdict int

const (
	nothing verdict = iota
	goesOn
	startedOver
)

// tells says what an answer to the last question tells. An upstream that only forgets what is old
// has never started over.
func (c *chain) tells(p page.Page) verdict {
	if p.Restarted || otherEpoch(p.Next, c.at) {
		return startedOver
	}
	if p.Reset { // of an older position than the chain's
		return nothing
	}
	found := nothing
	for _, e := range p.Events {
		switch hash, known := c.lately.hashes[e.At.ID()]; {
		case known && hash == position.Hash(e.Type, e.Data):
			return goesOn
		case known:
			found = startedOver
		}
	}
	if found != nothing || !c.feed.config.ByID {
		return found
	}
	switch order, ok := compareNumbers(p.Next.Cursor, c.at.Cursor); {
	case ok && c.asked == anew && order < 0 && len(p.Events) > 0:
		return startedOver // it has not come as far as the position
	case ok && c.asked != anew && order >= 0 && (c.asked == beneath || !c.lately.from.Cursor.IsZero()):
		return goesOn // it has, as far as can be told
	}
	return nothing
}

// checkedDocument takes a document that was asked for without its cursor. It reports whether the
// upstream has started over.
func (c *chain) checkedDocument(p page.Page, now time.Time) bool {
	if otherEpoch(p.Next, c.at) {
		c.startOverAgain(now, restarted, p.Wait)
		return true
	}
	if c.doubt != none {
		c.passed = true
	}
	if c.doubt &^= asking; !c.late {
		c.doubt &^= owed
	}
	return false
}

// otherEpoch reports whether two positions are of different incarnations of the upstream.
func otherEpoch(a, b position.Position) bool {
	return a.Epoch != "" && b.Epoch != "" && a.Epoch != b.Epoch
}

// beneath returns the position by whose poll the upstream answers with what stands at the chain's, if
// that is a number.
func (c *chain) beneath() (position.Position, bool) {
	if len(c.at.Cursor) != 1 {
		return position.Position{}, false
	}
	n, ok := new(big.Int).SetString(c.at.Cursor[0], 10)
	if !ok {
		return position.Position{}, false
	}
	return position.Position{Epoch: c.at.Epoch, Cursor: position.Cursor{n.Sub(n, big.NewInt(1)).String()}}, true
}

// compareNumbers compares two cursors that are numbers.
func compareNumbers(a, b position.Cursor) (order int, ok bool) {
	if len(a) == 0 || len(b) == 0 {
		return 0, false
	}
	x, okX := new(big.Int).SetString(a[0], 10)
	y, okY := new(big.Int).SetString(b[0], 10)
	if !okX || !okY {
		return 0, false
	}
	return x.Cmp(y), true
}
