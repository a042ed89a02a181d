package nats

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
)

// serverOf returns which server a bus is connected to.
func serverOf(t *testing.T, s *servers, b *bus) int {
	t.Helper()
	c := b.Connection.(*connection)
	c.mutex.Lock()
	url := c.nc.ConnectedUrl()
	c.mutex.Unlock()
	for i, known := range s.engine.Servers {
		if known == url {
			return i
		}
	}
	t.Fatalf("connected to %s, which is none of %v", url, s.engine.Servers)
	return 0
}

func TestANodeWhoseServerDiesGoesToAnother(t *testing.T) {
	s := newServers(t, 3, nil)
	s.Start()
	from, to := dial(t, s.Engine()), dial(t, s.Engine())
	from.awaitUp()
	to.awaitUp()
	heard := make(chan string, 1000)
	if _, err := to.Subscribe("feed", func(message []byte) { heard <- string(message) }); err != nil {
		t.Fatal(err)
	}
	clock, warned := testclock.New(t), 0
	for range 3 {
		lost := serverOf(t, s, to)
		_, changed := to.State()
		s.kill(lost)
		began, ran := time.Now(), clock.Now()
		<-changed
		eventually(t, "the bus is up", to.isUp)
		took, ran := time.Since(began), clock.Since(ran)
		t.Logf("up again after %s, of which it ran for %s", took, ran)
		if ran > 500*time.Millisecond {
			t.Errorf("the bus was down for %s", ran)
		}
		if took >= aMoment { // the machine was busy
			warned++
		}
		talk(t, from, to)
		eventually(t, "the subscription from before hears it, too", func() bool { return len(heard) > 0 })
		for len(heard) > 0 {
			<-heard
		}
		s.start(lost)
		if !s.running[lost].ReadyForConnections(patience) {
			t.Fatal("a server takes no connections")
		}
	}
	if got := to.warnings(); len(got) > warned {
		t.Errorf("a change of the server was warned of: %q", got)
	}
}

// nats.go gives a connection up for ever after an error that it does not know, such as this one.
func TestAConnectionThatNATSGivesUpIsMadeAnew(t *testing.T) {
	s := newServers(t, 1, func(o *server.Options) { o.MaxPayload = 1 << 16 })
	s.Start()
	from, to := dial(t, s.Engine()), dial(t, s.Engine())
	from.awaitUp()
	to.awaitUp()
	heard := make(chan string, 1000)
	ended, err := to.Subscribe("feed", func(message []byte) { heard <- string(message) })
	if err != nil {
		t.Fatal(err)
	}
	c := to.Connection.(*connection)
	nc := c.nc
	s.running[0].DisconnectClientByID(must(nc.GetClientID())) // both ways to go
	eventually(t, "the bus is up", to.isUp)
	nc.Close()
	eventually(t, "the connection is another", func() bool {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		return c.nc != nc && c.up
	})
	if err := from.Publish("feed", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-heard:
	case <-time.After(patience):
		t.Error("the subscription was lost with the connection")
	}
	if err := ended.Unsubscribe(); err != nil {
		t.Error(err)
	}
	talk(t, from, to)
	if len(heard) > 0 {
		t.Errorf("after Unsubscribe was heard %q", <-heard)
	}
}

// The largest size is the server's, also once it has changed.
func TestTheLargestSizeIsTheServers(t *testing.T) {
	s := newServers(t, 1, func(o *server.Options) { o.MaxPayload = 1 << 16 })
	b := dial(t, s.Engine())
	if got := b.Largest(); got != 1<<20 {
		t.Errorf("while the server is away, Largest is %d", got)
	}
	s.Start()
	b.awaitUp()
	if got := b.Largest(); got != 1<<16 {
		t.Errorf("Largest is %d", got)
	}
	err := b.Publish("feed", make([]byte, 1<<16+1))
	if err == nil || err.Error() != "a message of 65537 bytes is too large: NATS takes 65536" {
		t.Errorf("Publish: %v", err)
	}
}

// What was published before Close is sent, such as a goodbye.
func TestCloseSendsWhatWaits(t *testing.T) {
	s := newServers(t, 1, nil)
	s.Start()
	for range 20 {
		from, to := dial(t, s.Engine()), dial(t, s.Engine())
		from.awaitUp()
		to.awaitUp()
		heard := make(chan string, 1)
		if _, err := to.Subscribe("bye", func(message []byte) { heard <- string(message) }); err != nil {
			t.Fatal(err)
		}
		if err := from.Publish("bye", []byte("bye")); err != nil {
			t.Fatal(err)
		}
		from.Close()
		select {
		case <-heard:
		case <-time.After(patience):
			t.Fatal("a message from before Close was not heard")
		}
		to.Close()
	}
}
