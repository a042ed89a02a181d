package recipes

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

const (
	// recipeInterval takes the place of the recipes' intervals.
	recipeInterval = 10 * time.Millisecond

	// recipeHold is how long the stub holds an answer.
	recipeHold = recipeInterval

	// recipePolls is how many polls without news a client stays silent for.
	recipePolls = 5
)

// room is one life of a recipe: a bridge of its own, and its backends.
type room struct {
	recipe *Recipe
	url    string
	addrs  []string // of the backends, in the recipe's order

	// A node that has never seen the feed meets the backend as it is at the end: of the answers
	// to one request, only the last is there.
	late bool

	mu      sync.Mutex
	turns   map[*exchange]int // by the first exchange of a request: how many answers it had
	polls   int
	silent  int           // polls that nobody answers
	reset   bool          // the backends have lost everything
	changed chan struct{} // closed when reset does
	closed  chan struct{} // no poll is answered any more
	problem string
	broken  chan struct{} // closed when there is a problem

	// Clients of a document see the newest only: the next version comes when they have this one.
	versions, seen int
	version        string
}

func newRoom(t *testing.T, r *Recipe, late bool) *room {
	room := &room{
		recipe: r, late: late, turns: make(map[*exchange]int),
		changed: make(chan struct{}), closed: make(chan struct{}), broken: make(chan struct{}),
	}
	for _, u := range r.Upstreams {
		room.addrs = append(room.addrs, testsite.Backend(t, func(w http.ResponseWriter, q *http.Request) { room.serve(u, w, q) }))
	}
	return room
}

// caddyfile is the recipe's, with the addresses of this room's backends.
func (room *room) caddyfile() string {
	text := room.recipe.Caddyfile
	for i, u := range room.recipe.Upstreams {
		text = strings.ReplaceAll(text, u.Addr, room.addrs[i])
	}
	return text
}

func (room *room) serve(u *Upstream, w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	room.mu.Lock()
	room.polls++
	room.mu.Unlock()
	for {
		e, changed := room.pick(u, r, string(body))
		if e == nil {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		if e.hold {
			again, gone := room.wait(e.status == 0, changed, r)
			if gone {
				return
			}
			if again {
				continue
			}
		}
		room.answer(e, changed, w, r)
		return
	}
}

// pick chooses the exchange for a request: the first that matches has the next of its answers.
func (room *room) pick(u *Upstream, r *http.Request, body string) (e *exchange, changed chan struct{}) {
	room.mu.Lock()
	defer room.mu.Unlock()
	select {
	case <-room.closed:
		return &exchange{hold: true}, room.changed
	default:
	}
	list := u.first
	if room.reset && u.afterReset != nil {
		list = u.afterReset
	}
	first := slices.IndexFunc(list, func(e *exchange) bool { return e.matches(r, body) })
	if first < 0 {
		room.fail(unknownPoll(u, r, body, list))
		return nil, nil
	}
	var answers []*exchange
	for _, e := range list {
		if e.request == list[first].request {
			answers = append(answers, e)
		}
	}
	turn := room.turns[list[first]]
	room.turns[list[first]]++
	if turn = min(turn, len(answers)-1); room.late {
		turn = len(answers) - 1
	}
	answers[turn].asked.Store(true)
	return answers[turn], room.changed
}

func unknownPoll(u *Upstream, r *http.Request, body string, known []*exchange) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a poll of %s that it does not know:\n%s %s\n", u.Addr, r.Method, r.RequestURI)
	_ = r.Header.Write(&b)
	fmt.Fprintf(&b, "\n%s\nIt knows:\n", body)
	for _, e := range known {
		b.WriteString(e.request + "\n")
	}
	return b.String()
}

// fail notes the first problem. room.mu is held.
func (room *room) fail(problem string) {
	if room.problem == "" {
		room.problem = problem
		close(room.broken)
	}
}

func (room *room) count(n *int, by int) {
	room.mu.Lock()
	defer room.mu.Unlock()
	*n += by
}

// goOn sends an answer that goes on.
func (room *room) goOn(e *exchange, changed chan struct{}, w http.ResponseWriter, r *http.Request) {
	for _, piece := range append([]string{""}, e.pieces...) {
		_, _ = io.WriteString(w, piece)
		_ = http.NewResponseController(w).Flush()
		if again, gone := room.wait(false, changed, r); again || gone {
			return
		}
	}
	if e.stays {
		room.wait(true, changed, r)
	}
}

// wait holds a poll; again: the backend has another answer now; gone: nobody waits for it.
func (room *room) wait(forever bool, changed chan struct{}, r *http.Request) (again, gone bool) {
	timer := time.NewTimer(recipeHold)
	defer timer.Stop()
	end := timer.C
	if forever {
		end = nil
		room.count(&room.silent, 1)
		defer room.count(&room.silent, -1)
	}
	select {
	case <-end:
	case <-changed:
		again = true
	case <-room.closed:
		<-r.Context().Done()
		gone = true
	case <-r.Context().Done():
		gone = true
	}
	return again, gone
}

func (room *room) answer(e *exchange, changed chan struct{}, w http.ResponseWriter, r *http.Request) {
	if room.recipe.plan.Reader.Document() && e.text != "" {
		room.newVersion(e.text, r)
	}
	for name, values := range e.answer {
		if name == "X-Poll-Interval" || name == "Retry-After" {
			values = []string{"0"} // tests do not wait
		}
		w.Header()[name] = values
	}
	if len(e.answer.Values("Content-Type")) == 0 {
		w.Header()["Content-Type"] = nil // so that none is guessed
	}
	w.WriteHeader(e.status)
	if e.streams {
		room.goOn(e, changed, w, r)
		return
	}
	_, _ = io.WriteString(w, e.text)
	if e.drags {
		_ = http.NewResponseController(w).Flush()
		room.wait(false, nil, r)
	}
}

// newVersion lets a version of a document out when the client has had time for the one before.
func (room *room) newVersion(text string, r *http.Request) {
	room.mu.Lock()
	same := room.version == text
	before := room.versions
	if !same {
		room.version, room.versions = text, room.versions+1
	}
	room.mu.Unlock()
	deadline := time.After(time.Second) // not each version is an event
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !same {
		room.mu.Lock()
		same = room.seen >= before
		room.mu.Unlock()
		select {
		case <-tick.C:
		case <-deadline:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// loseEverything makes the backends what they are after a reset.
func (room *room) loseEverything() {
	room.mu.Lock()
	defer room.mu.Unlock()
	room.reset = true
	close(room.changed)
	room.changed = make(chan struct{})
}

func (room *room) state() (polls, silent int) {
	room.mu.Lock()
	defer room.mu.Unlock()
	return room.polls, room.silent
}
