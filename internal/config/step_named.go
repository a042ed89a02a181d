package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// StepKind is the subdirective that a step is described by.
type StepKind string

const (
	KindOpen StepKind = "open"
	KindWait StepKind = "wait"

	KindReply StepKind = "reply"
	KindAck   StepKind = "ack"

	KindBeat  StepKind = "beat"
	KindClose StepKind = "close"
)

// leastBeat is the least time between two requests of `beat`.
const leastBeat = time.Second

// answers reports whether a step is made because of an answer to a poll, and may send parts of it.
func (k StepKind) answers() bool { return k == KindReply || k == KindAck }

// NamedStep is one of the steps of a block.
type NamedStep struct {
	*Step

	Kind StepKind
	Name string // in messages: the kind, with a number if there are several
	path string // its place in the JSON, with dots
}

// in adds to err the step that contains the field.
func (s NamedStep) in(err error) error {
	field := (*fieldError)(nil)
	if !errors.As(err, &field) {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return &fieldError{s.path + "." + whenForMore(field.path), s.Name + " " + whenForMore(field.name), field.err}
}

// checkKind checks the fields that belong to some kinds of steps only.
func (s NamedStep) checkKind() error {
	switch {
	case s.LongPoll != 0 && s.Kind == KindOpen:
		return wrong("long_poll", "`open` does not wait for news: use `wait`")
	case s.Epoch != "" && s.Kind != KindOpen:
		return wrong("epoch", "it can be used only in `open`: move it there")
	case s.Kind == KindReply && len(s.When) == 0:
		return wrong("when", "it is missing: add `when <condition>`, which says what is answered")
	case s.Kind == KindBeat && time.Duration(s.Interval) < leastBeat:
		return wrong("interval", "%s is too short: write `beat <interval>` with at least %s", time.Duration(s.Interval), leastBeat)
	case s.Kind != KindBeat && s.Interval != 0:
		return wrong("interval", "it can be used only in `beat`: remove it")
	case len(s.When) > 0 && (s.Kind == KindBeat || s.Kind == KindClose):
		return wrong("when", "the request does not depend on an answer: remove it")
	case (len(s.Cursor) > 0 || s.JQ != "") && (s.Kind == KindBeat || s.Kind == KindClose):
		return wrong("cursor", "no poll depends on the answer: read the cursor in `open` or `reply`")
	case len(s.When) > 0 && s.Kind == KindAck:
		return wrong("when", "all that a poll has brought is acknowledged: remove it")
	case s.LongPoll != 0 && s.Kind != KindWait:
		return wrong("long_poll", "it can be used only in `wait`: remove it")
	case s.Kind == KindWait && len(s.When) == 0:
		return wrong("when", "it is missing: add `when <condition>`, which says when there is something to poll for")
	}
	return nil
}

// compileWhen compiles the conditions on which a step is made.
func (s NamedStep) compileWhen(step *Plan) error {
	for i, cond := range s.When {
		path := "when." + strconv.Itoa(i)
		compiled, err := cond.compile()
		if err != nil {
			return &fieldError{path, "when", err}
		}
		if s.Kind == KindOpen && (compiled.NeedsJSON() || answerPlaceholder.MatchString(cond.Value)) {
			return &fieldError{path, "when", fmt.Errorf("%q looks into an answer, and there is none yet: use {sse.cursor} or {sse.cursor.NAME}", cond.Value)}
		}
		step.When = append(step.When, compiled)
	}
	return nil
}

// stepPath is the place of a step in the JSON. The first of a kind has that of a single one.
func stepPath(kind StepKind, i int) string {
	if i == 0 {
		return string(kind)
	}
	return string(kind) + "." + strconv.Itoa(i)
}

// whenForMore names the field of a step that [Step.config] has put into `more`.
func whenForMore(name string) string {
	if rest, is := strings.CutPrefix(name, "more"); is {
		return "when" + rest
	}
	return name
}
