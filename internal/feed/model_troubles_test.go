package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// trouble is what an upstream answers with while it is not well.
type trouble string

const (
	well        trouble = ""
	overload    trouble = "503"
	asksToWait  trouble = "503, with a date to come back at"
	noAnswer    trouble = "unreachable"
	unreadable  trouble = "unreadable"
	notFound    trouble = "404"
	unknownUser trouble = "401"
	mixed       trouble = "one or the other of these, or an answer"
)

var troubles = [...]trouble{overload, asksToWait, noAnswer, unreadable, notFound, unknownUser, mixed}

// fail gives the upstream a trouble, which polls that are held do not notice before there is news.
func (b *modelUpstream) fail(t trouble) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trouble = t
}

// cut takes the upstream away, from polls that are held too.
func (b *modelUpstream) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trouble = noAnswer
	b.stir()
}

func (b *modelUpstream) is(t trouble) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.trouble == t
}

// holds is how long the upstream holds a poll.
func (k kind) holds() time.Duration {
	if k.held {
		return time.Hour
	}
	return 25 * time.Second
}

// poll is the upstream, on its wire.
func (b *modelUpstream) poll(ctx context.Context, ask Ask) (page.Page, error) {
	defer b.fly(ask)()
	if b.kind.stream {
		return b.stream(ctx, ask)
	}
	if !travel(ctx, b.plan.Latency/2) {
		return page.Page{}, ctx.Err()
	}
	if ask.Reached != nil {
		ask.Reached(Sent)
	}
	resp, met, err := b.serve(ctx, ask)
	if err == nil && !travel(ctx, b.plan.Latency/2) {
		err = ctx.Err()
	}
	if ctx.Err() == nil || ask.First { // a newcomer's poll that is given up has found the upstream well
		b.landed(ask, met)
	}
	if err != nil {
		return page.Page{}, err
	}
	if !b.reader.Set() {
		return b.reader.ReadOn(resp, ask.From, ask.Carry, &value.Env{})
	}
	p, err := b.reader.ReadSet(resp, ask.From, ask.Set, 0, &value.Env{})
	if err != nil || p.Set == nil || !p.More {
		return p, err
	}
	return b.pages(ctx, ask, p)
}

// pages asks for the other pages of a set.
func (b *modelUpstream) pages(ctx context.Context, ask Ask, first page.Page) (page.Page, error) {
	pages, err := page.NewPages(b.reader, ask.From, first, 1<<20)
	if err != nil {
		return page.Page{}, err
	}
	for from, more := pages.Next(); more; from, more = pages.Next() {
		ask.From, ask.First = from, false
		if !travel(ctx, b.plan.Latency) {
			return page.Page{}, ctx.Err()
		}
		resp, _, err := b.serve(ctx, ask)
		if err != nil {
			return page.Page{}, pages.Failed(err)
		}
		next, err := b.reader.ReadSet(resp, from, ask.Set, pages.Count(), &value.Env{})
		if err != nil {
			return page.Page{}, pages.Failed(err)
		}
		if err := pages.Add(next); err != nil {
			return page.Page{}, err
		}
	}
	return pages.Whole(), nil
}

// travel lets time pass, unless the poll is given up.
func travel(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// serve answers a poll once there is news, or it has been held for long enough.
func (b *modelUpstream) serve(ctx context.Context, ask Ask) (resp page.Response, met trouble, err error) {
	hold := b.kind.holds()
	if ask.Carry != nil { // clients wait for it
		hold = time.Second
	}
	deadline := time.After(hold)
	for late := false; ; {
		b.mu.Lock()
		news, wake := true, b.wake
		if met = b.meets(ask); met == well {
			resp, news = b.answer(ask)
		} else {
			resp, err = b.failure(met)
		}
		if resp.Header == nil {
			resp.Header = http.Header{}
		}
		resp.Header.Set("Date", b.date(0))
		if resp.Status/100 == 4 {
			b.refused = time.Now()
		}
		b.mu.Unlock()
		if news || late || !b.plan.LongPoll {
			return resp, met, err
		}
		select {
		case <-wake:
		case <-deadline:
			late = true
		case <-ctx.Done():
			return resp, met, ctx.Err()
		}
	}
}

// meets returns what a poll meets. b.mu is held.
func (b *modelUpstream) meets(ask Ask) trouble {
	if b.trouble == mixed && slices.Contains(unmended, string(mixed)) {
		return well
	}
	if b.trouble != mixed {
		return b.trouble
	}
	if i := b.random(2*len(troubles), time.Now(), ask.Number, ask.First); i < len(troubles)-1 {
		return troubles[i]
	}
	return well
}

// failure is the answer of an upstream in trouble. b.mu is held.
func (b *modelUpstream) failure(met trouble) (page.Response, error) {
	switch met {
	case overload:
		return page.Response{Status: 503}, nil
	case asksToWait:
		return page.Response{Status: 503, Header: http.Header{"Retry-After": {b.date(5 * time.Second)}}}, nil
	case unreadable:
		if b.kind.config.Format == page.JSON || b.kind.config.Format == "" {
			return page.Response{Status: 200, Body: []byte("<html>Bad gateway</html>")}, nil
		}
	case notFound:
		return page.Response{Status: 404}, nil
	case unknownUser:
		return page.Response{Status: 401}, nil
	}
	return page.Response{}, errors.New("no answer")
}

// date is what the upstream's clock will say.
func (b *modelUpstream) date(in time.Duration) string {
	return time.Now().Add(b.clock + in).UTC().Format(http.TimeFormat)
}

// fly notes a poll that is under way, and returns what notes that it is no more.
func (b *modelUpstream) fly(ask Ask) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.polls[ask.Chain]
	if r == nil {
		r = &record{began: time.Now()}
		b.polls[ask.Chain] = r
	}
	if r.count++; ask.Carry != nil {
		r.carried++
	}
	if r.flying++; r.flying > 1 {
		b.wrong = append(b.wrong, "two polls of one chain in flight")
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		r.flying--
		r.last = time.Now()
	}
}

func (b *modelUpstream) landed(ask Ask, met trouble) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if met == asksToWait { // it is blamed like any other 503
		met = overload
	}
	r := b.polls[ask.Chain]
	r.outcomes = append(r.outcomes, outcome{ask.First, met})
}

// misleads reports whether some chain could not but think that its position means nothing: it fails, a
// newcomer's poll does not, and then it fails again in the same way.
func (b *modelUpstream) misleads() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.polls {
		failed := well    // of the last poll from the position, before newcomers' polls
		answered := false // the last one of those was
		for _, o := range r.outcomes {
			switch {
			case o.newcomer:
				answered = o.met == well
			case answered && failed != well && o.met == failed:
				return true
			default:
				failed, answered = o.met, false
			}
		}
	}
	return false
}

// count looks for chains that poll more than they have reason to: about once in two seconds, at once
// where there is news, or something is held back, and some more when something has gone wrong.
func (b *modelUpstream) count() {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := len(b.versions)
	for _, run := range b.runs {
		items += len(run)
	}
	for _, r := range b.polls {
		most := 20 + min(r.carried, 100) + int(r.last.Sub(r.began)/time.Second) + 2*items
		if b.plan.Bus != nil { // what a node has not heard of, it checks for itself
			most += most / 2
		}
		if r.count > most {
			b.wrong = append(b.wrong, fmt.Sprintf("%d polls of one chain in %v, with %d items", r.count, r.last.Sub(r.began), items))
		}
	}
}
