package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

const (
	// maxRedirects is how many redirects of one poll are followed.
	maxRedirects = 5
	// heldAfter is how long a poll must take before it counts as held by the upstream.
	heldAfter = time.Second
	// carriedFor is how long the bridge waits for a page that decides about items that are held back. If the
	// upstream holds it for longer, the page does not exist yet.
	carriedFor = 3 * time.Second
)

// errNoRoute is the error if no route of the upstream answers.
var errNoRoute = errors.New("no handler of the `upstream` block answered the poll")

// NoRoute is the last handler, after the upstream routes.
var NoRoute = caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return errNoRoute })

// Routes returns the routes of the newest configuration of a bridge, which answer polls.
type Routes interface {
	Routes(which Kind) caddyhttp.Handler // nil after the last configuration
	NewestServer() *caddyhttp.Server
	LoggerOf(p *Request) *zap.Logger
}

// Poller makes the polls of a bridge.
type Poller struct {
	upstream Routes
	slots    slots
	watcher  Watcher // nil: none
}

func NewPoller(r Routes, polls int) *Poller { return &Poller{upstream: r, slots: make(slots, polls)} }

// Poll returns the function with which a chain polls for one request.
func (u *Poller) Poll(p *Request) feed.Poll {
	poll := u.poll
	if p.Plan.Stream {
		poll = (&source{poller: u, request: p}).poll
	}
	return func(ctx context.Context, ask feed.Ask) (answered page.Page, failed error) {
		defer func() { // a bug in the bridge must end neither the process nor the stream
			if v := recover(); v != nil {
				u.upstream.LoggerOf(p).Error("poll panicked", zap.Any("panic", v), zap.StackSkip("stack", 2))
				failed = &page.Error{Comment: page.Unreadable, Err: fmt.Errorf("the poll panicked: %v", v)}
			}
		}()
		old := ask.Session.Opened != nil
		answered, failed = poll(ctx, p, ask)
		if failed != nil || !answered.Reopen {
			return answered, failed
		}
		ask.Session.Opened = nil
		if old {
			u.upstream.LoggerOf(p).Debug("the session has ended; opening another one")
			if answered, failed = poll(ctx, p, ask); failed != nil || !answered.Reopen {
				return answered, failed
			}
			ask.Session.Opened = nil
		}
		return page.Page{}, &page.Error{
			Status: answered.Status, Comment: page.Reported, Wait: answered.Wait, Asked: answered.Asked,
			Err: errors.New("a `reopen` condition holds for the first poll of a session"),
		}
	}
}

// poll makes one poll, in the chain's session. If there is none, it opens one before.
func (u *Poller) poll(ctx context.Context, p *Request, ask feed.Ask) (answered page.Page, failed error) {
	if err := u.open(ctx, p, ask); err != nil {
		return page.Page{}, err
	}
	if ask = p.Opened(ask); p.otherEpoch(ask) {
		return page.Page{Restarted: true, Next: position.Position{Epoch: ask.Session.Epoch}}, nil
	}
	polling, done := u.attend(ctx, p, ask)
	defer done()
	rung, quiet, err := u.ring(polling, p, ask)
	if err == nil && (!rung || quiet.Reset) {
		return quiet, nil
	}
	var resp page.Response
	silent := false
	if err == nil {
		resp, silent, err = u.exchange(polling, p, ask)
	}
	switch {
	case sessionOf(ask.Session).over() && ctx.Err() == nil: // a session without positions takes with it what it held
		return page.Page{Next: ask.From, Reset: p.Plan.Page.Once, Reopen: !p.Plan.Page.Once}, nil
	case err != nil:
		return page.Page{}, err
	case silent && ask.Carry != nil:
		return ask.Carry.Settle(), nil
	case silent:
		return page.Page{Next: ask.From, Validators: ask.Validators}, nil
	}
	env := p.Env(ask)
	switch {
	case p.Plan.Page.Once:
		answered, failed = p.readOnce(resp, ask, env)
	case p.Reader.Set():
		answered, failed = p.Reader.ReadSet(resp, ask.From, ask.Set, 0, env)
	case p.Plan.Forgetful: // it never gives anything twice that could be compared
		answered, failed = p.Reader.Read(resp, ask.From, env)
	default:
		answered, failed = p.Reader.ReadOn(resp, ask.From, ask.Carry, env)
	}
	if failed == nil {
		ask.Session.Then = u.follow(p, ask, env, answered.Followed)
	}
	if failed == nil && answered.Set != nil && answered.More {
		answered, failed = u.pages(ctx, p, ask, answered)
	}
	answered.Wait, answered.Asked = max(answered.Wait, quiet.Wait), max(answered.Asked, quiet.Asked)
	answered.Status = resp.Status
	if failure := (*page.Error)(nil); errors.As(failed, &failure) {
		failure.Status = resp.Status
	}
	return answered, failed
}

