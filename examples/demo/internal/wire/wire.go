//go:build unix

// Package wire passes connections on, counts what goes over them, and breaks them.
package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Traffic counts what requests of one kind have cost so far.
type Traffic struct {
	Requests atomic.Int64
	Bytes    atomic.Int64 // of requests and answers, with their headers
}

// Wire passes connections on to another port of this machine, and counts what goes over them. It
// can be cut, and closed for a while as if the program behind it had ended.
type Wire struct {
	addr, target string
	// owner tells whose a request is; nil is nobody's, which is passed on all the same.
	owner func(*http.Request) *Traffic

	mu       sync.Mutex
	listener net.Listener // nil while the wire is down
	links    map[*link]struct{}
	running  sync.WaitGroup
}

// New listens on addr ("127.0.0.1:8080") and passes on to target.
func New(addr, target string, owner func(*http.Request) *Traffic) (*Wire, error) {
	w := &Wire{addr: addr, target: target, owner: owner, links: make(map[*link]struct{})}
	return w, w.Up()
}

// Up listens again.
func (w *Wire) Up() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", w.addr)
	if err != nil {
		return fmt.Errorf("listening for %s: %w", w.target, err)
	}
	w.listener = listener
	w.running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the wire is down
			}
			w.connect(listener, client)
		}
	})
	return nil
}

// Down refuses new connections and cuts those that there are.
func (w *Wire) Down() {
	w.mu.Lock()
	if w.listener != nil {
		w.listener.Close()
		w.listener = nil
	}
	w.mu.Unlock()
	w.Cut(nil)
}

// Close takes the wire down and waits until all has ended.
func (w *Wire) Close() {
	w.Down()
	w.running.Wait()
}

// Cut breaks the connections on which a request of this traffic is the last; without one, all.
func (w *Wire) Cut(of *Traffic) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := range w.links {
		if of == nil || l.owner.Load() == of {
			l.reset()
		}
	}
}

// Open is how many connections there are on which a request of this traffic is the last.
func (w *Wire) Open(of *Traffic) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for l := range w.links {
		if l.owner.Load() == of {
			n++
		}
	}
	return n
}

// connect passes on a connection that came in by a listener.
func (w *Wire) connect(by net.Listener, client net.Conn) {
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		client.Close()
		return
	}
	l := &link{client: client, server: server}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listener != by { // it went down meanwhile
		l.reset()
		return
	}
	w.links[l] = struct{}{}
	w.running.Go(func() {
		var answers sync.WaitGroup
		answers.Go(l.answers)
		l.requests(w.owner)
		answers.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.links, l)
	})
}

// link is one connection on a wire. HTTP/1.1 as browsers and Caddy speak it has one request at a
// time on each, so that what comes back belongs to the last request.
type link struct {
	client, server net.Conn
	owner          atomic.Pointer[Traffic] // of the last request
}

// requests passes on what the client sends, request by request, until one of the two ends.
func (l *link) requests(owner func(*http.Request) *Traffic) {
	defer l.end()
	var raw bytes.Buffer // what of the request has not been passed on, to the byte
	reader := bufio.NewReader(io.TeeReader(l.client, &raw))
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		of := owner(request)
		l.owner.Store(of)
		if of != nil {
			of.Requests.Add(1)
			of.Bytes.Add(int64(raw.Len()))
		}
		if _, err := raw.WriteTo(l.server); err != nil {
			return
		}
	}
}

// answers passes on what the server sends.
func (l *link) answers() {
	defer l.end()
	buffer := make([]byte, 16<<10)
	for {
		n, err := l.server.Read(buffer)
		if of := l.owner.Load(); of != nil {
			of.Bytes.Add(int64(n))
		}
		if _, failed := l.client.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

func (l *link) end() {
	l.client.Close()
	l.server.Close()
}

// reset ends the link as a cable does that is pulled: with no goodbye to the client.
func (l *link) reset() {
	if tcp, ok := l.client.(*net.TCPConn); ok {
		// An error means that it has ended already.
		_ = tcp.SetLinger(0)
	}
	l.end()
}
