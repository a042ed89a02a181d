package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// Begin notes the request that the client's polls make.
func (t *attempt) Begin(p *upstream.Request) {
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

// Polled reports a poll. It is called by the chain that made it, never by two at the same time.
func (t *attempt) Polled(p feed.Polled) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done || errors.Is(p.Err, context.Canceled) {
		return
	}
	if !t.stream.open || t.stream.came != nil || p.Err != nil { // else it is the position that `open` has got
		t.reported++
	}
	r := &trial.Report{News: p.News}
	closed, over := errors.AsType[*feed.Closed](p.Err)
	switch {
	case over:
		r.End = closed.Error()
	case p.Err != nil:
		r.Error, t.failed = reason(p.Err), true
	}
	r.Events, r.Notices = t.events(p), notices(p)
	t.warn(r, p)
	tried := trial.Tried{Took: t.took()}
	if t.stream.open {
		tried.Evidence = t.ofStream(r, p)
	} else {
		tried.Evidence = t.ofPoll(r, p)
	}
	if tried.Ended = over; over {
		tried.Lasted = closed.Lasted
	}
	t.judged(tried, len(r.Events), p)
	if r.Stage == "" && t.asked.Plan.Stream {
		r.Stage = trial.Ended
	}
	switch {
	case p.Err == nil && t.stream.open: // the same answer goes on
	case !p.Over:
		r.Next = t.next(p)
	case p.Err != nil:
		r.Notices = append(r.Notices, "a client gets this status. The EventSource of a browser does not try again after it")
	}
	if t.write(r); t.reported == t.polls {
		t.done = true
		t.stop()
	}
}

// warn adds to the first report what is to be said of the block, and to each what is to be said of the cursor.
func (t *attempt) warn(r *trial.Report, p feed.Polled) {
	var all []trial.Reason
	if !t.warned {
		t.warned, all = true, warningsOf(t.asked)
	}
	if cursor := t.asked.Unmatched(p.Page.Next); cursor != "" {
		all = append(all, unmatched(cursor))
	}
	for _, w := range all {
		r.Notices = append(r.Notices, w.Text)
		t.judge.But(w.ID, w.Text)
	}
}

// judged notes a poll for the verdict.
func (t *attempt) judged(tried trial.Tried, events int, p feed.Polled) {
	plan := t.asked.Plan
	tried.Stream, tried.Holds = plan.Stream, plan.Holds()
	tried.News, tried.Events, tried.Over = p.News, events, p.Over
	tried.Wait, tried.Asked = p.Wait, p.Why == feed.AskedTo
	t.judge.Note(tried)
}

// took is how long the last request has taken.
func (t *attempt) took() time.Duration {
	if n := len(t.exchanges); n > 0 {
		return t.exchanges[n-1].took
	}
	return 0
}

// ofPoll describes a poll's answer.
func (t *attempt) ofPoll(r *trial.Report, p feed.Polled) trial.Evidence {
	evidence := t.evidence(p)
	r.Exchanges = t.takeExchanges()
	if evidence.Answer != nil && (p.Err == nil || evidence.Answer.Status/100 == 2) {
		r.Found = trial.Findings(evidence.Config, evidence.Document, evidence.Found)
	}
	evidence.Unsent = t.unsent.Note(evidence)
	r.Hint = trial.Hint(evidence)
	r.Notices = slices.DeleteFunc(r.Notices, func(text string) bool { return text == r.Hint }) // once is enough
	t.see(evidence)
	return evidence
}

func (t *attempt) see(e trial.Evidence) {
	if t.seen != nil {
		t.seen(e)
	}
}

// ofStream describes a page of an answer that goes on, or its end.
func (t *attempt) ofStream(r *trial.Report, p feed.Polled) trial.Evidence {
	evidence := t.records(r, p)
	r.Stage = trial.Records
	if p.Err == nil {
		r.Cursor = p.Next.From.ID()
	} else {
		r.Stage = trial.Ended
		if at := p.Next.From; at.Cursor.IsZero() || at.Done > 0 {
			r.Notices = append(r.Notices, "the records have no position to continue from: when the next answer begins, clients get a bridge.reset, because events may be missing")
		}
	}
	t.stream.open = p.Err == nil && !p.Page.Reset && !p.Page.Restarted && !p.Page.End && !p.Page.Reopen
	return evidence
}

// takeExchanges converts the exchanges since the last report.
func (t *attempt) takeExchanges() (all []trial.Exchange) {
	for _, e := range t.exchanges {
		all = append(all, t.exchange(e))
	}
	if t.exchanges = nil; t.asked.Plan.Stream && len(all) > 0 {
		t.stream.number++
	}
	return all
}

// write writes a report.
func (t *attempt) write(r *trial.Report) {
	if t.done {
		return
	}
	if r.Poll = t.reported; t.asked.Plan.Stream {
		r.Poll = t.stream.number
	}
	if t.told != nil && r.Stage != trial.Alive {
		defer close(t.told)
		t.told = nil
	}
	if !t.secrets {
		r.Mask(t.hidden)
	}
	if t.err = t.out.Write(r); t.err != nil {
		t.stop()
	}
}

// evidence is the result of the last exchange: the poll itself, unless a step has failed.
func (t *attempt) evidence(p feed.Polled) trial.Evidence {
	asked, step := t.asked, false
	var last exchanged
	if n := len(t.exchanges); n > 0 {
		last = t.exchanges[n-1]
	}
	if last.which > upstream.KindPoll {
		asked, step = t.asked.Of(last.which), true
	}
	e := trial.Evidence{Config: asked.Plan.Page, Document: step || asked.Plan.Reader.Document(), Answer: last.response, Page: p.Page, Err: p.Err, Empty: t.asked.Plan.Empty()}
	switch {
	case last.unended:
		e.Answer = nil
	case last.response != nil:
		e.Found = asked.Reader.Explain(*last.response, t.asked.Env(p.Ask))
	case p.Err != nil: // a long poll that was held until its timeout is not an error
		e.Err = errors.Join(last.err, p.Err)
	}
	return e
}