// pages asks for the other pages of a set, of which the first has come, and returns all of them as one page. Each
// may take as long as a poll. If one fails, all do: the next poll begins with the first page again.
func (u *Poller) pages(ctx context.Context, p *Request, ask feed.Ask, first page.Page) (page.Page, error) {
	pages, err := page.NewPages(p.Reader, ask.From, first, p.Plan.Limits.Response)
	if err != nil {
		return page.Page{}, err
	}
	ask.First, ask.Validators, ask.Reached, ask.Held = false, page.Validators{}, nil, false
	for {
		from, more := pages.Next()
		if !more {
			return pages.Whole(), nil
		}
		ask.From = from
		resp, silent, err := u.exchange(ctx, p, ask)
		switch {
		case err != nil:
			return page.Page{}, pages.Failed(err)
		case silent:
			return page.Page{}, pages.Failed(fmt.Errorf("no answer within %s: %w", p.Plan.Timeout, context.DeadlineExceeded))
		}
		next, err := p.Reader.ReadSet(resp, from, ask.Set, pages.Count(), p.Env(ask))
		failure := (*page.Error)(nil)
		if errors.As(err, &failure) {
			failure.Status = resp.Status
		}
		if err != nil {
			return page.Page{}, pages.Failed(err)
		}
		if err := pages.Add(next); err != nil {
			return page.Page{}, err
		}
	}
}

// readOnce reads an answer whose items are all new. The id of an item before them says nothing of them.
func (p *Request) readOnce(resp page.Response, ask feed.Ask, env *value.Env) (page.Page, error) {
	from := ask.From
	if !p.Reader.Counts() {
		from = position.Position{Epoch: from.Epoch}
	}
	answered, err := p.Reader.Read(resp, from, env)
	if err == nil && len(answered.Events) == 0 {
		answered.Next = ask.From
	}
	return answered, err
}

// exchange makes one request and waits for its answer, within the limit on requests that are not held. It
// returns no news if the upstream has held the request until the timeout.
func (u *Poller) exchange(ctx context.Context, p *Request, ask feed.Ask) (resp page.Response, silent bool, err error) {
	if holds := p.Plan.Hold > 0; !holds || !ask.Held {
		release, err := u.slots.take(ctx, holds)
		if err != nil {
			return page.Response{}, false, err
		}
		defer release()
	}
	timeout := p.Plan.Timeout
	if ask.Carry != nil && p.Plan.Hold > 0 { // clients wait for the items that are held back, and the upstream does not count these as news
		timeout = min(timeout, carriedFor)
	}
	polling, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if ask.Reached != nil {
		ask.Reached(feed.Sent)
	}
	session := sessionOf(ask.Session)
	ask.Count = session.take()
	resp, err = u.ask(polling, p, ask, nil)
	if err != nil && !answered(err) {
		session.untake(ask.Count)
	}
	unended := (*unendedError)(nil)
	switch {
	case ctx.Err() != nil:
		return page.Response{}, false, ctx.Err()
	case polling.Err() != nil && errors.As(err, &unended) && ask.Carry == nil:
		unended.within, unended.poll = timeout, p.which == KindPoll
		return page.Response{}, false, &page.Error{Status: unended.status, Comment: page.Unreadable, Err: unended}
	case polling.Err() != nil && p.Plan.Hold > 0:
		return page.Response{}, true, nil
	case polling.Err() != nil:
		return page.Response{}, false, fmt.Errorf("no answer within %s: %w", p.Plan.Timeout, context.DeadlineExceeded)
	}
	return resp, false, err
}

// unsent is the error of a request that could not be made.
type unsent struct{ error }

// Unwrap returns why.
func (e unsent) Unwrap() error { return e.error }

// answered reports whether an error is about an answer.
func answered(err error) bool {
	failed, ok := errors.AsType[*page.Error](err)
	return ok && failed.Comment != page.Unreachable && !errors.As(err, new(unsent))
}

// ask makes one poll and follows its redirects to the same origin. An answer that goes on comes out at l; nil: it
// does not.
func (u *Poller) ask(ctx context.Context, p *Request, ask feed.Ask, l *live) (page.Response, error) {
	var to *url.URL
	demoted := false // to a GET, by a redirect
	for n := 0; ; n++ {
		a := NewAnswer(p.Plan.Limits.Response)
		a.live = l
		if ask.Reached != nil {
			a.begun = func() { ask.Reached(feed.Begun) }
		}
		r, err := p.Build(ctx, ask, u.upstream.NewestServer(), a, to)
		if err != nil { // the last answer's cursor is invalid; the upstream itself works
			return page.Response{}, &page.Error{Comment: page.Unreadable, Err: unsent{err}}
		}
		if demoted {
			r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
			r.Header.Del("Content-Type")
		}
		if r.Header.Get("Accept-Encoding") == "" { // otherwise Go's client sets it, and takes an empty gzip for an empty answer
			r.Header.Set("Accept-Encoding", AcceptEncoding(p.Plan))
		}
		asked, method := p.Absolute(r.URL, r.Header), r.Method // handlers change the request
		resp, err := u.answer(p.which, r, a)
		if err != nil {
			return page.Response{}, err
		}
		if !p.Plan.Elsewhere {
			ask.Session.Jar.SetCookies(asked, (&http.Response{Header: resp.Header}).Cookies())
		}
		if to = redirect(asked, p.Said.Host, resp); to == nil {
			return resp, nil
		}
		if n == maxRedirects {
			return page.Response{}, &page.Error{
				Comment: "status " + strconv.Itoa(resp.Status), Err: fmt.Errorf("more than %d redirects in a row", maxRedirects),
			}
		}
		demoted = demoted || resp.Status < http.StatusTemporaryRedirect && method != http.MethodHead
	}
}

