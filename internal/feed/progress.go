package feed

import (
	"math/big"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// progress is how far a chain has come in the upstream's sequence, and what it can ask for there. The
// feed's lock guards it, and only the poller writes it.
type progress struct {
	config     *Config
	at         position.Position
	carry      *page.Carry // of the page behind at, where it left open what comes after at
	validators page.Validators
	lately     lately
	placed     bool      // a poll from this position, or one before it, has been answered
	good       time.Time // when the last answer that could be read was asked for
}

// forget goes back to the place of a newcomer.
func (p *progress) forget() { *p = progress{config: p.config, good: p.good} }

// taken takes an answer to a poll from the position.
func (p *progress) taken(answer page.Page) {
	switch {
	case p.config.Stream || p.config.Unsent || p.config.Forgetful || len(answer.Events) == 0:
	case p.config.counts(p.at) || p.config.counts(answer.Next): // a poll that asks again gets another message
		p.lately = lately{}
	default:
		p.lately.brought(p.at, answer.Events)
	}
	p.at = answer.Next.Clone()
	if answer.Validators != (page.Validators{}) || len(answer.Events) > 0 {
		p.validators = answer.Validators
	}
}

// conditional reports whether the upstream may hold a poll until the answer is another one.
func (p *progress) conditional() bool {
	return p.config.LongPoll && p.validators != page.Validators{}
}

// asksAnew reports whether a newcomer's poll for the document is another one than that of the chain, which
// the upstream may hold.
func (p *progress) asksAnew() bool { return !p.at.Cursor.IsZero() || p.conditional() }

// questions are what a chain asks that does not know whether the upstream has started over, one after
// another, until an answer tells.
func (p *progress) questions() (list []question) {
	config, known := p.config, p.lately.last != ""
	switch {
	case config.Stream: // its first record tells
	case config.Forgetful: // to ask is to acknowledge
	case config.Document:
		if p.asksAnew() {
			list = append(list, anew)
		}
	case p.at.IsZero(): // its next poll is a newcomer's anyway
	case config.Unsent: // so is each of its polls, except that it may be conditional
		if config.ByID || p.conditional() {
			list = append(list, anew)
		}
	case config.Messages: // an answer to any other question could be a message that no client gets
		if known {
			list = append(list, again)
		}
	default:
		if known {
			list = append(list, again)
		}
		if _, ok := p.beneath(); ok && config.ByID && (p.lately.last != p.at.ID() || p.lately.from.Cursor.IsZero()) {
			list = append(list, beneath)
		}
		if config.ByID || config.LongPoll && !known && !config.Opens {
			list = append(list, anew)
		}
	}
	return list
}

// words returns what a poll says to ask a question.
func (p *progress) words(q question) Ask {
	switch q {
	case again:
		return Ask{From: p.lately.from, First: p.lately.from.Cursor.IsZero()}
	case beneath:
		at, _ := p.beneath()
		return Ask{From: at}
	case anew:
		return Ask{First: true}
	}
	ask := Ask{From: p.at, Carry: p.carry, Validators: p.validators}
	if p.carry != nil {
		ask.From = p.carry.From
	}
	ask.First = ask.From.Cursor.IsZero()
	return ask
}

// tells says what the answer to a question tells. An upstream that only forgets what is old has never
// started over.
func (p *progress) tells(asked question, answer page.Page) verdict {
	if answer.Restarted || p.otherEpoch(answer) {
		return startedOver
	}
	if answer.Reset { // of an older position than the chain's
		return nothing
	}
	if found := p.lately.compare(answer.Events); found != nothing || !p.config.ByID {
		return found
	}
	to, known := number(answer.Next.Cursor)
	at, numbered := number(p.at.Cursor)
	switch {
	case !known || !numbered:
	case asked == anew && to.Cmp(at) < 0 && len(answer.Events) > 0:
		return startedOver // it has not come as far as the position
	case asked != anew && to.Cmp(at) >= 0 && (asked == beneath || !p.lately.from.Cursor.IsZero()):
		return goesOn // it has, as far as can be told
	}
	return nothing
}

// otherEpoch reports whether an answer is of another incarnation of the upstream.
func (p *progress) otherEpoch(answer page.Page) bool {
	return answer.Next.Epoch != "" && p.at.Epoch != "" && answer.Next.Epoch != p.at.Epoch
}

// beneath returns the position by whose poll the upstream answers with what stands at the chain's, if
// that is a number.
func (p *progress) beneath() (position.Position, bool) {
	n, ok := number(p.at.Cursor)
	if len(p.at.Cursor) != 1 || !ok {
		return position.Position{}, false
	}
	return position.Position{Epoch: p.at.Epoch, Cursor: position.Cursor{n.Sub(n, big.NewInt(1)).String()}}, true
}

// number returns the number that a cursor is, if it is one.
func number(c position.Cursor) (*big.Int, bool) {
	if len(c) == 0 {
		return nil, false
	}
	return new(big.Int).SetString(c[0], 10)
}

// compared is how many events are known again. One of them may have been edited meanwhile.
const compared = 3

// lately is what a chain has brought last.
type lately struct {
	from   position.Position // before these events
	hashes map[string]string // of what they say, by their ids
	last   string            // the newest id
}

// brought keeps what may be asked for again, of an answer that has events.
func (l *lately) brought(from position.Position, events []page.Event) {
	n := max(len(events)-compared, 0)
	if n == 0 && from.Cursor.IsZero() && len(events) > 1 && !events[0].At.Cursor.IsZero() {
		n = 1 // newcomers may get only the newest
	}
	if n > 0 {
		from, events = events[n-1].At, events[n:]
	}
	*l = lately{from: from.Clone(), hashes: make(map[string]string, len(events))}
	for _, e := range events {
		l.last = e.At.ID()
		l.hashes[l.last] = position.Hash(e.Type, e.Data)
	}
}

// verdict is what an answer tells of the upstream.
type verdict int

const (
	nothing verdict = iota
	goesOn
	startedOver
)

// compare says what it tells that events have come again. One that is the same outweighs others that have
// changed.
func (l *lately) compare(events []page.Event) verdict {
	found := nothing
	for _, e := range events {
		switch hash, known := l.hashes[e.At.ID()]; {
		case known && hash == position.Hash(e.Type, e.Data):
			return goesOn
		case known:
			found = startedOver
		}
	}
	return found
}
