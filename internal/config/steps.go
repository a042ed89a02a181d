package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// stepFormats are the formats in which an answer is one document.
var stepFormats = []page.Format{page.Auto, page.JSON, page.JSONP, page.XML, page.Text}

// compileSteps compiles `open` and `wait`.
func (h *Config) compileSteps(c *Plan) (err error) {
	if h.Open != nil {
		if c.Open, err = h.compileStep("open", h.Open, c); err != nil {
			return err
		}
		switch {
		case h.Open.LongPoll != 0:
			return inStep("open", wrong("long_poll", "`open` does not wait for news: use `wait`"))
		case len(h.Open.When) > 0:
			return inStep("open", wrong("when", "it can be used only in `wait`: remove it"))
		case h.Epoch != "":
			return wrong("epoch", "it cannot be used with `open`: remove it, and use a `reset` condition")
		}
	}
	if len(h.Reopen) > 0 && h.Open == nil {
		return &fieldError{"reopen.0", "reopen", errors.New("it repeats the request of `open`, and there is none: add `open`, or use `reset` if the position is lost, or `fail` if the answer is an error")}
	}
	if h.Wait == nil {
		return nil
	}
	if c.Wait, err = h.compileStep("wait", h.Wait, c); err != nil {
		return err
	}
	switch {
	case len(h.Wait.When) == 0:
		return inStep("wait", wrong("when", "it is missing: add `when <condition>`, which says when there is something to poll for"))
	case h.LongPoll != 0:
		return wrong("long_poll", "with `wait`, the polls themselves are not held: move `long_poll` into the `wait` block")
	}
	return nil
}

// compileStep checks a step. Its errors are those of [Config.Compile], after the step's name.
func (h *Config) compileStep(name string, s *Step, main *Plan) (*Plan, error) {
	asked := s.config()
	step := &Plan{Limits: main.Limits, routes: main.routes, Elsewhere: len(s.Upstream) > 0}
	checks := []func(*Plan) error{asked.compilePoll, asked.compileWants, asked.compilePace, asked.compileReading, asked.checkReading}
	if step.Elsewhere {
		checks = slices.Insert(checks, 0, asked.checkUpstream)
	}
	if main.Cookies != nil {
		asked.Cookies = common(*main.Cookies, asked.Cookies)
	}
	for _, check := range checks {
		if err := check(step); err != nil {
			return nil, inStep(name, err)
		}
	}
	if len(step.ClearedCursors) > 0 {
		return nil, inStep(name, wrong("cursor", "a step reads each cursor anew, and cannot clear one: remove `=`"))
	}
	if !slices.Contains(stepFormats, step.Page.Format) {
		return nil, inStep(name, wrong("format", "%s makes events, and this request makes none: use auto, json, jsonp, xml or text", step.Page.Format))
	}
	return step, nil
}

// common returns the names that are in both lists. The second one may be nil, which means all names.
func common(names []string, others *[]string) *[]string {
	if others == nil {
		return &names
	}
	both := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(*others, name) })
	return &both
}

// steps are `open` and `wait`, if they are configured.
func (h *Config) steps(c *Plan) []namedStep {
	var all []namedStep
	if h.Open != nil && c.Open != nil {
		all = append(all, namedStep{"open", h.Open, c.Open})
	}
	if h.Wait != nil && c.Wait != nil {
		all = append(all, namedStep{"wait", h.Wait, c.Wait})
	}
	return all
}

type namedStep struct {
	name string
	step *Step
	plan *Plan
}

// stepCursors returns the names of the cursors that steps read.
func (h *Config) stepCursors() []string {
	var names []string
	for _, s := range []*Step{h.Open, h.Wait} {
		if s == nil {
			continue
		}
		for _, cur := range s.Cursor {
			names = append(names, cur.Name)
		}
	}
	return names
}

// checkStepCursors checks that all cursors that a step reads are sent, and the reverse. read are all cursors
// that are read, and sent those that polls send.
func (h *Config) checkStepCursors(c *Plan, read []string, sent map[string]bool) error {
	steps := h.steps(c)
	for _, s := range steps {
		for _, edit := range s.step.config().edits(s.plan) {
			for _, name := range edit.template.Cursors() {
				if !slices.Contains(read, name) {
					return inStep(s.name, &fieldError{edit.path, edit.name, h.unreadCursor(name, read)})
				}
				sent[name] = true
			}
		}
		for _, v := range s.step.config().values() {
			for _, name := range v.cursors() {
				if !slices.Contains(read, name) {
					return inStep(s.name, &fieldError{v.path, v.name, h.unreadCursor(name, read)})
				}
			}
			if err := v.checkScope(); err != nil {
				return inStep(s.name, err)
			}
		}
	}
	for _, s := range steps {
		for i, cur := range s.step.Cursor {
			if s.name == "wait" && slices.Contains(h.cursorsRead(c), cur.Name) {
				return inStep(s.name, &fieldError{
					"cursor." + strconv.Itoa(i), strings.TrimSpace("cursor " + cur.Name),
					errors.New("the polls already have a cursor of that name: use another name here"),
				})
			}
			if !sent[cur.Name] {
				return inStep(s.name, notSent("cursor."+strconv.Itoa(i), cur.Name))
			}
		}
	}
	return nil
}
