package suggest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// Endpoint is what is looked at.
type Endpoint struct {
	URL    *url.URL
	Host   string      // of all requests; empty: the URL's
	Header http.Header // likewise
	Client http.RoundTripper
	Say    func(text string) // is told what goes on, where it takes its time; not nil

	// Hold is how long an answer may take until the endpoint counts as one that holds requests. Half
	// of it is slow already. An answer without a length that has begun and takes as long goes on. Default: 2s.
	Hold time.Duration
	// Listen is how long an answer that goes on is read, at least. Default: 15s.
	Listen time.Duration

	asked int // how many requests there were
}

// maxBody bounds what is read of an answer.
const maxBody = 8 << 20

// reply is what the endpoint says to one request.
type reply struct {
	page.Response
	took     time.Duration
	held     bool      // there was none in time
	goesOn   bool      // it has not ended; what has come of it is there
	arrivals []arrival // of its body
}

// quiet reports whether the endpoint says that there is nothing new.
func (r reply) quiet() bool {
	switch r.Status {
	case http.StatusNoContent, http.StatusNotModified, http.StatusRequestTimeout:
		return true
	}
	return r.held || r.Status/100 == 2 && len(r.Body) == 0
}

// slow reports whether a reply was held for a while.
func (e *Endpoint) slow(r reply) bool { return r.held || r.took >= e.Hold/2 }

// ask asks the endpoint, with one parameter of its query set, or, to nothing, left out; and waits for so
// long at most.
func (e *Endpoint) ask(ctx context.Context, within time.Duration, name, value string, header ...string) (reply, error) {
	return e.request(ctx, within, 0, name, value, header...)
}

// listen is ask that reads an answer that goes on for longer.
func (e *Endpoint) listen(ctx context.Context, within time.Duration, name, value string) (reply, error) {
	return e.request(ctx, within, e.Listen, name, value)
}

func (e *Endpoint) request(ctx context.Context, within, listen time.Duration, name, value string, header ...string) (reply, error) {
	u := *e.URL
	if name != "" {
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
	}
	polling, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(polling, http.MethodGet, u.String(), nil)
	if err != nil {
		return reply{}, fmt.Errorf("making a request: %w", err)
	}
	r.Host, r.Header = cmp.Or(e.Host, u.Host), e.Header.Clone()
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	e.asked++
	start := time.Now()
	late, quiet := time.AfterFunc(within, cancel), time.AfterFunc(e.Hold, func() { e.waiting(within) })
	defer quiet.Stop()
	client := http.Client{Transport: e.Client, CheckRedirect: sameOrigin}
	resp, err := client.Do(r)
	if err == nil {
		defer resp.Body.Close()
		late.Stop()
		quiet.Stop()
		var answered reply
		if answered, err = e.take(polling, resp, start, within-time.Since(start), listen); err == nil {
			return answered, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return reply{}, ctx.Err()
	case polling.Err() != nil:
		return reply{took: time.Since(start), held: true}, nil
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL, which may hold secrets
	}
	return reply{}, fmt.Errorf("asking %s: %w", e.URL.Host, err)
}

// waiting says that an answer is waited for, if that may take long.
func (e *Endpoint) waiting(within time.Duration) {
	if within > e.Hold {
		e.Say("the endpoint holds the request: waiting up to a minute for its answer, which comes when something happens there")
	}
}

// sameOrigin follows redirects as polls do: to the same scheme and host, five at most.
func sameOrigin(r *http.Request, via []*http.Request) error {
	if len(via) > 5 || r.URL.Scheme != via[0].URL.Scheme || r.URL.Host != via[0].URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// position returns the parameter of the URL that is a position, by its name; empty for none.
func (e *Endpoint) position() string {
	for name, value := range parameters(e.URL.RawQuery) {
		if value != "" && isPosition(name) {
			return name
		}
	}
	return ""
}
