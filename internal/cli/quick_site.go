package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/quick"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// quickAgain is after how long the polls begin anew if the endpoint has ended the stream. It is what clients wait.
const quickAgain = 3 * time.Second

// quickSite runs one block at a time, in a Caddy that does not listen: the page's server hands it the requests for
// the stream.
type quickSite struct {
	endpoint *quickEndpoint
	ctx      context.Context //nolint:containedctx // of all polls

	config []byte // that runs
	latest *quickClient
	polls  sync.WaitGroup
	cancel context.CancelFunc // ends the polls of the block that runs
}

// Run implements quick.Site.
func (s *quickSite) Run(block string, told func(quick.Poll)) (http.Handler, error) {
	config, err := adaptBlock(block)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(config, s.config) { // a bridge that is the same goes on
		s.latest.tellTo(told)
		return s.handler(s.latest), nil
	}
	if err := s.endpoint.fence().check(config); err != nil {
		return nil, &quick.BlockError{Err: err}
	}
	path, err := s.endpoint.pathOf(config)
	if err != nil {
		return nil, &quick.BlockError{Err: err}
	}
	if err := caddy.Load(config, true); err != nil {
		return nil, &quick.BlockError{Err: inHandler(err)}
	}
	app, err := caddy.ActiveContext().App("http")
	if err != nil {
		return nil, fmt.Errorf("setting up the block: %w", err)
	}
	if s.cancel != nil {
		s.cancel()
		s.polls.Wait()
	}
	s.config = config
	s.latest = &quickClient{server: app.(*caddyhttp.App).Servers["quick"], endpoint: s.endpoint, path: path, told: told}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(s.ctx)
	client := s.latest.begin()
	s.polls.Go(func() { client(ctx) })
	return s.handler(s.latest), nil
}

// handler serves a stream as a site does. Of the client's request it takes only what says where the stream
// begins, and for whom it is: a browser sends all local servers the same cookies.
func (s *quickSite) handler(of *quickClient) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := s.endpoint.request(of.path)
		inner.URL.RawQuery = r.URL.RawQuery
		inner.RequestURI, inner.RemoteAddr, inner.Method = inner.URL.RequestURI(), r.RemoteAddr, r.Method
		for _, name := range []string{"Last-Event-Id", "Origin"} {
			if r.Header.Get(name) != "" {
				inner.Header[name] = r.Header[name]
			}
		}
		of.server.ServeHTTP(w, inner.WithContext(r.Context()))
	})
}

// stop ends what runs.
func (s *quickSite) stop() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	s.polls.Wait()
	_ = caddy.Stop() // the process ends
}

// quickClient is a client of the block, whose polls are told. With it, there are polls also while no page is open.
type quickClient struct {
	server   *caddyhttp.Server
	endpoint *quickEndpoint
	path     string // of the block

	mu     sync.Mutex
	told   func(quick.Poll)
	answer []byte // of the poll whose report comes next
}

// tellTo has others told of the polls.
func (c *quickClient) tellTo(told func(quick.Poll)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = told
}

// begin returns what polls until its context ends.
func (c *quickClient) begin() func(context.Context) {
	a := &attempt{server: c.server, request: c.endpoint.request(c.path), out: c, hidden: c.endpoint.hidden(), seen: c.see}
	a.watch()
	return func(ctx context.Context) {
		for ctx.Err() == nil {
			_ = a.follow(ctx) // what it has to say has been told
			select {
			case <-time.After(quickAgain):
			case <-ctx.Done():
			}
		}
	}
}

func (c *quickClient) see(e trial.Evidence) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer = nil; e.Found.JSON {
		c.answer = bytes.Clone(e.Found.Body)
	}
}

// Write implements reporter.
func (c *quickClient) Write(r *trial.Report) error {
	c.mu.Lock()
	p, told := quick.Poll{Report: r, Answer: c.answer}, c.told
	c.answer = nil
	c.mu.Unlock()
	told(p)
	return nil
}

// Waiting implements reporter.
func (c *quickClient) Waiting(time.Duration) {}

// blockSite is the Caddyfile around a block.
const (
	blockSite = "{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n}\nhttp:// {\n"
	blockLine = 6 // lines before the block
)

// errOtherBlock is the error of a text that is more or less than one block.
var errOtherBlock = errors.New("write one sse_bridge block, and nothing else")

// adaptBlock makes the configuration of a block. Its server has the name "quick", and does not listen.
func adaptBlock(block string) ([]byte, error) {
	if err := isBlock(block); err != nil {
		return nil, err
	}
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(blockSite+block+"\n}\n"), map[string]any{"filename": "block"})
	if err != nil {
		return nil, inBlock(err)
	}
	var c struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct {
					Routes json.RawMessage `json:"routes"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(adapted, &c); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	server, ok := c.Apps.HTTP.Servers["srv0"]
	if !ok || len(c.Apps.HTTP.Servers) != 1 {
		return nil, &quick.BlockError{Err: errOtherBlock}
	}
	return json.Marshal(map[string]any{
		"admin":   map[string]any{"disabled": true, "config": map[string]any{"persist": false}},
		"logging": silent(),
		"apps": map[string]any{
			"http": map[string]any{"servers": map[string]any{"quick": map[string]any{
				"routes": server.Routes, "automatic_https": map[string]any{"disable": true},
			}}},
			"tls": map[string]any{"disable_storage_clean": true}, // it would write to the user's folder
		},
	})
}

// inHandler returns the error of a configuration that does not load, without the way to the handler in it.
func inHandler(err error) error {
	if _, text, found := strings.Cut(err.Error(), "provision http.handlers.sse_bridge: "); found {
		err = errors.New(text)
	}
	return fmt.Errorf("setting up the block: %w", err)
}

// linePlace finds the line in an error of the adapter.
var linePlace = regexp.MustCompile(`^(?:parsing caddyfile tokens for '[\w-]+': )?((?s:.*?)),? (?:at|on line)? ?block:(\d+)((?s:.*))$`)

// inBlock returns the adapter's error with its line in the block.
func inBlock(err error) error {
	m := linePlace.FindStringSubmatch(err.Error())
	if m == nil {
		return &quick.BlockError{Err: err}
	}
	at, _ := strconv.Atoi(m[2]) // it is digits
	return &quick.BlockError{Line: max(at-blockLine, 1), Err: errors.New(m[1])}
}
