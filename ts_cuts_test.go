package ssebridge

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// subscribeByName opens a stream of a site that has a name.
func subscribeByName(t *testing.T, caddyfile, path string, header ...string) *subscription {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	site := "http://site.test:" + port
	runCaddy(t, strings.Replace(caddyfile, "{{site}}", site, 1))
	return subscribeWith(t, roomTransport(t), site+path, header...)
}

var bridgeBlock = regexp.MustCompile(`(?m)^\t*sse_bridge .*\{$`)

// move has the site continue on another node: at another address, and with bridges that know
// nothing.
func (s *site) move(caddyfile string, generation int) {
	s.t.Helper()
	s.addr = freeAddr(s.t)
	s.url = "http://" + s.addr
	s.reload(bridgeBlock.ReplaceAllString(caddyfile, fmt.Sprintf("$0\n\t\tkeepalive %ds", 1000+generation)))
}

// cuts is a client that is cut off at every event, and resumes by its id.
type cuts struct {
	site    *site
	path    string
	name    string           // where the data say which event it is: "event 7"
	publish func(i int)      // event i, from 1 on
	live    func(i int) bool // whether event i comes only when the client is there
	absent  func(i int)      // is called when the client has gone with event i
}

// follow checks that n events come, none lost, none twice, in order.
func (c cuts) follow(t *testing.T, n int) {
	t.Helper()
	published, last := 0, ""
	publish := func(upTo int) {
		for ; published < upTo; published++ {
			c.publish(published + 1)
		}
	}
	for i := 1; i <= n+1; i++ { // one more, in whose place a repeat would come
		switch {
		case c.live(i):
		case i%4 == 1: // several at a time
			publish(i + 2)
		default:
			publish(i)
		}
		if i > 1 {
			c.absent(i - 1)
		}
		var header []string
		if last != "" {
			header = []string{"Last-Event-ID", last}
		}
		stream := subscribe(t, c.site.url+c.path, header...)
		publish(i)
		e := stream.next()
		stream.close()
		if got, want := gjson.Get(e.Data, c.name).Str, fmt.Sprintf("event %d", i); got != want || e.Type != "" {
			t.Fatalf("after the id %q: got %+v, want %s", last, e, want)
		}
		if e.ID == "" || e.ID == last {
			t.Fatalf("event %d has the id %q after %q", i, e.ID, last)
		}
		last = e.ID
	}
}

// cutAtEveryEvent has a client follow 100 events of a backend twice: on one node, whose log it
// often finds itself in, and with each of its streams on a node that knows nothing. source
// returns the path of a new sequence of events, and what publishes them.
func cutAtEveryEvent(t *testing.T, caddyfile, name string, source func(t *testing.T) (path string, publish func(i int))) {
	const events = 100
	t.Run("on one node", func(t *testing.T) {
		path, publish := source(t)
		s := runCaddy(t, caddyfile)
		live := func(i int) bool { return i >= 8 && i/4%2 == 0 }
		cuts{s, path, name, publish, live, func(int) {}}.follow(t, events)
	})
	t.Run("on a new node each time", func(t *testing.T) {
		path, publish := source(t)
		s := runCaddy(t, caddyfile)
		// a new feed lets its first client wait for an answer, so that few events are live
		live := func(i int) bool { return i%40 == 36 }
		cuts{s, path, name, publish, live, func(i int) { s.move(caddyfile, i) }}.follow(t, events)
	})
}

// checkDocument has a client come back to a document again and again, sometimes to a node that
// knows nothing. change makes a version of the document, from 2 on, and version says which one an
// event holds.
func checkDocument(t *testing.T, caddyfile, path string, change func(to int), version func(data string) int) {
	t.Helper()
	s := runCaddy(t, caddyfile)
	newcomer := subscribe(t, s.url+path)
	e := newcomer.next()
	if version(e.Data) != 1 || e.ID == "" {
		t.Fatalf("a newcomer got %+v", e)
	}
	newcomer.close()
	newest := 1
	for round := range 9 {
		if round%3 == 2 {
			s.move(caddyfile, round)
		}
		unchanged := subscribe(t, s.url+path, "Last-Event-ID", e.ID)
		change(newest + 1) // while it listens
		newest++
		last := newest - 1
		for last != newest {
			e = unchanged.next()
			if v := version(e.Data); v <= last || v > newest {
				t.Fatalf("round %d: after version %d of %d came %+v", round, last, newest, e)
			}
			last = version(e.Data)
		}
		unchanged.close()
		if round%3 == 1 {
			s.move(caddyfile, 100+round)
		}
		change(newest + 1) // while it is away, and twice
		change(newest + 2)
		newest += 2
		back := subscribe(t, s.url+path, "Last-Event-ID", e.ID)
		for last != newest {
			e = back.next()
			if v := version(e.Data); v <= last || v > newest {
				t.Fatalf("round %d: after version %d of %d came %+v", round, last, newest, e)
			}
			last = version(e.Data)
		}
		back.close()
	}
}
