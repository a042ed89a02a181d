package testsite

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

// Want checks the next events: the data, and the ids where they are given, as data|id.
func (s *Subscription) Want(events ...string) (last Received) {
	s.T.Helper()
	for _, want := range events {
		last = s.Next()
		data, id, hasID := strings.Cut(want, "|")
		if last.Data != data || hasID && last.ID != id {
			s.T.Errorf("got %+v, want %s", last, want)
		}
	}
	return last
}

// LongHold is for how long the backends of these tests hold a poll: for longer than any of them waits.
const LongHold = 10 * Patience

// IsUp waits until a client that was told that its upstream is down is told that it is back.
func (s *Subscription) IsUp() {
	s.T.Helper()
	for _, state := range []string{"down", "up"} {
		if e := s.Next(); e.Type != "bridge.upstream" || !strings.Contains(e.Data, strconv.Quote(state)) {
			s.T.Fatalf("got %+v, want the state %s", e, state)
		}
	}
}

// WantEvent waits for a message.
func (s *Subscription) WantEvent(i int) {
	s.T.Helper()
	if e := s.Next(); e.ID != strconv.Itoa(i) || e.Data != fmt.Sprintf(`{"id":%d,"text":"event %d"}`, i, i) {
		s.T.Fatalf("got %+v, want event %d", e, i)
	}
}

// Received is one event, as a client reads it from the wire.
type Received struct {
	Type, Data, ID string
	Retry          string
}

// Subscription is an open stream.
type Subscription struct {
	T        *testing.T
	Response *http.Response
	cancel   context.CancelFunc
	Events   chan Received // closed at the end of the stream
	retry    string        // what came after the last event
	mu       sync.Mutex
	comments []string
}

// Subscribe opens a stream. Header fields come in pairs; Accept is there.
func Subscribe(t *testing.T, url string, header ...string) *Subscription {
	t.Helper()
	return SubscribeWith(t, http.DefaultTransport, url, header...)
}

func SubscribeWith(t *testing.T, transport http.RoundTripper, url string, header ...string) *Subscription {
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
	resp, err := Knock(transport, r)
	if err != nil {
		t.Fatalf("opening the stream: %v", err)
	}
	s := &Subscription{T: t, Response: resp, cancel: cancel, Events: make(chan Received, 1<<16)}
	t.Cleanup(s.Close)
	go s.read()
	return s
}

// Knock makes a request without a body, and again where its connection was lost without an answer: just
// after a reload Caddy may drop those that the old configuration's listener has not yet accepted.
func Knock(transport http.RoundTripper, r *http.Request) (resp *http.Response, err error) {
	for range 4 {
		if resp, err = transport.RoundTrip(r); err == nil {
			break
		}
	}
	return resp, err
}

func (s *Subscription) Close() {
	s.cancel()
	s.Response.Body.Close()
}

// read takes in the stream to its end.
func (s *Subscription) read() {
	defer close(s.Events)
	s.retry = ParseStream(s.Response.Body, func(e Received) { s.Events <- e }, func(comment string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.comments = append(s.comments, comment)
	})
}

// ParseStream parses a stream by the rules of the HTML standard, section 9.2.6, but keeps the id
// with the event that it came with. It returns the retry that came after the last event.
func ParseStream(stream io.Reader, event func(Received), comment func(string)) (retry string) {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 64<<20)
	var e Received
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
				e = Received{}
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

// Told reports whether a stream that has ended said last when to come back.
func (s *Subscription) Told() bool { return s.retry != "" }

// Next waits for an event, other than a bridge.position: whether one comes may depend on when a poll is made.
func (s *Subscription) Next() Received {
	s.T.Helper()
	late := time.After(Patience)
	for {
		select {
		case e, ok := <-s.Events:
			if !ok {
				s.T.Fatal("the stream has ended")
			}
			if e.Type != "bridge.position" {
				return e
			}
		case <-late:
			s.T.Fatal("no event came")
		}
	}
}

// Ended waits for the end of the stream.
func (s *Subscription) Ended() {
	s.T.Helper()
	deadline := time.After(Patience)
	for {
		select {
		case _, ok := <-s.Events:
			if !ok {
				return
			}
		case <-deadline:
			s.T.Fatal("the stream has not ended")
		}
	}
}

// HasComment waits for a comment.
func (s *Subscription) HasComment(text string) {
	s.T.Helper()
	Eventually(s.T, "the comment "+text, func() bool { return slices.Contains(s.Seen(), text) })
}

// Seen returns the comments that came so far.
func (s *Subscription) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.comments)
}
