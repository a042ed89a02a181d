package feed

import "github.com/sse-bridge/caddy-sse-bridge/internal/page"

// question is what one poll asks the upstream.
type question uint8

const (
	onward  question = iota // what comes after the position
	again                   // what came last, once more
	beneath                 // what stands at the position, which is a number: from the one beneath it
	anew                    // what a newcomer gets
)

// checking is how a chain finds out whether the upstream has started over. After an outage it may have: its
// next ids may be those that its clients have already. So a chain that has a position checks before it takes
// anything: it asks for what it knows, in questions that an upstream has no reason to hold, until an answer
// tells. The feed's lock guards it.
type checking struct {
	suspicion

	step   int  // of the questions that are owed
	late   bool // the upstream was away again since the last poll was sent
	passed bool // the questions are answered, and no poll from the position has been yet
	wary   bool // such a poll has failed at once: only an answer to one says that the upstream is up
}

// ruling is what an answer is good for.
type ruling struct {
	spent bool  // the readers get nothing of it
	reset reset // the chain starts over, for this reason; empty: it goes on
	back  bool  // it takes the position back that it has been asked from
}

// owe is told that the upstream was away: the chain has to check. polling says that a poll is under way,
// which was sent before.
func (k *checking) owe(polling bool) {
	if k.step = 0; len(k.progress.questions()) > 0 {
		k.doubt = k.doubt&^unsure | owed
		k.late = polling
	}
}

// next returns what the next poll asks. shown says that readers wait for a newer document than the one that
// is known: they need not wait for news.
func (k *checking) next(shown bool) question {
	k.asked, k.late = k.choose(shown), false
	return k.asked
}

func (k *checking) choose(shown bool) question {
	switch {
	case k.is(asking):
		return anew
	case k.is(certain):
		return k.blame.asked
	case k.is(owed):
		if list := k.progress.questions(); k.step < len(list) {
			return list[k.step]
		}
		k.doubt &^= owed
	case shown && k.progress.asksAnew():
		return anew
	}
	return onward
}

// aside reports whether the last poll only asks a question, or asks for a document with a cursor that may be
// of before a restart.
func (k *checking) aside() bool {
	return k.asked != onward || k.progress.config.Document && k.is(unsure)
}

// answered takes note that the upstream has answered the last poll, or holds it, and reports whether that
// shows that it is up.
func (k *checking) answered() bool {
	if k.asked == onward {
		k.passed, k.wary = false, false
	}
	return !k.wary
}

// missed takes note that the last poll brought nothing to read; quick says that it failed at once, and not
// because the upstream has asked for a pause.
func (k *checking) missed(quick bool) {
	if k.asked == onward {
		k.misses++
		k.wary = k.wary || k.passed && quick
	}
}

// failed says what to do about a poll that brought nothing to read.
func (k *checking) failed(f failure, o outside) remedy {
	r := k.suspect(f, o)
	if r == skips {
		if k.asked == again {
			k.progress.lately, k.step = lately{}, -1 // it cannot be asked for, so it is no longer the first question
		}
		k.skip(o.open)
	}
	return r
}

// settle takes an answer that ends a doubt, or shows that the upstream has started over. open says that the
// circuit is.
func (k *checking) settle(p page.Page, open bool) ruling {
	config := k.progress.config
	confirming := k.is(certain) && k.asked == k.blame.asked
	if confirming {
		k.doubt &^= certain
	}
	if k.asked == onward {
		k.misses = 0
	}
	switch {
	case config.Document && k.asked == anew: // it is the same for everybody
		return k.document(p)
	case k.is(asking) && config.Forgetful && len(p.Events) > 0: // they do not come again, and others may have been before them
		return ruling{reset: unknownID}
	case k.is(asking):
		k.doubt, k.passed = k.doubt&^asking|certain, true
		return ruling{spent: true}
	case k.asked != onward:
		return k.learn(p, open)
	case p.Reset && (!k.progress.at.IsZero() || config.Loses):
		return ruling{spent: true, reset: ordered, back: true}
	case p.Restarted:
		return ruling{spent: true, reset: restarted, back: true}
	case config.counts(p.Next) && len(p.Events) > 0: // it does not come again, and there is nothing left to check
		k.doubt &^= owed | unsure
	case confirming && k.is(owed): // it was asked before its turn
		return ruling{spent: true}
	case k.is(unsure) && len(p.Events) > 0 && config.Document:
		k.doubt &^= unsure // it came with the cursor
	case k.is(unsure) && len(p.Events) > 0:
		k.owe(false)
		k.doubt |= unsure
		return ruling{spent: true}
	}
	switch {
	case config.ByID && !k.progress.placed && len(p.Events) == 0: // what is numbered from 1 again looks like what was sent long ago
		k.owe(false)
	case config.Document && config.LongPoll && p.Status == 0 && len(p.Events) == 0: // held to the end of its time, maybe for a cursor of before a restart
		k.owe(false)
	}
	return ruling{}
}

// learn takes the answer to a question.
func (k *checking) learn(p page.Page, open bool) ruling {
	switch k.progress.tells(k.asked, p) {
	case startedOver:
		return ruling{spent: true, reset: restarted}
	case goesOn:
		k.done()
	default:
		k.skip(open)
	}
	k.passed = !k.is(owed)
	return ruling{spent: true}
}

// document takes a document that was asked for without its cursor.
func (k *checking) document(p page.Page) ruling {
	if k.progress.otherEpoch(p) {
		return ruling{spent: true, reset: restarted, back: true}
	}
	if k.doubt != none {
		k.passed = true
	}
	if k.doubt &^= asking; !k.late {
		k.doubt &^= owed
	}
	return ruling{}
}

// skip goes on from a question that has told nothing to the next one, and after the last one from the
// position.
func (k *checking) skip(open bool) {
	if k.step++; k.step < len(k.progress.questions()) && !k.late {
		return
	}
	looked := k.is(unsure) || k.progress.lately.last == ""
	if k.progress.config.Document {
		looked = !open // else nothing has been answered, with the cursor or without
	}
	if k.done(); !k.is(owed) && !looked {
		k.doubt |= unsure
	}
}

// done goes on from the position, unless the upstream was away again since it was asked.
func (k *checking) done() {
	if k.late {
		k.step = 0
		return
	}
	k.doubt &^= owed | unsure
}

// trust drops all doubts, since another node has asked from the position, and has been answered.
func (k *checking) trust() { k.doubt, k.step, k.misses, k.wary = none, 0, 0, false }

// forget drops all doubts with the position.
func (k *checking) forget() { k.doubt, k.step, k.misses, k.passed, k.wary = none, 0, 0, false, false }
