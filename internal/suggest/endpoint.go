package suggest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	// of it is slow already. Default: 2s.
	Hold time.Duration

	asked int // how many requests there were
}

// maxBody bounds what is read of an answer.
const maxBody = 8 << 20

// reply is what the endpoint says to one request.
type reply struct {
	page.Response
	took time.Duration
	held bool // there was none in time
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
	u := *e.URL
	if name != "" {
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
	}
	polling, cancel := context.WithTimeout(ctx, within)
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
	client := http.Client{Transport: e.Client, CheckRedirect: sameOrigin}
	resp, err := client.Do(r)
	if err == nil {
		defer resp.Body.Close()
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody)); err == nil {
			return reply{Response: page.Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, took: time.Since(start)}, nil
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
