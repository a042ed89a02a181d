package cluster

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// kind is how the answers of a feed are.
type kind int

const (
	items    kind = iota // items with ids
	pages                // items without; each page has a cursor
	held                 // items with ids, and the poll is held while there is nothing
	document             // the newest number, and no list
)

func (k kind) String() string { return [...]string{"items", "pages", "held", "document"}[k] }

// source is a feed of the upstream: the numbers from 1 on.
type source struct {
	kind
	path string

	mu    sync.Mutex
	said  []time.Time // when each number was there
	wake  chan struct{}
	polls []poll
}

// poll is a request of a node.
type poll struct {
	at   time.Time
	node string
	from int // the number that it names; -1: none
}

// upstream is the legacy backend.
type upstream struct {
	addr    string
	sources []*source
	quit    chan struct{} // no poll is held any more
	silence func()        // ends what the feeds say
}

// newUpstream serves so many feeds, whose kinds take turns.
func newUpstream(t testing.TB, feeds int, every time.Duration, kinds ...kind) *upstream {
	t.Helper()
	u := &upstream{quit: make(chan struct{})}
	for i := range feeds {
		k := kinds[i%len(kinds)]
		u.sources = append(u.sources, &source{kind: k, path: fmt.Sprintf("/%s/%d", k, i), wake: make(chan struct{})})
	}
	u.addr = testsite.Backend(t, u.serve)
	t.Cleanup(func() { close(u.quit) })
	done, talking := make(chan struct{}), new(sync.WaitGroup)
	for _, s := range u.sources {
		s.say()
		talking.Go(func() { s.talk(every, done) })
	}
	u.silence = sync.OnceFunc(func() {
		close(done)
		talking.Wait()
	})
	t.Cleanup(u.silence)
	return u
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	for _, s := range u.sources {
		if s.path == r.URL.Path {
			s.serve(w, r, u.quit)
			return
		}
	}
	http.NotFound(w, r)
}

// talk says a number now and then.
func (s *source) talk(every time.Duration, done <-chan struct{}) {
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-timer.C:
			s.say()
			timer.Reset(every/2 + rand.N(every))
		}
	}
}

func (s *source) say() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, time.Now())
	close(s.wake)
	s.wake = make(chan struct{})
}

// newest returns the last number.
func (s *source) newest() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.said)
}

// when returns when a number was said.
func (s *source) when(n int) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 1 || n > len(s.said) {
		return time.Time{}
	}
	return s.said[n-1]
}

// between returns how many numbers were said from one moment to another.
func (s *source) between(from, to time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.said {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// polled returns the polls from one moment to another.
func (s *source) polled(from, to time.Time) (all []poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.polls {
		if !p.at.Before(from) && p.at.Before(to) {
			all = append(all, p)
		}
	}
	return all
}

// serve answers with what came after a number, or with the last five to who names none.
func (s *source) serve(w http.ResponseWriter, r *http.Request, quit <-chan struct{}) {
	after := testsite.QueryNumber(r, "after", -1)
	s.mu.Lock()
	s.polls = append(s.polls, poll{time.Now(), r.Header.Get("X-Node"), after})
	newest, wake := len(s.said), s.wake
	s.mu.Unlock()
	if s.kind == document {
		testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"n":%d}`, newest))
		return
	}
	if after < 0 {
		after = max(newest-5, 0)
	}
	if s.kind == held && after >= newest {
		deadline := time.NewTimer(20 * time.Second)
		defer deadline.Stop()
		select {
		case <-wake:
		case <-deadline.C:
		case <-quit:
		case <-r.Context().Done():
		}
		newest = s.newest()
	}
	var b strings.Builder
	for n := after + 1; n <= newest; n++ {
		if n > after+1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"n":%d}`, n)
	}
	testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"items":[%s],"next":"%d"}`, b.String(), max(after, newest)))
}
