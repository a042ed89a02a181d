package ssebridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// exchanged is one request that went through the routes of an upstream, and what came back.
type exchanged struct {
	which    request
	asked    *http.Request
	body     []byte
	to       string // the address that reverse_proxy chose
	took     time.Duration
	response *page.Response // nil where none came
	err      error
}

func stopwatch() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// answered takes what the routes have left.
func (e *exchanged) answered(a *answer, err error) {
	var failed caddyhttp.HandlerError
	switch {
	case errors.As(err, &failed) && a.status == 0 && failed.StatusCode != http.StatusBadGateway && failed.StatusCode != http.StatusGatewayTimeout && failed.StatusCode != 0:
		e.response = &page.Response{Status: failed.StatusCode, Header: a.header}
	case err != nil:
		e.err = err
	default:
		resp, err := a.response()
		if e.err = err; err == nil {
			e.response = &resp
		}
	}
}

// begin is told which request the polls of the client make.
func (t *attempt) begin(p *pollRequest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = p
}

func (t *attempt) note(e exchanged) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.exchanges = append(t.exchanges, e)
	if t.told == nil {
		t.told = make(chan struct{})
	}
}

// polled reports a poll. It is called by the chain that made it, and by one at a time.
func (t *attempt) polled(p feed.Polled) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.polls > 0 && t.reported >= t.polls || errors.Is(p.Err, context.Canceled) {
		return
	}
	t.reported++
	r := &trial.Report{Poll: t.reported, News: p.News}
	for _, e := range t.exchanges {
		r.Exchanges = append(r.Exchanges, t.exchange(e))
	}
	evidence := t.evidence(p)
	t.exchanges = nil
	if t.told != nil {
		defer close(t.told)
		t.told = nil
	}
	if evidence.Answer != nil && (p.Err == nil || evidence.Answer.Status/100 == 2) {
		r.Found = trial.Findings(evidence.Config, evidence.Document, evidence.Found)
	}
	if p.Err != nil {
		r.Error, t.failed = reason(p.Err), true
	}
	r.Events, r.Notices = t.events(p), notices(p)
	r.Hint = trial.Hint(evidence)
	if !p.Over {
		r.Next = t.next(p)
	} else if p.Err != nil {
		r.Notices = append(r.Notices, "a client gets this status itself, and an EventSource stops here")
	}
	if !t.secrets {
		r.Mask()
	}
	if t.err = t.out.Write(r); t.err != nil || t.reported == t.polls {
		t.stop()
	}
}

// evidence is what the last exchange has brought: the poll itself, unless a step has failed.
func (t *attempt) evidence(p feed.Polled) trial.Evidence {
	asked, step := t.asked, false
	var last exchanged
	if n := len(t.exchanges); n > 0 {
		last = t.exchanges[n-1]
	}
	if last.which != aPoll {
		asked, step = t.stepOf(last.which), true
	}
	e := trial.Evidence{Config: asked.plan.page, Document: step || asked.plan.reader.Document(), Answer: last.response, Page: p.Page, Err: p.Err}
	switch {
	case last.response != nil:
		e.Found = asked.reader.Explain(*last.response, t.asked.env(p.Ask))
	case p.Err != nil: // a long poll that was held to its end is none
		e.Err = errors.Join(last.err, p.Err)
	}
	return e
}

func (t *attempt) stepOf(which request) *pollRequest {
	if which == anOpen {
		return t.asked.open
	}
	return t.asked.wait
}

// exchange writes an exchange for the report.
func (t *attempt) exchange(e exchanged) trial.Exchange {
	x := trial.Exchange{Request: t.requestOf(e.asked, e.which, e.body), To: e.to, Took: e.took}
	x.Step = [...]string{aPoll: "", anOpen: "open", aWait: "wait"}[e.which]
	if e.response == nil {
		if e.err != nil {
			x.Error = reason(e.err)
		}
		return x
	}
	x.Answer = &trial.Answer{
		Status: e.response.Status, Type: e.response.Header.Get("Content-Type"), Size: len(e.response.Body), Header: e.response.Header,
		Start: trial.Start(e.response.Body),
	}
	return x
}