// exchange converts an exchange for the report.
func (t *attempt) exchange(e exchanged) trial.Exchange {
	made := t.asked.Of(e.which)
	x := trial.Exchange{Request: requestOf(e.asked, made, e.body), To: e.to, Took: e.took}
	if e.which > upstream.KindPoll {
		x.Step = made.Plan.Name
	}
	if e.response == nil {
		if e.err != nil {
			x.Error = reason(e.err)
		}
		return x
	}
	x.Answer = &trial.Answer{
		Status: e.response.Status, Type: e.response.Header.Get("Content-Type"), Size: len(e.response.Body), Header: e.response.Header,
		Start: trial.Start(e.response.Body), Unended: e.unended, GoesOn: e.goesOn,
	}
	return x
}

// requestOf converts a request for the report. If the upstream is tried by its URL, the request is shown as it
// is sent there; otherwise as a request of the site.
func requestOf(r *http.Request, p *upstream.Request, body []byte) trial.Request {
	usual := upstream.PollHeader(p.Plan, nil)
	usual.Set("Accept-Encoding", upstream.AcceptEncoding(p.Plan))
	return trial.Request{Method: r.Method, URL: p.Absolute(r.URL, r.Header).String(), Header: trial.Telling(r.Header, usual), Body: string(body)}
}

// next returns when the next poll follows, why, and its request.
func (t *attempt) next(p feed.Polled) *trial.Next {
	plan := t.asked.Plan
	n := &trial.Next{Wait: p.Wait, Why: string(p.Why), Because: because(plan, p), Cursor: p.Next.From.ID()}
	if plan.Only(config.KindWait) != nil {
		n.Because += "; the `wait` request comes before it"
	}
	ask := t.asked.Opened(p.Next)
	asked := t.asked.For(ask)
	r, err := asked.Build(context.Background(), ask, t.server, upstream.NewAnswer(0), nil)
	if err != nil {
		n.Because += "; " + err.Error()
		return n
	}
	body, _ := asked.BuildBody(asked.Env(ask))
	request := requestOf(r, asked, body)
	n.Request = &request
	return n
}

// because returns a text with the reason for the time of the next poll.
func because(plan *config.Plan, p feed.Polled) string {
	closed, over := errors.AsType[*feed.Closed](p.Err)
	switch {
	case over && p.Why == feed.AtOnce:
		return "the answer is over"
	case over && closed.Wait == 0:
		return "the answer was over within a second, so the wait doubles, up to 30s"
	case over:
		return fmt.Sprintf("the backend asks for a pause of %s", closed.Wait)
	}
	switch p.Why {
	case feed.Held:
		return "long_poll, so the next poll follows each answer"
	case feed.NoNews:
		return fmt.Sprintf("no news, so the interval of %s doubles up to %s", plan.IntervalMin, plan.IntervalMax)
	case feed.Backoff:
		return "an error, so the wait is random and doubles, up to 30s"
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
	if plan.Hold > 0 {
		return fmt.Sprintf("an answer without news came at once, so the interval of %s applies", plan.IntervalMin)
	}
	return fmt.Sprintf("interval %s, counted from the start of this poll", plan.IntervalMin)
}

// paused returns a text with the pause that the backend has asked for.
func paused(p feed.Polled) string {
	wait, asked := p.Page.Wait, p.Page.Asked
	if failed, ok := errors.AsType[*page.Error](p.Err); ok {
		wait, asked = failed.Wait, failed.Asked
	}
	if asked > 0 {
		return fmt.Sprintf("the backend asks for a pause of %s, and the limit is %s: is the value in seconds?", asked, wait)
	}
	return fmt.Sprintf("the backend asks for a pause of %s", wait)
}

// events are the events that clients get from a poll.
func (t *attempt) events(p feed.Polled) []trial.Event {
	whole := t.asked.Plan.Reader.Document() || t.asked.Plan.Reader.Set()
	if whole && !p.News {
		return nil
	}
	var events []trial.Event
	for _, e := range p.Page.Events {
		id := e.At.ID()
		if whole {
			id = e.Key
		}
		events = append(events, trial.Event{ID: id, Type: e.Type, Data: string(e.Data)})
	}
	return events
}

// notices are texts about what else a page means for clients.
func notices(p feed.Polled) []string {
	var all []string
	for _, n := range []struct {
		holds bool
		text  string
	}{
		{p.Page.Reset, "reset holds: clients get a bridge.reset, and then what a new client gets"},
		{p.Page.Restarted, "the epoch has changed: clients get a bridge.reset, and then what a new client gets"},
		{p.Page.Lost, "clients get a bridge.reset, because events may be missing: the item that they had last is not in this answer, or the condition of `gap` holds"},
		{p.Page.Carry != nil, "the page ends before the position: its items are held back until the next page shows whether clients have them"},
		{p.Page.End, "end holds: the streams end here"},
	} {
		if n.holds {
			all = append(all, n.text)
		}
	}
	return all
}

// reason is the text of the original error: Caddy puts an id and a place in its code before it.
func reason(err error) string {
	var handler caddyhttp.HandlerError
	if errors.As(err, &handler) && handler.Err != nil {
		before, _, _ := strings.Cut(err.Error(), handler.Error())
		return before + handler.Err.Error()
	}
	return page.Detail(err)
}
