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

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

const (
	// AcceptEncoding is what polls ask for.
	AcceptEncoding = "gzip"
	// maxRedirects is how many redirects of one poll are followed.
	maxRedirects = 5
	// heldAfter is how long a poll must be under way to count as held by the upstream.
	heldAfter = time.Second
	// carriedFor is how long a page may take that decides about items which are held back. One that the
	// upstream holds for longer is not there yet.
	carriedFor = 3 * time.Second
)

// errNoRoute is what the routes of an upstream come to where none of them answers.
var errNoRoute = errors.New("no handler of the `upstream` block answered the poll")

// NoRoute is the last handler behind the upstream routes.
var NoRoute = caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return errNoRoute })

// Routes is what the newest configuration of a bridge answers polls with.
type Routes interface {
	Routes(which Kind) caddyhttp.Handler // nil after the last configuration
	NewestServer() *caddyhttp.Server
	LoggerOf(p *Request) *zap.Logger
}

// Poller makes the polls of a bridge.
type Poller struct {
	upstream Routes
	slots    slots
}

func NewPoller(r Routes, polls int) *Poller { return &Poller{upstream: r, slots: make(slots, polls)} }

// Poll returns the function by which a feed polls for one request.
func (u *Poller) Poll(p *Request) feed.Poll {
	return func(ctx context.Context, ask feed.Ask) (answered page.Page, failed error) {
		defer func() { // a mistake of ours must not end the process, nor the stream
			if v := recover(); v != nil {
				u.upstream.LoggerOf(p).Error("poll panicked", zap.Any("panic", v), zap.StackSkip("stack", 2))
				failed = &page.Error{Comment: page.Unreadable, Err: fmt.Errorf("the poll panicked: %v", v)}
			}
		}()
		if err := u.open(ctx, p, ask); err != nil {
			return page.Page{}, err
		}
		ask = p.Opened(ask)
		rung, quiet, err := u.ring(ctx, p, ask)
		if err != nil || !rung || quiet.Reset {
			return quiet, err
		}
		resp, silent, err := u.exchange(ctx, p, ask)
		switch {
		case err != nil:
			return page.Page{}, err
		case silent && ask.Carry != nil:
			return ask.Carry.Settle(), nil
		case silent:
			return page.Page{Next: ask.From, Validators: ask.Validators}, nil
		}
		if p.Plan.Forgetful { // which gives nothing again that could be compared
			answered, failed = p.Reader.Read(resp, ask.From, p.Env(ask))
		} else {
			answered, failed = p.Reader.ReadOn(resp, ask.From, ask.Carry, p.Env(ask))
		}
		answered.Wait, answered.Asked = max(answered.Wait, quiet.Wait), max(answered.Asked, quiet.Asked)
		answered.Status = resp.Status
		if failure := (*page.Error)(nil); errors.As(failed, &failure) {
			failure.Status = resp.Status
		}
		return answered, failed
	}
}

// exchange makes one request and waits for its answer, within the bound on requests that are not
// held. It is silent where the upstream has held the request to the end of its time.
func (u *Poller) exchange(ctx context.Context, p *Request, ask feed.Ask) (resp page.Response, silent bool, err error) {
	if holds := p.Plan.Hold > 0; !holds || !ask.Held {
		release, err := u.slots.take(ctx, holds)
		if err != nil {
			return page.Response{}, false, err
		}
		defer release()
	}
	timeout := p.Plan.Timeout
	if ask.Carry != nil && p.Plan.Hold > 0 { // clients wait for what is held back, which is no news to the upstream
		timeout = min(timeout, carriedFor)
	}
	polling, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if ask.Reached != nil {
		ask.Reached(feed.Sent)
	}
	resp, err = u.ask(polling, p, ask)
	switch {
	case ctx.Err() != nil:
		return page.Response{}, false, ctx.Err()
	case polling.Err() != nil && p.Plan.Hold > 0:
		return page.Response{}, true, nil
	case polling.Err() != nil:
		return page.Response{}, false, fmt.Errorf("no answer within %s: %w", p.Plan.Timeout, context.DeadlineExceeded)
	}
	return resp, false, err
}

// ask makes one poll and follows its redirects to the same origin.
func (u *Poller) ask(ctx context.Context, p *Request, ask feed.Ask) (page.Response, error) {
	var to *url.URL
	demoted := false // to a GET, by a redirect
	for n := 0; ; n++ {
		a := NewAnswer(p.Plan.Limits.Response)
		if ask.Reached != nil {
			a.begun = func() { ask.Reached(feed.Begun) }
		}
		r, err := p.Build(ctx, ask, u.upstream.NewestServer(), a, to)
		if err != nil { // the last answer's cursor leads nowhere; the upstream is well
			return page.Response{}, &page.Error{Comment: page.Unreadable, Err: err}
		}
		if demoted {
			r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
			r.Header.Del("Content-Type")
		}
		if r.Header.Get("Accept-Encoding") == "" { // else Go's client asks by itself, and takes an empty gzip for an empty answer
			r.Header.Set("Accept-Encoding", AcceptEncoding)
		}
		asked, method := p.Absolute(r.URL, r.Header), r.Method // handlers edit the request in place
		resp, err := u.roundTrip(p.which, r, a)
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

// redirect returns where an answer sends the poll, if that is at the same origin, which the upstream may
// call by the host that the poll names, too.
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

// hostPort is what of a URL makes its origin, beside the scheme (RFC 6454, section 4).
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
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
		// a handler that answers by an error, as file_server and error do
		return page.Response{Status: failed.StatusCode, Header: a.Fields}, nil
	case err != nil:
		return page.Response{}, &page.Error{Comment: page.Unreachable, Err: err}
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

// serve calls the upstream. A handler may panic to abort its answer, which ends this poll alone.
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

// take waits for a slot. The slot is given back by release; where the upstream may hold the
// poll, sooner: once it turns out to be held.
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
