package ssebridge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// want checks the next events: the data, and the ids where they are given, as data|id.
func (s *subscription) want(events ...string) (last received) {
	s.t.Helper()
	for _, want := range events {
		last = s.next()
		data, id, hasID := strings.Cut(want, "|")
		if last.Data != data || hasID && last.ID != id {
			s.t.Errorf("got %+v, want %s", last, want)
		}
	}
	return last
}

// longHold is for how long the backends of these tests hold a poll: for longer than any of them waits.
const longHold = 10 * patience

// isUp waits until a client that was told that its upstream is down is told that it is back.
func (s *subscription) isUp() {
	s.t.Helper()
	for _, state := range []string{"down", "up"} {
		if e := s.next(); e.Type != "bridge.upstream" || !strings.Contains(e.Data, strconv.Quote(state)) {
			s.t.Fatalf("got %+v, want the state %s", e, state)
		}
	}
}

// wantEvent waits for a message.
func (s *subscription) wantEvent(i int) {
	s.t.Helper()
	if e := s.next(); e.ID != strconv.Itoa(i) || e.Data != fmt.Sprintf(`{"id":%d,"text":"event %d"}`, i, i) {
		s.t.Fatalf("got %+v, want event %d", e, i)
	}
}

// received is one event, as a client reads it from the wire.
type received struct {
	Type, Data, ID string
	Retry          string
}

// subscription is an open stream.
type subscription struct {
	t        *testing.T
	response *http.Response
	cancel   context.CancelFunc
	events   chan received // closed at the end of the stream
	retry    string        // what came after the last event
	mu       sync.Mutex
	comments []string
}

// subscribe opens a stream. Header fields come in pairs; Accept is there.
func subscribe(t *testing.T, url string, header ...string) *subscription {
	t.Helper()
	return subscribeWith(t, http.DefaultTransport, url, header...)
}

func subscribeWith(t *testing.T, transport http.RoundTripper, url string, header ...string) *subscription {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := knock(transport, r)
	if err != nil {
		t.Fatalf("opening the stream: %v", err)
	}
	s := &subscription{t: t, response: resp, cancel: cancel, events: make(chan received, 1<<16)}
	t.Cleanup(s.close)
	go s.read()
	return s
}

// knock makes a request without a body, and again where its connection was lost without an answer: just
// after a reload Caddy may drop those that the old configuration's listener has not yet accepted.
func knock(transport http.RoundTripper, r *http.Request) (resp *http.Response, err error) {
	for range 4 {
		if resp, err = transport.RoundTrip(r); err == nil {
			break
		}
	}
	return resp, err
}

func (s *subscription) close() {
	s.cancel()
	s.response.Body.Close()
}

// read takes in the stream to its end.
func (s *subscription) read() {
	defer close(s.events)
	s.retry = parseStream(s.response.Body, func(e received) { s.events <- e }, func(comment string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.comments = append(s.comments, comment)
	})
}

// parseStream parses a stream by the rules of the HTML standard, section 9.2.6, but keeps the id
// with the event that it came with. It returns the retry that came after the last event.
func parseStream(stream io.Reader, event func(received), comment func(string)) (retry string) {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 64<<20)
	var e received
	var data []string
	for lines.Scan() {
		line := lines.Text()
		field, text, _ := strings.Cut(line, ":")
		text = strings.TrimPrefix(text, " ")
		switch {
		case line == "":
			if data != nil {
				e.Data = strings.Join(data, "\n")
				event(e)
				e = received{}
			}
			data, e.Type, e.ID = nil, "", ""
		case field == "":
			comment(text)
		case field == "event":
			e.Type = text
		case field == "data":
			data = append(data, text)
		case field == "id":
			e.ID = text
		case field == "retry":
			e.Retry = text
		}
	}
	return e.Retry
}

// told reports whether a stream that has ended said last when to come back.
func (s *subscription) told() bool { return s.retry != "" }

// next waits for an event.
func (s *subscription) next() received {
	s.t.Helper()
	select {
	case e, ok := <-s.events:
		if !ok {
			s.t.Fatal("the stream has ended")
		}
		return e
	case <-time.After(patience):
		s.t.Fatal("no event came")
	}
	return received{}
}

// ended waits for the end of the stream.
func (s *subscription) ended() {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, ok := <-s.events:
			if !ok {
				return
			}
		case <-deadline:
			s.t.Fatal("the stream has not ended")
		}
	}
}

// hasComment waits for a comment.
func (s *subscription) hasComment(text string) {
	s.t.Helper()
	eventually(s.t, "the comment "+text, func() bool { return slices.Contains(s.seen(), text) })
}

// seen returns the comments that came so far.
func (s *subscription) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.comments)
}
