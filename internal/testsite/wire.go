package testsite

import (
	"io"
	"net"
	"regexp"
	"sync"
	"testing"
)

// Wire is a TCP proxy that can cut all connections that go through it.
type Wire struct {
	URL  string       // of the site, through the wire
	Sent LockedBuffer // what clients have sent, with their connections in any order

	mu    sync.Mutex
	conns []net.Conn
}

// NewWire lays a wire to an address.
func NewWire(t *testing.T, addr string) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{URL: "http://" + l.Addr().String()}
	var pumps sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		w.Cut()
		pumps.Wait()
	})
	pumps.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", addr)
			if err != nil {
				client.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, client, server)
			w.mu.Unlock()
			pump := func(to, from net.Conn, tee io.Writer) {
				_, _ = io.Copy(to, io.TeeReader(from, tee)) // a cut is an error
				to.Close()
				from.Close()
			}
			pumps.Go(func() { pump(server, client, &w.Sent) })
			pumps.Go(func() { pump(client, server, io.Discard) })
		}
	})
	return w
}

// Cut resets all connections, and what is under way in them is lost.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it may be closed
		}
		c.Close()
	}
	w.conns = nil
}

var lastEventIDs = regexp.MustCompile(`(?i)\r\nlast-event-id: *([^\r]*)\r\n`)

// Resumed returns the last event ids that clients came back with.
func (w *Wire) Resumed() (ids []string) {
	for _, m := range lastEventIDs.FindAllStringSubmatch(w.Sent.String(), -1) {
		ids = append(ids, m[1])
	}
	return ids
}
