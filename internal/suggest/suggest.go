// Package suggest looks at an endpoint of which nothing is known, and says how an sse_bridge would
// poll it. It asks by GET alone. What it can try out it tries: a query parameter is taken for the cursor
// where the answer to it is what came after the cursor.
package suggest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

const (
	// patience is how long the first answer is waited for: the endpoint may hold it until there is news.
	patience = time.Minute
	// hold is how long all others are.
	hold = 2 * time.Second
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

// findings are what is known of an endpoint after its first answer.
type findings struct {
	*Endpoint
	first answer
	found page.Found // read as its format says
	list  *list      // nil where there is none
}

// For looks at an endpoint and returns the block that fits it best. The error says why there is none.
func For(ctx context.Context, e Endpoint) (*Block, error) {
	e.Hold = cmp.Or(e.Hold, hold)
	f := &findings{Endpoint: &e}
	if err := f.look(ctx); err != nil {
		return nil, withHint(err, trial.Hint(trial.Evidence{Err: err}))
	}
	if err := f.usable(); err != nil {
		return nil, err
	}
	b, err := f.block(ctx)
	if err != nil {
		return nil, err
	}
	requests := shape.Count(e.asked, "request")
	if e.asked == 1 {
		requests = "one request"
	}
	b.Notes = append(b.Notes, fmt.Sprintf("suggested after %s; to see what comes of it: caddy sse-bridge try %s --caddyfile Caddyfile", requests, b.Path))
	return b, nil
}

// look gets the first answer. One that has nothing in it since the URL asks for what is new is asked for once
// more without that.
func (f *findings) look(ctx context.Context) (err error) {
	if name := f.position(); name != "" {
		if f.first, err = f.ask(ctx, f.Hold, "", ""); err != nil {
			return err
		}
		if f.read(); f.list != nil {
			return nil
		}
		with := f.first
		if f.first, err = f.ask(ctx, f.Hold, name, ""); err != nil {
			return err
		}
		if f.read(); f.list != nil {
			return nil
		}
		if f.first = with; !with.held {
			f.read()
			return nil
		}
	}
	late := time.AfterFunc(f.Hold, func() {
		f.Say("the endpoint holds the request: this waits a minute for its answer, which comes when something happens there")
	})
	defer late.Stop()
	if f.first, err = f.ask(ctx, patience, "", ""); err == nil {
		f.read()
	}
	return err
}

// block makes the block: of a protocol that is known by its marks, of a list, or of a document.
func (f *findings) block(ctx context.Context) (*Block, error) {
	b := newBlock(f.URL)
	for _, known := range protocols {
		if known.is(f) {
			b.Notes = append(b.Notes, "these are the marks of "+known.name)
			known.write(f, b)
			f.public(b)
			return b, nil
		}
	}
	if f.list != nil && f.list.id != "" {
		return b, f.listBlock(ctx, b)
	}
	return b, f.documentBlock(ctx, b)
}

// usable reports why nothing can be made of the first answer.
func (f *findings) usable() error {
	a := f.first
	if a.held || a.quiet() || a.Status/100 == 2 && !isLogin(f) || a.Header.Get("X-Consul-Index") != "" {
		return nil
	}
	err := fmt.Errorf("the endpoint answers with status %d", a.Status)
	if a.Status/100 == 2 {
		err = errors.New("the endpoint answers with a page for people")
	}
	return withHint(err, trial.Hint(trial.Evidence{Document: true, Answer: &a.Response, Found: f.found, Err: err}))
}

// password finds the field of a page by which one logs in.
var password = regexp.MustCompile(`(?is)<html.*<input[^>]+type=["']?password`)

func isLogin(f *findings) bool { return f.found.Nature == "HTML" && password.Match(f.first.Body) }

func withHint(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, hint)
}

// public keeps cookies away from an endpoint that has answered without any.
func (f *findings) public(b *Block) {
	if f.Header.Get("Cookie") == "" && f.first.Status/100 == 2 {
		b.add("it answers without cookies, so that all visitors can share its polls; delete this if the answer depends on who asks", "cookies")
	}
	if f.Header.Get("Authorization") != "" {
		b.Notes = append(b.Notes, "each client sends its own Authorization; to poll with one of Caddy's: header_up Authorization {env.…}")
	}
}
