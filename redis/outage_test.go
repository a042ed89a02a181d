package redis

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// logged is a connection, and all that it has logged.
type logged struct {
	cluster.Connection
	logs *observer.ObservedLogs
}

func connected(t *testing.T, e *Engine) *logged {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	c, err := provisioned(t, e).Connect(zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &logged{c, logs}
}

func (l *logged) isUp() bool { up, _ := l.State(); return up }

// said returns all that was logged at a level, or above it.
func (l *logged) said(from zapcore.Level) (lines []string) {
	for _, entry := range l.logs.All() {
		if entry.Level < from {
			continue
		}
		parts := []string{entry.Message}
		for _, field := range entry.ContextMap() {
			parts = append(parts, field.(string))
		}
		lines = append(lines, strings.Join(parts, ": "))
	}
	return lines
}

// warnsOnce waits for some attempts to connect, and checks that they were warned of once, and how.
func (l *logged) warnsOnce(t *testing.T, of string) {
	t.Helper()
	eventually(t, "three attempts", func() bool { return len(l.said(zapcore.DebugLevel)) >= 3 })
	if warnings := l.said(zapcore.WarnLevel); len(warnings) != 1 || !strings.Contains(warnings[0], of) {
		t.Errorf("the warnings are %q, and not one with %q", warnings, of)
	}
	if l.isUp() {
		t.Error("the bus is up")
	}
}

// tell says something to the server itself.
func (p *process) tell(command string, arguments ...any) any {
	p.t.Helper()
	conn, err := redis.Dial("tcp", p.address())
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	got, err := conn.Do(command, arguments...)
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

func (p *process) url() string { return "redis://" + p.address() }

func TestAFrozenServerIsFoundWithinThreeSeconds(t *testing.T) {
	p := newProcess(t)
	p.Start()
	c := connected(t, &Engine{Servers: []string{p.url()}})
	eventually(t, "the bus to be up", c.isUp)
	_, changed := c.State()
	p.Freeze()
	clock := testclock.New(t)
	select {
	case <-changed:
	case <-time.After(testPatience):
	}
	if took := clock.Now(); took > 3*time.Second || c.isUp() {
		t.Errorf("after %v, the bus is up: %t", took, c.isUp())
	}
	began := clock.Now()
	if err := c.Publish("topic", nil); err == nil || clock.Since(began) > time.Second {
		t.Errorf("publishing took %v, and said %v", clock.Since(began), err)
	}
	p.Thaw()
	eventually(t, "the bus to be up again", c.isUp)
}

// Redis may end either connection: the one that listens if it is slow, the other one if it is idle.
func TestAConnectionThatIsEndedEndsTheOtherOne(t *testing.T) {
	for _, kind := range []string{"pubsub", "normal"} {
		t.Run(kind, func(t *testing.T) {
			p := newProcess(t)
			p.Start()
			one, two := connected(t, &Engine{Servers: []string{p.url()}}), connected(t, &Engine{Servers: []string{p.url()}})
			eventually(t, "both to be up", func() bool { return one.isUp() && two.isUp() })
			var heard sync.Map
			if _, err := two.Subscribe("topic", func(message []byte) { heard.Store(string(message), true) }); err != nil {
				t.Fatal(err)
			}
			_, changed := two.State()
			clock := testclock.New(t)
			p.tell("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
			select {
			case <-changed:
			case <-time.After(testPatience):
			}
			if took := clock.Now(); took > silence/2 {
				t.Errorf("it was told after %v, when the silence would tell", took)
			}
			eventually(t, "both to be up again", func() bool { return one.isUp() && two.isUp() })
			eventually(t, "a message", func() bool {
				_ = one.Publish("topic", []byte("after")) // the machine may be too busy for either connection
				_, ok := heard.Load("after")
				return ok
			})
			eventually(t, "the server to have 2 connections of each node and the test's", func() bool {
				return strings.Count(string(p.tell("CLIENT", "LIST").([]byte)), "\n") == 5
			})
		})
	}
}

// muted passes connections on to a server, until it is told to let nothing more come back on one of them.
func muted(t *testing.T, server string) (address string, mute func(connection int)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var silenced [2]atomic.Bool
	go func() {
		for i := 0; ; i++ {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				near.Close()
				continue
			}
			go func() {
				defer far.Close()
				_, _ = io.Copy(far, near)
			}()
			go func() {
				defer near.Close()
				buffer := make([]byte, 4096)
				for {
					n, err := far.Read(buffer)
					if err != nil {
						return
					}
					if i >= len(silenced) || !silenced[i].Load() {
						_, _ = near.Write(buffer[:n])
					}
				}
			}()
		}
	}()
	return l.Addr().String(), func(connection int) { silenced[connection].Store(true) }
}

// A connection may look open to one side, and a server may answer on one and not on the other.
func TestEachDirectionMustWork(t *testing.T) {
	for i, name := range []string{"listening", "publishing"} {
		t.Run(name, func(t *testing.T) {
			p := newProcess(t)
			p.Start()
			address, mute := muted(t, p.address())
			c := connected(t, &Engine{Servers: []string{"redis://" + address}})
			eventually(t, "the bus to be up", c.isUp)
			_, changed := c.State()
			mute(i)
			clock := testclock.New(t)
			select {
			case <-changed:
			case <-time.After(testPatience):
			}
			if took := clock.Now(); took > 3*time.Second {
				t.Errorf("it was found after %v", took)
			}
			eventually(t, "the bus to be up by other connections", c.isUp)
		})
	}
}

func TestASubscriptionMayEndAnotherOne(t *testing.T) {
	server := newMini(t)
	server.Start()
	url := server.Engine().(*Engine).Servers
	from, to := connected(t, &Engine{Servers: url}), connected(t, &Engine{Servers: url})
	eventually(t, "both to be up", func() bool { return from.isUp() && to.isUp() })
	var second cluster.Subscription
	var ended, after atomic.Int32
	if _, err := to.Subscribe("topic", func([]byte) { second.Unsubscribe(); ended.Add(1) }); err != nil {
		t.Fatal(err)
	}
	var err error
	if second, err = to.Subscribe("topic", func([]byte) { after.Add(1) }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := from.Publish("topic", nil); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "both messages", func() bool { return ended.Load() == 2 })
	if n := after.Load(); n > 0 {
		t.Errorf("it was called %d times after its end", n)
	}
}

func TestTopicsThatNobodyListensToAreNotSubscribedTo(t *testing.T) {
	p := newProcess(t)
	p.Start()
	c := connected(t, &Engine{Servers: []string{p.url()}, Prefix: "chat"})
	eventually(t, "the bus to be up", c.isUp)
	channels := func() (names []string) {
		all, err := redis.Strings(p.tell("PUBSUB", "CHANNELS"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(name string) bool { return strings.HasPrefix(name, "chat:.") })
	}
	var all []cluster.Subscription
	for _, topic := range []string{"a", "a", "b"} {
		s, err := c.Subscribe(topic, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	for _, want := range [][]string{{"chat:a", "chat:b"}, {"chat:a", "chat:b"}, {"chat:b"}, nil} {
		eventually(t, strings.Join(want, " "), func() bool { got := channels(); slices.Sort(got); return slices.Equal(got, want) })
		if len(all) > 0 {
			if err := all[0].Unsubscribe(); err != nil {
				t.Error(err)
			}
			all = all[1:]
		}
	}
}
