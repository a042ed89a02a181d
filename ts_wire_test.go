package ssebridge

import (
	"io"
	"net"
	"regexp"
	"sync"
	"testing"
)

// wire is a TCP proxy that can cut all connections that go through it.
type wire struct {
	url  string       // of the site, through the wire
	sent lockedBuffer // what clients have sent, with their connections in any order

	mu    sync.Mutex
	conns []net.Conn
}

// newWire lays a wire to an address.
func newWire(t *testing.T, addr string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{url: "http://" + l.Addr().String()}
	var pumps sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		w.cut()
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
			pumps.Go(func() { pump(server, client, &w.sent) })
			pumps.Go(func() { pump(client, server, io.Discard) })
		}
	})
	return w
}

// cut resets all connections, and what is under way in them is lost.
func (w *wire) cut() {
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

// resumed returns the last event ids that clients came back with.
func (w *wire) resumed() (ids []string) {
	for _, m := range lastEventIDs.FindAllStringSubmatch(w.sent.String(), -1) {
		ids = append(ids, m[1])
	}
	return ids
}
