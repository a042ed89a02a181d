package nats

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
)

// relay stands before a server.
type relay struct {
	listener net.Listener
	target   string

	mutex  sync.Mutex
	silent bool // it takes connections, and nobody answers
	conns  []net.Conn
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	r := &relay{listener: must(net.Listen("tcp", "127.0.0.1:0")), target: target}
	t.Cleanup(func() {
		r.listener.Close()
		r.fallSilent()
	})
	go func() {
		for {
			conn, err := r.listener.Accept()
			if err != nil {
				return
			}
			r.take(conn)
		}
	}()
	return r
}

func (r *relay) take(conn net.Conn) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.conns = append(r.conns, conn)
	if r.silent {
		return
	}
	other, err := net.Dial("tcp", r.target)
	if err != nil {
		conn.Close()
		return
	}
	r.conns = append(r.conns, other)
	go io.Copy(conn, other)
	go io.Copy(other, conn)
}

// fallSilent ends all connections, and answers none from now on.
func (r *relay) fallSilent() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.silent = true
	for _, conn := range r.conns {
		conn.Close()
	}
	r.conns = nil
}

// silently is how many connections wait for somebody who says nothing.
func (r *relay) silently() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.conns)
}

// soon is what a call takes at most that does not wait. nats.go waits for two seconds.
const soon = 700 * time.Millisecond

func TestNothingWaitsWhileAServerIsSilent(t *testing.T) {
	s := newServers(t, 1, nil)
	s.Start()
	r := newRelay(t, s.engine.Servers[0][len("nats://"):])
	b := dial(t, provisioned(t, Engine{Servers: []string{"nats://" + r.listener.Addr().String()}}))
	b.awaitUp()
	listening, err := b.Subscribe("feed", func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	r.fallSilent()
	eventually(t, "nats.go waits for the server", func() bool { return r.silently() > 0 })
	clock := testclock.New(t)
	for name, call := range map[string]func(){
		"Publish":     func() { _ = b.Publish("feed", []byte("hello")) },
		"State":       func() { b.State() },
		"Largest":     func() { b.Largest() },
		"Subscribe":   func() { _, _ = b.Subscribe("feed", func([]byte) {}) },
		"Unsubscribe": func() { _ = listening.Unsubscribe() },
	} {
		began := clock.Now()
		call()
		if took := clock.Since(began); took > soon {
			t.Errorf("%s took %s", name, took)
		}
	}
	began := clock.Now()
	b.Close()
	if took := clock.Since(began); took > soon {
		t.Errorf("Close took %s", took)
	}
}

func TestCloseWaitsForNoServerThatNeverAnswered(t *testing.T) {
	r := newRelay(t, "")
	r.fallSilent()
	b := dial(t, provisioned(t, Engine{Servers: []string{"nats://" + r.listener.Addr().String()}}))
	eventually(t, "nats.go waits for the server", func() bool { return r.silently() > 0 })
	clock := testclock.New(t)
	began := clock.Now()
	b.Close()
	if took := clock.Since(began); took > soon {
		t.Errorf("Close took %s", took)
	}
}

// A subscription that ends while the server is away is not made again.
func TestASubscriptionThatEndsInAnOutageIsForgotten(t *testing.T) {
	s := newServers(t, 1, nil)
	s.Start()
	b := dial(t, s.Engine())
	b.awaitUp()
	listening, err := b.Subscribe("feed", func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	eventually(t, "the bus is down", func() bool { return !b.isUp() })
	if err := listening.Unsubscribe(); err != nil {
		t.Error(err)
	}
	s.Start()
	b.awaitUp()
	eventually(t, "nats.go knows of no subscription", func() bool { return b.Connection.(*connection).nc.NumSubscriptions() == 0 })
}
