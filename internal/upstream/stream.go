package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

const (
	// recordTries is how often a record is asked for that cannot be read, before it is passed over.
	recordTries = 3
	// maxRetry bounds the wait that an event stream asks for by its `retry` field.
	maxRetry = time.Hour
)

// source gives the pages of an answer that goes on, and makes the request for one if there is none. Each chain
// has its own.
type source struct {
	poller  *Poller
	request *Request
	open    *openAnswer // nil: none
	bad     badRecord
}

// badRecord is a record that cannot be read.
type badRecord struct {
	after position.Position
	tries int
}

// poll returns the page that comes next, or the answer to a question.
func (s *source) poll(ctx context.Context, _ *Request, ask feed.Ask) (page.Page, error) {
	if ask.Aside {
		return s.aside(ctx, ask)
	}
	return s.next(ctx, ask)
}

// next returns the page that comes next.
func (s *source) next(ctx context.Context, ask feed.Ask) (page.Page, error) {
	if s.open != nil && !s.open.continues(ask.From) {
		s.close()
	}
	if s.open == nil {
		p, err := s.begin(ctx, ask)
		if s.open == nil {
			return p, err
		}
	}
	p, err := s.open.read(ctx, ask)
	if failure := (*page.Error)(nil); errors.As(err, &failure) {
		failure.Status = s.open.records.Status()
	}
	if err != nil && s.open.unread && s.passesOver() {
		s.poller.upstream.LoggerOf(s.request).Warn("a record of the answer cannot be read, however often it comes: it is passed over", zap.Error(err))
		p, err = s.open.skip(), nil
	}
	if err != nil || p.Reset || p.Restarted || p.End || p.Reopen {
		s.close()
	}
	return p, err
}

// aside asks a question: it takes the first page of an answer of its own, which does not go on.
func (s *source) aside(ctx context.Context, ask feed.Ask) (page.Page, error) {
	other := &source{poller: s.poller, request: s.request}
	defer other.close()
	return other.next(ctx, ask)
}

// passesOver reports whether a record that cannot be read has come often enough. What has no place to be asked
// from does not come again.
func (s *source) passesOver() bool {
	if at := s.open.at; s.bad.tries == 0 || !samePlace(s.bad.after, at) {
		s.bad = badRecord{after: at}
	}
	s.bad.tries++
	return s.bad.tries >= recordTries
}

// begin makes the request. If its answer does not go on, begin returns what it says.
func (s *source) begin(ctx context.Context, ask feed.Ask) (page.Page, error) {
	u, p, from := s.poller, s.request, ask.From
	if err := u.open(ctx, p, ask); err != nil {
		return page.Page{}, err
	}
	if ask = p.Opened(ask); p.otherEpoch(ask) {
		return page.Page{Restarted: true, Next: position.Position{Epoch: ask.Session.Epoch}}, nil
	}
	if p.close != nil {
		_, done := u.attend(ctx, p, ask)
		done() // only a beat ends a request before its time, and streams have none
	}
	ask.Count = sessionOf(ask.Session).take()
	began := time.Now()
	l := newLive(ctx, p)
	l.watched = u.watcher != nil
	var late atomic.Bool
	timer := time.AfterFunc(p.Plan.Timeout, func() {
		late.Store(true)
		l.cancel(context.DeadlineExceeded)
	})
	if ask.Reached != nil {
		ask.Reached(feed.Sent)
	}
	resp, err := u.ask(l.ctx, p, ask, l)
	timer.Stop()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case late.Load():
		err = unanswered(p.Plan.Timeout)
	case err == nil && l.going():
		s.open = &openAnswer{
			live: l, watcher: u.watcher, plan: p.Plan, env: p.Env, records: p.Reader.Records(resp, ask.From), began: began,
			at: ask.From, opened: !ask.From.Cursor.Equal(from.Cursor),
		}
		if u.watcher != nil {
			u.watcher.Began(resp.Status, resp.Header)
		}
		return page.Page{}, nil
	}
	l.cancel(context.Canceled)
	if err != nil {
		return page.Page{}, err
	}
	return s.whole(resp, ask, time.Since(began))
}

// whole reads an answer that does not go on: an error, mostly.
func (s *source) whole(resp page.Response, ask feed.Ask, took time.Duration) (page.Page, error) {
	p := s.request
	answered, err := p.Reader.Read(resp, ask.From, p.Env(ask))
	answered.Status = resp.Status
	if failure := (*page.Error)(nil); errors.As(err, &failure) {
		failure.Status = resp.Status
	}
	switch {
	case err != nil || answered.Reset || answered.Reopen:
		return answered, err
	case resp.Status == http.StatusNoContent && p.Plan.Page.Format == page.EventStream: // nothing will follow (HTML standard, 9.2.3)
		return page.Page{Status: resp.Status, Next: ask.From, End: true}, nil
	}
	return page.Page{}, &feed.Closed{Lasted: took, Wait: answered.Wait, Status: resp.Status}
}

