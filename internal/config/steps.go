package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// stepFormats are the formats in which an answer is one document.
var stepFormats = []page.Format{page.Auto, page.JSON, page.JSONP, page.XML, page.SocketIO, page.SockJS, page.Text}

// Steps returns all steps, always in the same order. That of [Plan.Steps] is the same.
func (h *Config) Steps() (all []NamedStep) {
	add := func(kind StepKind, steps ...*Step) {
		for i, s := range steps {
			if s == nil {
				continue
			}
			named := NamedStep{Step: s, Kind: kind, Name: string(kind), path: stepPath(kind, i)}
			if i > 0 {
				named.Name += " " + strconv.Itoa(i+1)
			}
			all = append(all, named)
		}
	}
	add(KindOpen, h.Open...)
	add(KindWait, h.Wait)
	add(KindReply, h.Reply...)
	add(KindAck, h.Ack)
	add(KindBeat, h.Beat...)
	add(KindClose, h.Close)
	return all
}

// compileSteps compiles all steps.
func (h *Config) compileSteps(c *Plan) error {
	for i, s := range h.Steps() {
		step, err := h.compileStep(s, c)
		if err != nil {
			return err
		}
		step.Number = i + 1
		c.Steps = append(c.Steps, step)
		if err := s.checkKind(); err != nil {
			return s.in(err)
		}
	}
	if len(h.Reopen) > 0 && len(h.Open) == 0 {
		return &fieldError{"reopen.0", "reopen", errors.New("it repeats the request of `open`, and there is none: add `open`, or use `reset` if the position is lost, or `fail` if the answer is an error")}
	}
	if err := h.checkAck(c); err != nil {
		return err
	}
	if err := h.checkShared(c); err != nil {
		return err
	}
	switch {
	case h.Epoch != "" && len(h.Open) > 0:
		return wrong("epoch", "it cannot be used with `open`: move it into the `open` block, or remove it and use a `reset` condition")
	case h.Wait != nil && h.LongPoll != 0:
		return wrong("long_poll", "with `wait`, the polls themselves are not held: move `long_poll` into the `wait` block")
	}
	return nil
}

// checkShared checks that all clients of a session without positions share it.
func (h *Config) checkShared(c *Plan) error {
	if h.Replay != nil || c.Reader.Document() || c.Stream {
		return nil
	}
	if h.sendsPosition(c) {
		return nil
	}
	for _, s := range h.Steps() {
		if s.Kind != KindOpen && s.Kind != KindWait {
			return &fieldError{s.path, s.Name, errors.New("the polls send no position, so all clients must share one session: add `replay <events>`")}
		}
	}
	return nil
}

// sendsPosition reports whether polls send a cursor that answers move.
func (h *Config) sendsPosition(c *Plan) bool {
	moved := h.cursorsRead(c)
	return slices.ContainsFunc(h.edits(c), func(e pollEdit) bool {
		return slices.ContainsFunc(e.template.Cursors(), func(name string) bool { return slices.Contains(moved, name) })
	})
}

// checkAck checks that what was not acknowledged can be told from what is new when it comes again.
func (h *Config) checkAck(c *Plan) error {
	switch {
	case h.Ack == nil:
		return nil
	case h.Replay == nil:
		return wrong("ack", "it needs `replay`: clients that come back get their events from the bridge's log, since the upstream forgets what was acknowledged")
	case !c.Page.Once:
		return wrong("ack", "it is for a queue, whose polls send no position: remove `order` and the edits that send a cursor of the polls, or remove `ack`")
	case c.Reader.Counts():
		return wrong("ack", "what comes again because it was not acknowledged is known by its id: add `id`")
	}
	return nil
}

// compileFollow says which requests answers call for: first the replies, then the acknowledgement.
func (h *Config) compileFollow(c *Plan) error {
	for _, s := range h.Steps() {
		switch s.Kind {
		case KindReply:
			step := new(Plan)
			if err := s.compileWhen(step); err != nil {
				return s.in(err)
			}
			c.Page.Follow = append(c.Page.Follow, page.Follow{When: step.When})
		case KindAck:
			each := slices.ContainsFunc(s.config().texts(), func(text string) bool {
				t, err := value.ParseTemplate(text)
				return err == nil && t.ReadsItem()
			})
			c.Page.Follow = append(c.Page.Follow, page.Follow{Once: !each})
		}
	}
	return nil
}

