package ssebridge

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// Step is a request beside the polls: the client's request with edits of its own. Those of the
// polls are not part of it. It has no body but its own, and none of the query parameters that
// send cursors in polls.
type Step struct {
	// The routes that answer it. They are taken for another host, which gets no Authorization,
	// no Cookie and no query of the client, nor cookies of the upstream; an edit of `header_up` or
	// `query` may add one. Default: the upstream of the polls.
	Upstream caddyhttp.RouteList `json:"upstream,omitempty"`

	// The HTTP method. Default: the client's own. Accepts placeholders.
	Method string `json:"method,omitempty"`

	// The URI, as the `rewrite` of polls. Default: the client's own URI. Accepts placeholders.
	Rewrite string `json:"rewrite,omitempty"`

	// The edits of the query, as the `query` of polls.
	Query []Edit `json:"query,omitempty"`

	// The edits of the header, as the `header_up` of polls.
	HeaderUp []Edit `json:"header_up,omitempty"`

	// The names of the client's cookies that are kept, of those that the polls keep. Default: all.
	Cookies *[]string `json:"cookies,omitempty"`

	// The body. Default: none.
	Body *Body `json:"body,omitempty"`

	// For how long the upstream holds the request, in `wait` alone. Default: 0, which is no long
	// polling: it is asked at the `interval` of the polls.
	LongPoll caddy.Duration `json:"long_poll,omitempty"`

	// For how long it may take. Default: 30s, or 10s more than `long_poll`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How the answer is read: `auto`, `json`, `jsonp`, `xml` or `text`. Default: `auto`.
	Format string `json:"format,omitempty"`

	// The cursors that the answer holds, looked up in the body. Where the polls have a cursor of
	// that name, it is the first one of a client that comes without a position, and goes into
	// event ids as any other. All others are a key or a session: each sequence of polls gets its
	// own, and they never go into an id.
	Cursor []Cursor `json:"cursor,omitempty"`

	// The statuses that are answers, beside those from 200 to 299. Default: none.
	Accept []int `json:"accept,omitempty"`

	// The upstream does not know the position any more where any of these holds, as in polls.
	Reset []Condition `json:"reset,omitempty"`

	// A value that is the least time until the next request, in seconds, as in polls.
	RetryAfter string `json:"retry_after,omitempty"`

	// There is something to poll for where any of these holds, in `wait` alone, where it is
	// required. The values are looked up in the body.
	When []Condition `json:"when,omitempty"`
}

// stepFormats are those in which an answer is one thing.
var stepFormats = []page.Format{page.Auto, page.JSON, page.JSONP, page.XML, page.Text}

// config returns a Config whose polls are the step. `when` stands where `more` does: both ask
// for a poll at once.
func (s *Step) config() *Config {
	return &Config{
		Upstream: s.Upstream, Method: s.Method, Rewrite: s.Rewrite, Query: s.Query, HeaderUp: s.HeaderUp, Cookies: s.Cookies, Body: s.Body,
		LongPoll: s.LongPoll, Timeout: s.Timeout, Format: s.Format, Cursor: s.Cursor, Accept: s.Accept, Reset: s.Reset,
		RetryAfter: s.RetryAfter, More: s.When,
	}
}

// stepOf is the reverse of [Step.config].
func stepOf(h *Config) *Step {
	return &Step{
		Upstream: h.Upstream, Method: h.Method, Rewrite: h.Rewrite, Query: h.Query, HeaderUp: h.HeaderUp, Cookies: h.Cookies, Body: h.Body,
		LongPoll: h.LongPoll, Timeout: h.Timeout, Format: h.Format, Cursor: h.Cursor, Accept: h.Accept, Reset: h.Reset,
		RetryAfter: h.RetryAfter, When: h.More,
	}
}

// compileSteps compiles `open` and `wait`.
func (h *Config) compileSteps(c *compiled) (err error) {
	if h.Open != nil {
		if c.open, err = h.Open.compile("open", c); err != nil {
			return err
		}
		switch {
		case h.Open.LongPoll != 0:
			return inStep("open", wrong("long_poll", "nothing is waited for here: that is what `wait` is for"))
		case len(h.Open.When) > 0:
			return inStep("open", wrong("when", "it belongs to `wait`"))
		case h.Epoch != "":
			return wrong("epoch", "a sequence that `open` begins starts over by a `reset` condition: leave `epoch` out")
		}
	}
	if h.Wait == nil {
		return nil
	}
	if c.wait, err = h.Wait.compile("wait", c); err != nil {
		return err
	}
	switch {
	case len(h.Wait.When) == 0:
		return inStep("wait", wrong("when", "it is missing: say what in the answer is a reason to poll: when <condition>"))
	case h.LongPoll != 0:
		return wrong("long_poll", "polls follow what `wait` says, and are not held: put `long_poll` into the `wait` block")
	}
	return nil
}

// compile checks a step. Its errors are those of a [Config.compile] with the step's name before them.
func (s *Step) compile(name string, main *compiled) (*compiled, error) {
	asked := s.config()
	step := &compiled{limits: main.limits, routes: main.routes, elsewhere: len(s.Upstream) > 0}
	checks := []func(*compiled) error{asked.compilePoll, asked.compileWants, asked.compilePace, asked.compileReading, asked.checkReading}
	if step.elsewhere {
		checks = slices.Insert(checks, 0, asked.checkUpstream)
	}
	if main.cookies != nil {
		asked.Cookies = common(*main.cookies, asked.Cookies)
	}
	for _, check := range checks {
		if err := check(step); err != nil {
			return nil, inStep(name, err)
		}
	}
	if !slices.Contains(stepFormats, step.page.Format) {
		return nil, inStep(name, wrong("format", "%s is a list of events, and this answer makes none: it is auto, json, jsonp, xml or text", step.page.Format))
	}
	return step, nil
}

// common returns the names that are in both lists, of which one may be nil, for all names.
func common(names []string, others *[]string) *[]string {
	if others == nil {
		return &names
	}
	both := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(*others, name) })
	return &both
}

// inStep says in which step the field stands that err is about.
func inStep(step string, err error) error {
	field := (*fieldError)(nil)
	if !errors.As(err, &field) {
		return fmt.Errorf("%s: %w", step, err)
	}
	return &fieldError{step + "." + whenForMore(field.path), step + " " + whenForMore(field.name), field.err}
}

// whenForMore names the field of a step that [Step.config] has put into `more`.
func whenForMore(name string) string {
	if rest, is := strings.CutPrefix(name, "more"); is {
		return "when" + rest
	}
	return name
}

// steps are `open` and `wait`, as far as they are there.
func (h *Config) steps(c *compiled) []namedStep {
	var all []namedStep
	if h.Open != nil && c.open != nil {
		all = append(all, namedStep{"open", h.Open, c.open})
	}
	if h.Wait != nil && c.wait != nil {
		all = append(all, namedStep{"wait", h.Wait, c.wait})
	}
	return all
}

type namedStep struct {
	name string
	step *Step
	plan *compiled
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

// checkStepCursors checks that what a step reads is sent, and the reverse. read are all cursors that there are, and sent those
// that polls send.
func (h *Config) checkStepCursors(c *compiled, read []string, sent map[string]bool) error {
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
					errors.New("the polls have a cursor of that name, which is the one that is sent: give this one another name"),
				})
			}
			if !sent[cur.Name] {
				return inStep(s.name, notSent("cursor."+strconv.Itoa(i), cur.Name))
			}
		}
	}
	return nil
}
