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

// maxBody bounds what is read of an answer.
const maxBody = 8 << 20

// answer is what the endpoint says to one request.
type answer struct {
	page.Response
	took time.Duration
	held bool // there was none in time
}

// quiet reports whether the endpoint says that there is nothing new.
func (a answer) quiet() bool {
	switch a.Status {
	case http.StatusNoContent, http.StatusNotModified, http.StatusRequestTimeout:
		return true
	}
	return a.held || a.Status/100 == 2 && len(a.Body) == 0
}

// slow reports whether an answer was held for a while.
func (e *Endpoint) slow(a answer) bool { return a.held || a.took >= e.Hold/2 }

// ask asks the endpoint, with one parameter of its query set, or, to nothing, left out; and waits for so
// long at most.
func (e *Endpoint) ask(ctx context.Context, within time.Duration, name, value string, header ...string) (answer, error) {
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
		return answer{}, fmt.Errorf("making a request: %w", err)
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
			return answer{Response: page.Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, took: time.Since(start)}, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case polling.Err() != nil:
		return answer{took: time.Since(start), held: true}, nil
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL, which may hold secrets
	}
	return answer{}, fmt.Errorf("asking %s: %w", e.URL.Host, err)
}

// sameOrigin follows redirects as polls do: to the same scheme and host, five at most.
func sameOrigin(r *http.Request, via []*http.Request) error {
	if len(via) > 5 || r.URL.Scheme != via[0].URL.Scheme || r.URL.Host != via[0].URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}
