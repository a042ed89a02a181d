package recipes

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// visit is a client in a room.
type visit struct {
	t      *testing.T
	room   *room
	stream *testsite.Subscription
	since  time.Time // when the last event that it expects had come
	polls  int       // at that time
	ids    []string  // of the events that came
}

func (room *room) open(t *testing.T, lastID string) *visit {
	t.Helper()
	header := room.recipe.header
	if lastID != "" {
		header = append([]string{"Last-Event-ID", lastID}, header...)
	}
	s := testsite.SubscribeWith(t, testsite.RoomTransport(t), room.url+room.recipe.uri, header...)
	if s.Response.StatusCode != http.StatusOK || s.Response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %s, %q%s", s.Response.Status, s.Response.Header.Get("Content-Type"), room.trouble())
	}
	return &visit{t: t, room: room, stream: s}
}

// endedFor checks that a client that has everything is told so.
func (room *room) endedFor(t *testing.T, who, lastID string) {
	t.Helper()
	header := append([]string{"Last-Event-ID", lastID}, room.recipe.header...)
	s := testsite.SubscribeWith(t, testsite.RoomTransport(t), room.url+room.recipe.uri, header...)
	if s.Response.StatusCode != http.StatusNoContent {
		t.Errorf("%s: status %s instead of 204%s", who, s.Response.Status, room.trouble())
	}
}

// trouble is what is known of why a client does not get what it should.
func (room *room) trouble() string {
	room.mu.Lock()
	defer room.mu.Unlock()
	if room.problem == "" {
		return ""
	}
	return "\nThere was " + room.problem
}

// wants checks the next events.
func (v *visit) wants(who string, events []testsite.Received) {
	v.t.Helper()
	var got []testsite.Received
	for i, want := range events {
		e, ok := v.next(testsite.Patience)
		if !ok {
			v.t.Fatalf("%s: no event came where one should\nThe events so far:\n%sThe next should be:\n%sComments: %q%s",
				who, inWireForm(got...), inWireForm(want), v.stream.Seen(), v.room.trouble())
		}
		v.ids = append(v.ids, e.ID)
		if want.ID == anyID && e.ID != "" {
			e.ID = anyID
		}
		if got = append(got, e); v.room.recipe.patches() && e.Type == "snapshot" && i == 0 && e.ID == want.ID {
			continue // of a version that came to others as changes
		}
		if e == want {
			continue
		}
		for e, ok = v.next(30 * recipeInterval); ok; e, ok = v.next(30 * recipeInterval) {
			got = append(got, e)
		}
		v.t.Fatalf("%s: event %d should be\n%sGot the events\n%s%s", who, i+1, inWireForm(want), inWireForm(got...), v.room.trouble())
	}
	v.room.mu.Lock()
	defer v.room.mu.Unlock()
	v.since, v.polls = time.Now(), v.room.polls
}

// next waits for an event, and leaves the jitter of retry out of it.
func (v *visit) next(wait time.Duration) (testsite.Received, bool) {
	var e testsite.Received
	var ok bool
	select {
	case e, ok = <-v.stream.Events:
		v.room.count(&v.room.seen, 1)
		e.Retry = ""
	case <-v.room.broken:
	case <-time.After(wait):
	}
	return e, ok
}

// silent checks that polls without news, or one that is never answered, say nothing to the
// client, and that they are no more than the interval allows.
func (v *visit) silent(who string) {
	v.t.Helper()
	var polls int
	testsite.Eventually(v.t, fmt.Sprintf("%d polls without news", recipePolls), func() bool {
		n, unanswered := v.room.state()
		polls = n - v.polls
		return polls >= recipePolls || unanswered > 0 || v.room.trouble() != ""
	})
	if most := (int(time.Since(v.since)/recipeInterval) + 2) * v.room.recipe.pages(); polls > most {
		v.t.Errorf("%s: %d polls without news, where the interval allows %d", who, polls, most)
	}
	select {
	case e, ok := <-v.stream.Events:
		v.t.Errorf("%s: got one event too many, or the end (%v):\n%s", who, !ok, inWireForm(e))
	default:
	}
	for _, comment := range v.stream.Seen() {
		if comment != "" {
			v.t.Errorf("%s: got the comment %q", who, comment)
		}
	}
	if trouble := v.room.trouble(); trouble != "" {
		v.t.Errorf("%s: %s", who, trouble)
	}
}
