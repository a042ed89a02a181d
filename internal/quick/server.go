// Package quick is the server of `caddy sse-bridge quick`. It shows one endpoint as a stream of events, on a page
// of loopback: the answer as a tree, the block that reads it, the events, and the polls. A click in the tree, or
// another text, changes the block. It runs no block itself.
package quick

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/suggest"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// Site is what runs the block.
type Site interface {
	// Run runs a block in the place of the one before, and tells what its polls bring. If there is an error, the
	// block before goes on; a [*BlockError] says which line is wrong. The handler answers with the block's stream.
	Run(block string, told func(Poll)) (http.Handler, error)
}

// Poll is a poll of the block that runs, and what it has brought.
type Poll struct {
	Report *trial.Report
	Answer []byte // the answer as JSON; nil if it is none, or has none
}

// BlockError says what is wrong with a block.
type BlockError struct {
	Line int // from 1; 0 if it is not known
	Err  error
}

// Error implements error.
func (e *BlockError) Error() string { return e.Err.Error() }

// Unwrap returns the error without its line.
func (e *BlockError) Unwrap() error { return e.Err }

// Options are what a server needs.
type Options struct {
	Target *url.URL // the endpoint, without secrets
	Site   Site
	// Guess returns a first block within about a second, and Examine the block that fits best, when it is known.
	// Examine says what it does meanwhile. It is called again when it has returned.
	Guess   func(context.Context) (string, error)
	Examine func(ctx context.Context, say func(string)) (string, error)
}

// Server is the server of one endpoint.
type Server struct {
	Options
	token   string
	shown   *board
	now     func() time.Time
	begin   func(func(context.Context)) // starts work that ends with [Server.Serve]
	applied sync.Mutex                  // is held while a block is replaced
	looks   sync.Mutex                  // is held while the endpoint is examined

	mu       sync.Mutex
	running  *running // nil before the first block
	answer   []byte   // the newest one; nil if it has no parts
	answered bool     // there has been one
}

// running is the block that runs.
type running struct {
	revision int
	block    string
	guessed  bool
	stream   http.Handler
	over     chan struct{} // closed when another one runs
}

// New returns a server with a new token.
func New(o Options) *Server {
	s := &Server{Options: o, token: rand.Text(), shown: newBoard(), now: time.Now}
	s.shown.change(func(now *state) { now.Target = o.Target.String() })
	return s
}

// Path is the path of the page. It has the token, without which nothing is served.
func (s *Server) Path() string { return "/" + s.token + "/" }

// StreamPath is the path of the stream.
func (s *Server) StreamPath() string { return s.Path() + "stream" }

// Serve serves until the context ends. All that it has begun has ended when it returns.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	s.begin = func(do func(context.Context)) { work.Go(func() { do(ctx) }) }
	server := &http.Server{
		Handler: s.door(l.Addr()), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	s.begin(func(ctx context.Context) {
		<-ctx.Done()
		_ = server.Close() // streams never end by themselves
	})
	s.begin(s.look)
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the page: %w", err)
	}
	return nil
}

// look finds out how to poll the endpoint: first it guesses, then it examines.
func (s *Server) look(ctx context.Context) {
	block, err := s.Guess(ctx)
	if err == nil {
		err = s.apply(block, true, "a first guess, while the endpoint is examined")
	}
	if err != nil && ctx.Err() == nil {
		s.shown.change(func(now *state) { now.Trouble = err.Error() })
	}
	for wait := firstAgain; !s.examine(ctx); wait = min(2*wait, lastAgain) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if now, _ := s.current(); now != nil && !now.guessed {
			return // somebody has chosen another block
		}
	}
}

// firstAgain and lastAgain are after how long an endpoint that could not be examined is examined again: its
// backend may be started later than the command.
const firstAgain, lastAgain = 3 * time.Second, 30 * time.Second

// examine examines the endpoint, unless that is under way, and reports whether it was possible.
func (s *Server) examine(ctx context.Context) bool {
	if !s.looks.TryLock() {
		return false
	}
	return s.lookCloser(ctx)
}

// lookCloser is examine when looks is held, and releases it before a page can ask again. The block that the
// examination suggests replaces a guess, but not what somebody has chosen.
func (s *Server) lookCloser(ctx context.Context) bool {
	s.shown.change(func(now *state) { now.Examining, now.Said = true, "" })
	block, err := s.Examine(ctx, func(text string) { s.shown.change(func(now *state) { now.Said = text }) })
	if now, _ := s.current(); err == nil && ctx.Err() == nil && (now == nil || now.guessed) {
		err = s.apply(block, false, "what the examination of the endpoint suggests")
	}
	s.looks.Unlock()
	if ctx.Err() != nil {
		return true
	}
	s.shown.change(func(now *state) {
		now.Examining, now.Said, now.Trouble = false, "", ""
		if now.Suggestion = block; err != nil {
			now.Trouble = err.Error()
		}
	})
	return err == nil
}

// apply runs a block in the place of the one before. why says on the page where it comes from.
func (s *Server) apply(block string, guessed bool, why string) error {
	s.applied.Lock()
	defer s.applied.Unlock()
	revision := 1
	s.mu.Lock()
	before := s.running
	s.mu.Unlock()
	if before != nil {
		revision = before.revision + 1
	}
	stream, err := s.Site.Run(block, func(p Poll) { s.told(revision, p) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.running = &running{revision, block, guessed, stream, make(chan struct{})}
	s.mu.Unlock()
	s.shown.change(func(now *state) {
		now.Revision, now.Block, now.Why, now.Chosen = revision, block, why, chosen(block)
		now.Trouble = "" // it was that of another block
	})
	if before != nil {
		close(before.over)
	}
	return nil
}

// current is the block that runs, and the newest answer; nil before there is one.
func (s *Server) current() (*running, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running, s.answer
}

// parameters are what the parameter of a position may be called.
func (s *Server) parameters() []string {
	e := suggest.Endpoint{URL: s.Target}
	return e.Parameters()
}
