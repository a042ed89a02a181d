package testsite

import (
	"net"
	"regexp"
	"sync"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
)

// Wire is a TCP proxy that can do to its connections what networks do.
type Wire struct {
	URL  string       // of the site, through the wire
	Sent LockedBuffer // what clients have sent, with their connections in any order

	t         *testing.T
	addr      string // of the site
	listening sync.WaitGroup

	mu         sync.Mutex
	listener   net.Listener
	conns      []*wired
	unanswered int  // how many more connections end without an answer
	tear       int  // in how many more bytes to clients a tear comes, or 0 for none
	holds      bool // the tear freezes its connection
}

// wired is a connection through a wire.
type wired struct {
	client, server net.Conn
	frozen         bool // it stays open, and what is sent through it is lost
}

// NewWire lays a wire to an address.
func NewWire(t *testing.T, addr string) *Wire {
	t.Helper()
	l := testport.Listen(t, testport.Free(t)) // it may be closed and opened again
	w := &Wire{URL: "http://" + l.Addr().String(), t: t, addr: addr, listener: l}
	t.Cleanup(func() {
		w.Down()
		w.listening.Wait()
	})
	w.listening.Go(func() { w.serve(l) })
	return w
}

// serve passes on what connections send until the listener is closed.
func (w *Wire) serve(l net.Listener) {
	var pumps sync.WaitGroup
	defer pumps.Wait()
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		if w.endsUnanswered() {
			pumps.Go(func() {
				_, _ = client.Read(make([]byte, 32<<10)) // what it asks for
				client.Close()
			})
			continue
		}
		server, err := net.Dial("tcp", w.addr)
		if err != nil {
			client.Close()
			continue
		}
		c := &wired{client: client, server: server}
		w.mu.Lock()
		w.conns = append(w.conns, c)
		w.mu.Unlock()
		pumps.Go(func() { w.pump(c, server, client) })
		pumps.Go(func() { w.pump(c, client, server) })
	}
}

func (w *Wire) endsUnanswered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unanswered == 0 {
		return false
	}
	w.unanswered--
	return true
}

// pump passes on what comes, until either side ends.
func (w *Wire) pump(c *wired, to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	for buffer := make([]byte, 32<<10); ; {
		n, err := from.Read(buffer) // a cut is an error
		passes, goesOn := w.passes(c, buffer[:n], to == c.client)
		if _, failed := to.Write(passes); err != nil || failed != nil || !goesOn {
			return
		}
	}
}

// passes returns what gets through of bytes that were sent, and whether the connection lives on.
func (w *Wire) passes(c *wired, sent []byte, toClient bool) ([]byte, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case c.frozen:
		return nil, true
	case !toClient:
		_, _ = w.Sent.Write(sent) // into memory
		return sent, true
	case w.tear == 0:
		return sent, true
	case len(sent) < w.tear:
		w.tear -= len(sent)
		return sent, true
	default:
		sent = sent[:w.tear]
		c.frozen = w.holds
		w.tear, w.holds = 0, false
		return sent, c.frozen
	}
}

// Cut resets all connections, and what is under way in them is lost.
func (w *Wire) Cut() {
	w.each(func(c *wired) {
		for _, end := range []net.Conn{c.client, c.server} {
			if tcp, ok := end.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // it may be closed
			}
			end.Close()
		}
	})
}

// Down resets all connections, and has those to come refused, as when no server is there.
func (w *Wire) Down() {
	w.mu.Lock()
	w.listener.Close()
	w.mu.Unlock()
	w.Cut()
}

// Up takes connections again after Down.
func (w *Wire) Up() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	l := testport.Listen(w.t, w.listener.Addr().String())
	w.listener = l
	w.listening.Go(func() { w.serve(l) })
}

// LeaveUnanswered ends the given number of connections to come when their clients have sent something, as a server does that shuts
// down just then.
func (w *Wire) LeaveUnanswered(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unanswered = n
}

// Unanswered returns how many of those connections have not come yet.
func (w *Wire) Unanswered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unanswered
}

// Finish ends all connections as a proxy does that exits: with a FIN, after all that was sent, and without an end of HTTP or TLS.
func (w *Wire) Finish() { w.each(func(c *wired) { c.server.Close() }) }

// Freeze loses all that is sent from now on through the connections that there are. They stay open.
func (w *Wire) Freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.frozen = true
	}
}

// Tear ends one connection, as Finish does, when the given number of bytes have passed to clients.
func (w *Wire) Tear(after int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tear = after
}

// Hold freezes one connection, as Freeze does, when the given number of bytes have passed to clients.
func (w *Wire) Hold(after int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tear, w.holds = after, true
}

// each ends all connections that there are.
func (w *Wire) each(end func(*wired)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		end(c)
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
