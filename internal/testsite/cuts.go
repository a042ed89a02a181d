package testsite

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
)

// SubscribeByName opens a stream of a site that has a name.
func SubscribeByName(t *testing.T, caddyfile, path string, header ...string) *Subscription {
	t.Helper()
	_, port, err := net.SplitHostPort(testport.Free(t))
	if err != nil {
		t.Fatal(err)
	}
	site := "http://site.test:" + port
	Run(t, strings.Replace(caddyfile, "{{site}}", site, 1))
	return SubscribeWith(t, RoomTransport(t), site+path, header...)
}

// Cuts is a client that is cut off at every event, and resumes by its id.
type Cuts struct {
	Site    *Site
	Path    string
	Name    string           // where the data say which event it is: "event 7"
	Publish func(i int)      // event i, from 1 on
	Live    func(i int) bool // whether event i comes only when the client is there
	Absent  func(i int)      // is called when the client has gone with event i
}

// Follow checks that n events come, none lost, none twice, in order.
func (c Cuts) Follow(t *testing.T, n int) {
	t.Helper()
	published, last := 0, ""
	publish := func(upTo int) {
		for ; published < upTo; published++ {
			c.Publish(published + 1)
		}
	}
	for i := 1; i <= n+1; i++ { // one more, in whose place a repeat would come
		switch {
		case c.Live(i):
		case i%4 == 1: // several at a time
			publish(i + 2)
		default:
			publish(i)
		}
		if i > 1 {
			c.Absent(i - 1)
		}
		var header []string
		if last != "" {
			header = []string{"Last-Event-ID", last}
		}
		stream := Subscribe(t, c.Site.URL+c.Path, header...)
		publish(i)
		e := stream.Next()
		stream.Close()
		if got, want := gjson.Get(e.Data, c.Name).Str, fmt.Sprintf("event %d", i); got != want || e.Type != "" {
			t.Fatalf("after the id %q: got %+v, want %s", last, e, want)
		}
		if e.ID == "" || e.ID == last {
			t.Fatalf("event %d has the id %q after %q", i, e.ID, last)
		}
		last = e.ID
	}
}

// CutAtEveryEvent has a client follow 100 events of a backend twice: on one node, whose log it
// often finds itself in, and with each of its streams on a node that knows nothing. source
// returns the path of a new sequence of events, and what publishes them.
func CutAtEveryEvent(t *testing.T, caddyfile, name string, source func(t *testing.T) (path string, publish func(i int))) {
	const events = 100
	t.Run("on one node", func(t *testing.T) {
		path, publish := source(t)
		s := Run(t, caddyfile)
		live := func(i int) bool { return i >= 8 && i/4%2 == 0 }
		Cuts{Site: s, Path: path, Name: name, Publish: publish, Live: live, Absent: func(int) {}}.Follow(t, events)
	})
	t.Run("on a new node each time", func(t *testing.T) {
		path, publish := source(t)
		s := Run(t, caddyfile)
		// a new feed lets its first client wait for an answer, so that few events are live
		live := func(i int) bool { return i%40 == 36 }
		Cuts{Site: s, Path: path, Name: name, Publish: publish, Live: live, Absent: func(i int) { s.Move(caddyfile, i) }}.Follow(t, events)
	})
}

// CheckDocument has a client come back to a document again and again, sometimes to a node that
// knows nothing. change makes a version of the document, from 2 on, and version says which one an
// event holds.
func CheckDocument(t *testing.T, caddyfile, path string, change func(to int), version func(data string) int) {
	t.Helper()
	s := Run(t, caddyfile)
	newcomer := Subscribe(t, s.URL+path)
	e := newcomer.Next()
	if version(e.Data) != 1 || e.ID == "" {
		t.Fatalf("a newcomer got %+v", e)
	}
	newcomer.Close()
	newest := 1
	for round := range 9 {
		if round%3 == 2 {
			s.Move(caddyfile, round)
		}
		unchanged := Subscribe(t, s.URL+path, "Last-Event-ID", e.ID)
		change(newest + 1) // while it listens
		newest++
		last := newest - 1
		for last != newest {
			e = unchanged.Next()
			if v := version(e.Data); v <= last || v > newest {
				t.Fatalf("round %d: after version %d of %d came %+v", round, last, newest, e)
			}
			last = version(e.Data)
		}
		unchanged.Close()
		if round%3 == 1 {
			s.Move(caddyfile, 100+round)
		}
		change(newest + 1) // while it is away, and twice
		change(newest + 2)
		newest += 2
		back := Subscribe(t, s.URL+path, "Last-Event-ID", e.ID)
		for last != newest {
			e = back.Next()
			if v := version(e.Data); v <= last || v > newest {
				t.Fatalf("round %d: after version %d of %d came %+v", round, last, newest, e)
			}
			last = version(e.Data)
		}
		back.Close()
	}
}