// requestOf writes a request for the report. It is shown as it leaves for the upstream that is tried by
// its URL, and else as the site's.
func (t *attempt) requestOf(r *http.Request, which request, body []byte) trial.Request {
	p := t.asked
	if which != aPoll {
		p = t.stepOf(which)
	}
	usual := pollHeader(p.plan, nil)
	usual.Set("Accept-Encoding", acceptEncoding)
	return trial.Request{Method: r.Method, URL: p.absolute(r.URL, r.Header).String(), Header: trial.Telling(r.Header, usual), Body: string(body)}
}

// next says when the next poll follows, why, and what it asks.
func (t *attempt) next(p feed.Polled) *trial.Next {
	plan := t.asked.plan
	n := &trial.Next{Wait: p.Wait, Why: string(p.Why), Because: because(plan, p), Cursor: p.Next.From.ID()}
	if plan.wait != nil {
		n.Because += "; `wait` is asked before it"
	}
	ask := t.asked.opened(p.Next)
	r, err := t.asked.build(context.Background(), ask, t.server, newAnswer(0), nil)
	if err != nil {
		n.Because += "; " + err.Error()
		return n
	}
	body, _ := t.asked.buildBody(t.asked.env(ask))
	request := t.requestOf(r, aPoll, body)
	n.Request = &request
	return n
}

// because says in words why a poll follows when it does.
func because(plan *compiled, p feed.Polled) string {
	switch p.Why {
	case feed.Held:
		return "long_poll, so that the backend is asked again as soon as it has answered"
	case feed.NoNews:
		return fmt.Sprintf("no news, so that the interval of %s doubles up to %s", plan.intervalMin, plan.intervalMax)
	case feed.Backoff:
		return "an error, after which the wait is random and doubles, up to 30s"
	case feed.AskedTo:
		return paused(p)
	case feed.AtOnce:
		if p.Page.Carry != nil {
			return "the position is looked for in the next page"
		}
		if p.Page.More {
			return "more holds"
		}
		return "the position is looked for again"
	}
	if plan.hold > 0 {
		return fmt.Sprintf("an answer without news came at once, so that the interval of %s counts", plan.intervalMin)
	}
	return fmt.Sprintf("interval %s, counted from the start of this poll", plan.intervalMin)
}

// paused says which pause the backend has asked for.
func paused(p feed.Polled) string {
	wait, asked := p.Page.Wait, p.Page.Asked
	if failed, ok := errors.AsType[*page.Error](p.Err); ok {
		wait, asked = failed.Wait, failed.Asked
	}
	if asked > 0 {
		return fmt.Sprintf("the backend asks for a pause of %s, and gets %s: is it in seconds?", asked, wait)
	}
	return fmt.Sprintf("the backend asks for a pause of %s", wait)
}

// events are those that clients get of a poll.
func (t *attempt) events(p feed.Polled) []trial.Event {
	if t.asked.plan.reader.Document() && !p.News {
		return nil
	}
	var events []trial.Event
	for _, e := range p.Page.Events {
		id := e.At.ID()
		if t.asked.plan.reader.Document() {
			id = e.Key
		}
		events = append(events, trial.Event{ID: id, Type: e.Type, Data: string(e.Data)})
	}
	return events
}

// notices say what else a page means for clients.
func notices(p feed.Polled) []string {
	var all []string
	for _, n := range []struct {
		holds bool
		text  string
	}{
		{p.Page.Reset, "reset holds: clients get a bridge.reset, and what a newcomer gets"},
		{p.Page.Restarted, "the epoch has changed: clients get a bridge.reset, and what a newcomer gets"},
		{p.Page.Lost, "the cursor's own item is not in the answer: clients get a bridge.reset, since what is between is not known"},
		{p.Page.Carry != nil, "the page is shorter than where the position is in it: its items are held back until the next page shows whether clients have them"},
		{p.Page.End, "end holds: the streams end here"},
	} {
		if n.holds {
			all = append(all, n.text)
		}
	}
	return all
}

// reason is an error in the words of who made it: Caddy puts an id and a place in its code before them.
func reason(err error) string {
	var handler caddyhttp.HandlerError
	if errors.As(err, &handler) && handler.Err != nil {
		before, _, _ := strings.Cut(err.Error(), handler.Error())
		return before + handler.Err.Error()
	}
	return err.Error()
}
