package quick

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// pageParts are the parts of the page.
//
//go:embed page
var pageParts embed.FS

// pages serves the page.
func (s *Server) pages(mux *http.ServeMux) {
	parts, err := fs.Sub(pageParts, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux.Handle("GET /", http.FileServerFS(parts))
}

// watchAlive is the time between two signs of life, which tell the page that the command still runs.
const watchAlive = 2 * time.Second

// serveWatch tells a page what to show.
func (s *Server) serveWatch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	alive := time.NewTicker(watchAlive)
	defer alive.Stop()
	batch := sse.AppendRetry(nil, time.Second)
	var had seen
	for {
		var n news
		n, had = s.shown.since(had)
		if n.state != nil {
			batch = appendJSON(batch, "state", n.state)
		}
		for _, p := range n.polls {
			batch = appendJSON(batch, "poll", p)
		}
		if n.answer != nil {
			batch = appendJSON(batch, "answer", n.answer)
		}
		if _, err := w.Write(batch); err != nil {
			return // the page is gone
		}
		if err := control.Flush(); err != nil {
			return // as above
		}
		batch = batch[:0]
		select {
		case <-n.changed:
		case <-alive.C:
			batch = sse.AppendEvent(batch, "alive", nil, "")
		case <-r.Context().Done():
			return
		}
	}
}

func appendJSON(to []byte, kind string, what any) []byte {
	data, err := json.Marshal(what)
	if err != nil {
		panic(err) // these are structs of texts and numbers
	}
	return sse.AppendEvent(to, kind, data, "")
}

// setBlock runs the block that somebody has written.
func (s *Server) setBlock(w http.ResponseWriter, r *http.Request) {
	var posted struct{ Block string }
	if !read(w, r, &posted) {
		return
	}
	answer(w, s.apply(posted.Block, false, "as it was written here"))
}

// choose changes the block as a click in the tree says.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) {
	var posted struct {
		Block string
		Choice
	}
	if !read(w, r, &posted) {
		return
	}
	_, body := s.current()
	block, err := posted.Choice.in(posted.Block, body)
	if err == nil {
		err = s.apply(block, false, posted.Choice.String())
	}
	answer(w, err)
}

// examineAgain examines the endpoint once more, unless it is being examined.
func (s *Server) examineAgain(w http.ResponseWriter, _ *http.Request) {
	if s.looks.TryLock() {
		s.begin(func(ctx context.Context) { s.lookCloser(ctx) })
	}
	answer(w, nil)
}

// read reads what a page has sent, and reports whether it could.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		http.Error(w, "reading the request: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// answer says what has become of a block: nothing, or what is wrong with it.
func answer(w http.ResponseWriter, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var wrong struct {
		Line  int    `json:"line,omitempty"`
		Error string `json:"error"`
	}
	wrong.Error = err.Error()
	if at, ok := errors.AsType[*BlockError](err); ok {
		wrong.Line = at.Line
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(wrong) // the page may be gone
}
