package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
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

// exchanger makes single requests, of polls and of steps.
type exchanger struct {
	upstream Routes
	slots    *slots
	unpacker unpacker
}

// exchange makes one request and waits for its answer, within the limit on requests that are not held. It
// returns no news if the upstream has held the request until the timeout.
func (u *exchanger) exchange(ctx context.Context, p *Request, ask feed.Ask) (resp page.Response, silent bool, err error) {
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
	ending := newEnding(ctx)
	defer ending.because(context.Canceled)
	timer := time.AfterFunc(timeout, func() { ending.because(context.DeadlineExceeded) })
	defer timer.Stop()
	polling := ending.ctx
	if ask.Reached != nil {
		ask.Reached(feed.Sent)
	}
	session := sessionOf(ask.Session)
	ask.Count = session.take()
	resp, err = u.ask(polling, p, ask, nil)
	if err != nil && ctx.Err() == nil && !answered(err) { // what the bridge ends itself has arrived, and counts
		session.untake(ask.Count)
	}
	unended, begun := errors.AsType[*unendedError](err)
	switch {
	case ctx.Err() != nil:
		return page.Response{}, false, ctx.Err()
	case err == nil: // it has come as a whole, whatever the time is now
		return resp, false, nil
	case errors.Is(err, errTooLarge): // which has ended the poll
		return page.Response{}, false, err
	case polling.Err() != nil && begun && ask.Carry == nil && (unended.again || p.Plan.Hold == 0):
		unended.within, unended.poll = timeout, p.which == KindPoll
		return page.Response{}, false, &page.Error{Status: unended.status, Comment: page.Unreadable, Cause: page.Unended, Err: unended}
	case polling.Err() != nil && p.Plan.Hold > 0:
		return page.Response{}, true, nil
	case polling.Err() != nil:
		return page.Response{}, false, unanswered(p.Plan.Timeout)
	}
	return page.Response{}, false, err
}

// unsent is the error of a request that could not be made.
type unsent struct{ error }

// Unwrap returns why.
func (e unsent) Unwrap() error { return e.error }

// answered reports whether an error is about an answer.
func answered(err error) bool {
	failed, ok := errors.AsType[*page.Error](err)
	return ok && !failed.Unanswered() && !errors.As(err, new(unsent))
}

// unanswered returns the error of a request that was not answered in time.
func unanswered(timeout time.Duration) error {
	return &page.Error{Comment: page.Late, Err: fmt.Errorf("none within %s: %w", timeout, context.DeadlineExceeded)}
}

// ask makes one poll and follows its redirects to the same origin. An answer that goes on comes out at l; nil: it
// does not.
func (u *exchanger) ask(ctx context.Context, p *Request, ask feed.Ask, l *live) (page.Response, error) {
	p = p.For(ask)
	var to *url.URL
	demoted := false // to a GET, by a redirect
	for n := 0; ; n++ {
		a := newAnswer(p.Plan.Limits.Response, &u.unpacker)
		a.ending = endingOf(ctx)
		a.ending.asks()
		if l != nil {
			a.live = l
		}
		if reached := ask.Reached; reached != nil {
			a.begun = func() { reached(feed.Begun) }
		}
		r, asked, err := p.build(ctx, ask, u.upstream.NewestServer(), a, to)
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
		method := r.Method // handlers change the request
		resp, err := u.answer(p, r, a, l)
		if err != nil {
			return page.Response{}, err
		}
		if len(resp.Header["Set-Cookie"]) > 0 && !p.Plan.Elsewhere {
			ask.Session.Jar.SetCookies(asked, (&http.Response{Header: resp.Header}).Cookies())
		}
		if l != nil && l.going() { // `accept` has this status, and the answer goes on
			return resp, nil
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
	if err != nil || to.Scheme != asked.Scheme {
		return nil
	}
	at := config.HostPort(to.Scheme, to.Host)
	if at != config.HostPort(asked.Scheme, asked.Host) && at != config.HostPort(asked.Scheme, host) {
		return nil
	}
	if to.Path == "" {
		to.Path = "/"
	}
	return to
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
func (u *exchanger) answer(p *Request, r *http.Request, a *Answer, l *live) (page.Response, error) {
	if l == nil {
		return u.roundTrip(p.which, r, a)
	}
	return l.serve(a, func() (resp page.Response, failed error) {
		defer u.survive(p, &failed)
		return u.roundTrip(p.which, r, a)
	})
}

// survive is deferred where a poll is made: a bug in the bridge must end neither the process nor the stream.
func (u *exchanger) survive(p *Request, failed *error) {
	if v := recover(); v != nil {
		u.upstream.LoggerOf(p).Error("poll panicked", zap.Any("panic", v), zap.StackSkip("stack", 2))
		*failed = &page.Error{Comment: page.Unreadable, Err: fmt.Errorf("the poll panicked: %v", v)}
	}
}

// roundTrip sends one request through the upstream routes of the newest configuration.
func (u *exchanger) roundTrip(which Kind, r *http.Request, a *Answer) (page.Response, error) {
	routes := u.upstream.Routes(which)
	if routes == nil {
		return page.Response{}, errors.New("the configuration has ended")
	}
	a.head = r.Method == http.MethodHead
	err := serve(routes, a, r)
	if err == nil && r.Context().Err() != nil && !a.whole() { // a handler takes an answer for complete that the bridge has ended
		err = context.Cause(r.Context())
	}
	failed, named := errors.AsType[caddyhttp.HandlerError](err)
	switch {
	case a.over:
		return page.Response{}, &page.Error{Comment: page.Unreadable, Cause: page.TooLarge, Err: fmt.Errorf("%w (%d bytes)", errTooLarge, a.limit)}
	case named && a.Status == 0 && failed.StatusCode != 0 && failed.StatusCode != http.StatusBadGateway && failed.StatusCode != http.StatusGatewayTimeout:
		// a handler that answers with an error, like file_server and error
		return page.Response{Status: failed.StatusCode, Header: a.Fields}, nil
	case err != nil:
		if size := a.told(); size > 0 && r.Context().Err() != nil {
			return page.Response{}, &page.Error{Comment: page.Unreadable, Cause: page.Unended, Err: &unendedError{status: a.Status, size: size, again: a.again()}}
		}
		if named && failed.Err != nil {
			err = failed.Err // without a random id, a place in Caddy's code, and a status that the upstream has not sent
		}
		return page.Response{}, a.broken(err)
	case a.goesOn:
		return page.Response{}, nil
	}
	resp, err := a.Response()
	if err != nil {
		return page.Response{}, &page.Error{Comment: page.Unreadable, Cause: page.TooLarge, Err: err}
	}
	if want, ok := contentLength(resp.Header); ok && want > int64(a.body.Len()) && !a.bodyless() {
		return page.Response{}, a.broken(fmt.Errorf("the answer ended after %d of %d bytes", a.body.Len(), want))
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