func (s *source) close() {
	if s.open != nil {
		s.open.live.cancel(context.Canceled)
		<-s.open.live.done
		s.open = nil
	}
}

// openAnswer is an answer that goes on, as far as it has come.
type openAnswer struct {
	live    *live
	watcher Watcher // nil: none
	plan    *config.Plan
	env     func(feed.Ask) *value.Env
	records *page.Records
	at      position.Position // after all pages
	opened  bool              // that is the cursor of `open`, of which no page has told yet
	rest    []decode.Record   // that came, and are not read
	unread  bool              // the first of them cannot be read
	any     bool              // there were records
	began   time.Time
	retry   time.Duration // that it has asked for
}

// continues reports whether the answer goes on from a position.
func (o *openAnswer) continues(from position.Position) bool {
	return o.live.ctx.Err() == nil && samePlace(o.at, from)
}

// samePlace reports whether two positions of one chain are the same. The feed has names of its own for counts.
func samePlace(a, b position.Position) bool {
	return a.Epoch == b.Epoch && a.Done == b.Done && a.Cursor.Equal(b.Cursor)
}

// read returns the next page that has something to tell.
func (o *openAnswer) read(ctx context.Context, ask feed.Ask) (page.Page, error) {
	if o.opened { // what comes from now on can be asked for
		o.opened = false
		return page.Page{Status: o.records.Status(), News: true, Next: o.at}, nil
	}
	for {
		if len(o.rest) == 0 {
			if err := o.wait(ctx); err != nil {
				return page.Page{}, err
			}
		}
		p, read, err := o.records.Read(o.rest, o.env(ask))
		told := err != nil || p.News || p.Reset || p.Restarted || p.End || p.Reopen
		if o.watcher != nil {
			records := o.rest[:max(read, 1)]
			o.watcher.Came(Came{Records: records, Found: o.records.Explain(records, o.env(ask)), Page: told})
		}
		if o.rest = o.rest[read:]; err != nil {
			o.unread = true
			return page.Page{}, err
		}
		if o.at = p.Next; told {
			return p, nil
		}
	}
}

// skip passes over the record that cannot be read.
func (o *openAnswer) skip() page.Page {
	o.rest, o.unread = o.rest[1:], false
	return o.records.Skip()
}

// wait waits for records.
func (o *openAnswer) wait(ctx context.Context) error {
	silence := o.silence()
	defer silence.Stop()
	for {
		select {
		case o.rest = <-o.live.records:
			o.came()
			return nil
		case text := <-o.live.life:
			if o.watcher != nil {
				o.watcher.Alive(text)
			}
			if o.plan.Silence > 0 {
				silence.Reset(o.plan.Silence)
			}
		case <-silence.C: // the connection may be broken, or have nothing to say
			closed := o.closed()
			closed.Silent = o.plan.Silence
			return closed
		case <-o.live.done:
			select {
			case o.rest = <-o.live.records: // it came before
				o.came()
				return nil
			default:
			}
			if o.rest = o.live.last(); len(o.rest) == 0 {
				return o.over()
			}
			o.came()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// silence returns a timer of how long the answer may be silent; it never fires if there is no limit.
func (o *openAnswer) silence() *time.Timer {
	if o.plan.Silence > 0 {
		return time.NewTimer(o.plan.Silence)
	}
	t := time.NewTimer(0)
	t.Stop()
	return t
}

// closed returns the end of an answer of which nothing is missing.
func (o *openAnswer) closed() *feed.Closed {
	return &feed.Closed{Lasted: time.Since(o.began), Records: o.any, Wait: o.retry, Status: o.records.Status()}
}

// came takes note of records that came.
func (o *openAnswer) came() {
	o.any = true
	if o.plan.Page.Format != page.EventStream {
		return
	}
	for i := range o.rest {
		if digits := o.rest[i].Header.Get("Retry"); digits != "" {
			o.retry = maxRetry
			if ms, err := strconv.ParseInt(digits, 10, 64); err == nil { // otherwise it is larger than any number
				o.retry = time.Duration(min(ms, maxRetry.Milliseconds())) * time.Millisecond
			}
		}
	}
}

// over returns how the answer has ended.
func (o *openAnswer) over() error {
	switch l := o.live; {
	case l.broken != nil:
		return &page.Error{Comment: page.Unreadable, Cause: page.CauseOf(l.broken), Err: fmt.Errorf("reading the answer's records: %w", l.broken)}
	case l.err != nil:
		return l.err
	case l.framer.Partial():
		return &page.Error{Comment: page.Unreachable, Err: errors.New("the answer ended within a record")}
	}
	return o.closed()
}
