package suggest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// arrival is a part of an answer's body that came at once.
type arrival struct {
	at   time.Duration // since the request
	text []byte
}

// errTooLarge is the error of an answer that a bridge would not read either, unless its limit is raised.
var errTooLarge = errors.New("the answer is larger than 8 MiB, which is what a block reads at most, unless `limits` allows a larger `response`: ask for less of it, such as with a parameter for the newest items")

// take reads the body of an answer within that time. An answer that goes on is then listened to.
func (e *Endpoint) take(ctx context.Context, resp *http.Response, start time.Time, within, listen time.Duration) (reply, error) {
	r := reply{Response: page.Response{Status: resp.StatusCode, Header: resp.Header}}
	late, settled := time.NewTimer(within), time.After(e.Hold)
	defer late.Stop()
	long := false
	parts := arriving(ctx, resp.Body)
	for {
		over := false
		select {
		case p := <-parts:
			if r.took = time.Since(start); len(p.text) > 0 {
				r.Body = append(r.Body, p.text...)
				r.arrivals = append(r.arrivals, arrival{r.took, p.text})
			}
			switch {
			case errors.Is(p.err, io.EOF):
				r.goesOn = isEndless(resp.Header) && len(r.Body) > 0
				return r, nil
			case p.err != nil && r.goesOn:
				return r, nil
			case p.err != nil:
				return reply{}, fmt.Errorf("reading the answer: %w", p.err)
			case len(r.Body) >= maxBody:
				if r.goesOn = goesOn(resp, r.Body); !r.goesOn {
					return reply{}, errTooLarge
				}
				return r, nil
			}
		case <-settled:
			if long = true; !goesOn(resp, r.Body) {
				e.waiting(within)
			}
		case <-late.C:
			over = true
		case <-ctx.Done():
			return reply{}, ctx.Err()
		}
		switch begun := goesOn(resp, r.Body); {
		case over && (r.goesOn || begun && listen == 0):
			r.took, r.goesOn = time.Since(start), true
			return r, nil
		case over && !begun:
			return reply{took: time.Since(start), held: true}, nil
		case begun && !r.goesOn && (long || over):
			if r.goesOn = true; listen == 0 {
				return r, nil
			}
			e.Say(fmt.Sprintf("the answer goes on: reading it for %s, to see its records", listen))
			late.Reset(listen)
		}
	}
}

// part is what a body had to read.
type part struct {
	text []byte
	err  error
}

// arriving reads a body, until it ends or the context does.
func arriving(ctx context.Context, body io.Reader) <-chan part {
	parts := make(chan part)
	go func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := body.Read(buffer)
			select {
			case parts <- part{bytes.Clone(buffer[:n]), err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return parts
}

// goesOn reports whether an answer that has not ended is one whose end is not to be waited for. Blanks alone are
// none: some endpoints send them while they hold a request.
func goesOn(resp *http.Response, body []byte) bool {
	return resp.StatusCode/100 == 2 && resp.ContentLength < 0 && (isEndless(resp.Header) || len(bytes.TrimSpace(body)) > 0)
}

// isEndless reports whether the type of an answer is one that goes on.
func isEndless(header http.Header) bool {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return kind == "text/event-stream" || kind == "multipart/x-mixed-replace"
}