// compileStep checks a step. Its errors are those of [Config.Compile], after the step's name.
func (h *Config) compileStep(s NamedStep, main *Plan) (*Plan, error) {
	asked := s.config()
	step := &Plan{Kind: s.Kind, Name: s.Name, Beat: time.Duration(s.Interval), Limits: main.Limits, routes: main.routes, Elsewhere: len(s.Upstream) > 0}
	if s.Kind != KindWait {
		asked.More = nil // its conditions are about making the request, and not about its answer
	}
	if s.Kind == KindOpen {
		if err := s.compileWhen(step); err != nil {
			return nil, s.in(err)
		}
	}
	checks := []func(*Plan) error{
		asked.compilePoll, asked.compileWants, asked.compilePace, asked.compileReading,
		func(step *Plan) error { return h.compileStepProgram(s, step) }, asked.checkReading,
	}
	if step.Elsewhere {
		checks = slices.Insert(checks, 0, asked.checkUpstream)
	}
	if main.Cookies != nil {
		asked.Cookies = common(*main.Cookies, asked.Cookies)
	}
	for _, check := range checks {
		if err := check(step); err != nil {
			return nil, s.in(err)
		}
	}
	if len(step.ClearedCursors) > 0 {
		return nil, s.in(wrong("cursor", "a step reads each cursor anew, and cannot clear one: remove `=`"))
	}
	if !slices.Contains(stepFormats, step.Page.Format) {
		return nil, s.in(wrong("format", "%s makes events, and this request makes none: use auto, json, jsonp, xml, socketio, sockjs or text", step.Page.Format))
	}
	return step, nil
}

// compileStepProgram finds the cursors that the jq program of a step yields, among those that are sent.
func (h *Config) compileStepProgram(s NamedStep, step *Plan) error {
	if s.JQ == "" {
		return nil
	}
	if step.Page.ProgramCursors = h.yielded(s.Step); len(step.Page.ProgramCursors) == 0 {
		return wrong("jq", "it yields no cursor that is sent: yield for example {cursor: {key: .body.key}}, and send {sse.cursor.key}")
	}
	return nil
}

// common returns the names that are in both lists. The second one may be nil, which means all names.
func common(names []string, others *[]string) *[]string {
	if others == nil {
		return &names
	}
	both := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(*others, name) })
	return &both
}

// stepCursors returns the names of the cursors that steps read.
func (h *Config) stepCursors() []string {
	var names []string
	for _, s := range h.Steps() {
		names = append(names, h.cursorsOf(s.Step)...)
	}
	return names
}

// cursorsOf returns the names of the cursors that a step reads.
func (h *Config) cursorsOf(s *Step) []string {
	if s.JQ != "" {
		return h.yielded(s)
	}
	names := make([]string, len(s.Cursor))
	for i, cur := range s.Cursor {
		names[i] = cur.Name
	}
	return names
}

// yielded returns the names of the cursors that the jq program of a step yields, among those that the polls or
// the steps send.
func (h *Config) yielded(s *Step) (names []string) {
	for _, text := range h.sent() {
		t, err := value.ParseTemplate(text)
		if err != nil {
			continue // the field's own check says so
		}
		for _, name := range t.Cursors() {
			if yields(s.JQ, name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// sent returns the texts that the polls and the steps send, as far as they may contain cursors.
func (h *Config) sent() (texts []string) {
	asked := []*Config{h}
	for _, s := range h.Steps() {
		asked = append(asked, s.config())
	}
	for _, a := range asked {
		texts = append(texts, a.texts()...)
	}
	return texts
}

// texts returns the texts that the polls send.
func (h *Config) texts() []string {
	texts := []string{h.Method, h.Rewrite}
	if h.Body != nil {
		texts = append(texts, h.Body.Template)
	}
	for _, e := range slices.Concat(h.Query, h.HeaderUp) {
		texts = append(texts, e.Value)
	}
	return texts
}

// checkStepCursors checks that all cursors that a step reads are sent, and the reverse. read are all cursors
// that are read, and sent those that polls send.
func (h *Config) checkStepCursors(c *Plan, read []string, sent map[string]bool) error {
	steps := h.Steps()
	for i, s := range steps {
		for _, edit := range s.config().edits(c.Steps[i]) {
			for _, name := range edit.template.Cursors() {
				if !slices.Contains(read, name) {
					return s.in(&fieldError{edit.path, edit.name, h.unreadCursor(name, read)})
				}
				sent[name] = true
			}
		}
		for _, v := range s.config().values() {
			for _, name := range v.cursors() {
				if !slices.Contains(read, name) {
					return s.in(&fieldError{v.path, v.name, h.unreadCursor(name, read)})
				}
			}
			if s.Kind == KindReply && v.name == "more" { // it is looked up in the items of a poll
				continue
			}
			if err := v.checkScope(); err != nil {
				return s.in(err)
			}
		}
	}
	moved := h.cursorsRead(c)
	for _, s := range steps {
		for i, name := range h.cursorsOf(s.Step) {
			path := "cursor." + strconv.Itoa(i)
			if s.JQ != "" {
				path = "jq"
			}
			if s.Kind != KindOpen && slices.Contains(moved, name) {
				return s.in(&fieldError{
					path, strings.TrimSpace("cursor " + name),
					errors.New("the polls already have a cursor of that name: use another name here"),
				})
			}
			if !sent[name] {
				return s.in(notSent(path, name))
			}
		}
	}
	return nil
}