// redirect returns the target of a redirect, if it has the same origin. The upstream may also name the origin
// by the host that the poll has.
func redirect(asked *url.URL, host string, resp page.Response) *url.URL {
	switch resp.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	location := resp.Header.Get("Location")
	if location == "" {
		return nil
	}
	to, err := asked.Parse(location)
	if err != nil || to.Scheme != asked.Scheme || hostPort(to) != hostPort(asked) && hostPort(to) != hostPort(&url.URL{Scheme: asked.Scheme, Host: host}) {
		return nil
	}
	if to.Path == "" {
		to.Path = "/"
	}
	return to
}

// hostPort returns host and port of a URL, which with the scheme are its origin (RFC 6454, section 4).
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// AcceptEncoding returns the encodings that polls ask for. A record is late if it waits for others to be
// compressed with.
func AcceptEncoding(c *config.Plan) string {
	if c.Stream {
		return "identity"
	}
	return "gzip"
}

// answer sends one request, and returns its answer; of one that goes on the head.
func (u *Poller) answer(which Kind, r *http.Request, a *Answer) (page.Response, error) {
	if a.live == nil {
		return u.roundTrip(which, r, a)
	}
	return a.live.serve(u, which, r, a)
}

// roundTrip sends one request through the upstream routes of the newest configuration.
func (u *Poller) roundTrip(which Kind, r *http.Request, a *Answer) (page.Response, error) {
	routes := u.upstream.Routes(which)
	if routes == nil {
		return page.Response{}, errors.New("the configuration has ended")
	}
	a.head = r.Method == http.MethodHead
	err := serve(routes, a, r)
	switch failed := (caddyhttp.HandlerError{}); {
	case a.over:
		return page.Response{}, &page.Error{Comment: page.Unreadable, Err: fmt.Errorf("%w (%d bytes)", errTooLarge, a.limit)}
	case errors.As(err, &failed) && a.Status == 0 && failed.StatusCode != 0 && failed.StatusCode != http.StatusBadGateway && failed.StatusCode != http.StatusGatewayTimeout:
		// a handler that answers with an error, like file_server and error
		return page.Response{Status: failed.StatusCode, Header: a.Fields}, nil
	case err != nil:
		if size := a.told(); size > 0 && r.Context().Err() != nil {
			return page.Response{}, &page.Error{Comment: page.Unreadable, Err: &unendedError{status: a.Status, size: size}}
		}
		return page.Response{}, &page.Error{Comment: page.Unreachable, Err: err}
	case a.goesOn:
		return page.Response{}, nil
	}
	resp, err := a.Response()
	if err != nil {
		return page.Response{}, &page.Error{Comment: page.Unreadable, Err: err}
	}
	if want, err := strconv.ParseInt(resp.Header.Get("Content-Length"), 10, 64); err == nil &&
		want > int64(a.body.Len()) && !a.bodyless() {
		return page.Response{}, &page.Error{Comment: page.Unreachable, Err: fmt.Errorf("the answer ended after %d of %d bytes", a.body.Len(), want)}
	}
	return resp, nil
}

// serve calls the upstream. A handler may panic to abort its answer, which ends only this poll.
func serve(routes caddyhttp.Handler, a *Answer, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if abort, ok := v.(error); ok && errors.Is(abort, http.ErrAbortHandler) {
				err = errors.New("the upstream broke off its answer")
				return
			}
			err = fmt.Errorf("the upstream handler panicked: %v", v)
		}
	}()
	return routes.ServeHTTP(a, r)
}

// slots bounds the polls that are under way and not held by the upstream.
type slots chan struct{}

// take waits for a slot. Release returns the slot. If the upstream may hold the poll, the slot is returned
// earlier: as soon as the poll counts as held.
func (s slots) take(ctx context.Context, mayHold bool) (release func(), err error) {
	select {
	case s <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !mayHold {
		return func() { <-s }, nil
	}
	timer := time.AfterFunc(heldAfter, func() { <-s })
	return func() {
		if timer.Stop() {
			<-s
		}
	}, nil
}
