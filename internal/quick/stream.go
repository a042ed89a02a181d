package quick

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// changed comes before the stream of another block. The empty id takes back the one that a client has: the ids of the
// new block are others.
const changed = ": the block has changed\nid:\n\n"

// serveStream serves the stream of the block that runs. When another block runs, the response goes on with the stream of
// that. If the first block refuses the client, so does the response, and says why.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	now, _ := s.current()
	if now == nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "No block runs yet", http.StatusServiceUnavailable)
		return
	}
	p := &part{w: w, control: http.NewResponseController(w)}
	for {
		p.serve(now, r)
		next := s.settled()
		switch {
		case r.Context().Err() != nil:
			return
		case next != now:
		case p.refused == 0:
			return // it has ended by itself
		case !p.begun:
			maps.Copy(w.Header(), p.header)
			http.Error(w, s.reason(now, p.refused), p.refused)
			return
		default:
			p.say(sse.AppendComment(nil, s.reason(now, p.refused)))
			select {
			case <-now.over:
				next, _ = s.current()
			case <-r.Context().Done():
				return
			}
		}
		if p.begun {
			p.say([]byte(changed))
		}
		r = r.Clone(r.Context())
		r.Header.Del("Last-Event-ID")
		now = next
	}
}

// settled is the block that runs when none is being replaced: then the streams of the one before end first.
func (s *Server) settled() *running {
	s.applied.Lock()
	defer s.applied.Unlock()
	now, _ := s.current()
	return now
}

// reason says with which status a block refuses a client, and why, if its newest poll has told.
func (s *Server) reason(of *running, status int) string {
	reason := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	if trouble := s.shown.trouble(of.revision); trouble != "" {
		reason += ": " + trouble
	}
	return reason
}

// part is what one block writes of a response. It has no deadlines, which would outlast the block.
type part struct {
	w       http.ResponseWriter
	control *http.ResponseController
	header  http.Header // that of the block's own answer
	begun   bool        // the response has begun
	refused int         // the status of a block that has none; 0 if it has
}

// serve serves the stream of a block until that is over.
func (p *part) serve(now *running, r *http.Request) {
	p.header, p.refused = make(http.Header), 0
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-now.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	now.stream.ServeHTTP(p, r.WithContext(ctx))
}

func (p *part) Header() http.Header { return p.header }

func (p *part) WriteHeader(status int) {
	switch {
	case status >= http.StatusMultipleChoices:
		p.refused = status
	case !p.begun:
		p.begun = true
		maps.Copy(p.w.Header(), p.header)
		p.w.WriteHeader(status)
	}
}

func (p *part) Write(text []byte) (int, error) {
	if p.refused != 0 {
		return len(text), nil // the response says why itself
	}
	p.WriteHeader(http.StatusOK)
	return p.w.Write(text)
}

// FlushError sends what has been written.
func (p *part) FlushError() error { return p.control.Flush() }

// say writes what is of no block.
func (p *part) say(text []byte) {
	_, _ = p.w.Write(text) // the client may be gone, which ends its request
	_ = p.FlushError()
}
