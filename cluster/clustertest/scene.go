package clustertest

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
)

const (
	patience = time.Minute // for what must come
	prompt   = time.Second // what does not wait for the network is faster, by the clock of the scene
	between  = 2 * time.Millisecond
)

// scene is the server of one test.
type scene struct {
	testing.TB

	server Server
	routed bool
	clock  *testclock.Clock
	marks  int
}

// node is a connection, which belongs to the scene.
type node struct {
	cluster.Connection

	s        *scene
	warnings *observer.ObservedLogs
}

// start runs the server, and connects nodes to it.
func (s *scene) start(nodes int) []*node {
	s.Helper()
	s.server.Start()
	connected := make([]*node, nodes)
	for i := range connected {
		connected[i] = s.connect()
	}
	for _, n := range connected {
		n.awaitUp()
	}
	return connected
}

// connect returns a node that may not be up yet. It is closed when the test is over.
func (s *scene) connect() *node {
	s.Helper()
	core, logs := observer.New(zapcore.WarnLevel)
	began := s.clock.Now()
	c, err := s.server.Engine().Connect(zap.New(core))
	if err != nil {
		s.Fatalf("Connect: %v", err)
	}
	if took := s.clock.Since(began); took > prompt {
		s.Errorf("Connect took %s, and should not wait for the network", took)
	}
	s.Cleanup(func() { _ = c.Close() })
	return &node{Connection: c, s: s, warnings: logs}
}

// eventually waits until something is so.
func (s *scene) eventually(what string, is func() bool) {
	s.Helper()
	if !within(is) {
		s.Fatalf("not within %s: %s", patience, what)
	}
}

// always asks again and again for a while whether something is so.
func (s *scene) always(what string, d time.Duration, is func() bool) {
	s.Helper()
	ticker := time.NewTicker(10 * between)
	defer ticker.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-ticker.C {
		if !is() {
			s.Fatalf("not so for a while: %s", what)
		}
	}
}

func (n *node) isUp() bool {
	up, _ := n.State()
	return up
}

// next returns the channel that is closed at the next change.
func (n *node) next() <-chan struct{} {
	_, changed := n.State()
	return changed
}

func (n *node) awaitUp() {
	n.s.Helper()
	n.s.eventually("State is up", n.isUp)
}

func (n *node) awaitDown() {
	n.s.Helper()
	n.s.eventually("State is down", func() bool { return !n.isUp() })
}

// warned checks how many warnings were written.
func (n *node) warned(want int) {
	n.s.Helper()
	var texts []string
	for _, entry := range n.warnings.All() {
		texts = append(texts, entry.Message)
	}
	if len(texts) != want {
		n.s.Errorf("%d warnings were written, and not %d: %q", len(texts), want, texts)
	}
}

// say publishes a text, which must succeed. The bytes are overwritten after that: they are the sender's.
func (n *node) say(topic, text string) {
	n.s.Helper()
	message := []byte(text)
	if err := n.Publish(topic, message); err != nil {
		n.s.Fatalf("Publish: %v", err)
	}
	copy(message, bytes.Repeat([]byte{'#'}, len(message)))
}

// listen subscribes to a topic, which must succeed.
func (n *node) listen(topic string) *listener {
	n.s.Helper()
	l := &listener{}
	var err error
	if l.Subscription, err = n.Subscribe(topic, l.hear); err != nil {
		n.s.Fatalf("Subscribe: %v", err)
	}
	return l
}

// aMark begins messages that the tests themselves need. They are not among those that were heard.
const aMark = "mark "

// settle sends marks until all listeners have heard one. What the node said before on this topic has been heard
// then, or was lost.
func (n *node) settle(topic string, all ...*listener) {
	n.s.Helper()
	n.settleAll(func(int) string { return topic }, all)
}

// settleAll does that for listeners with different topics.
func (n *node) settleAll(topic func(i int) string, all []*listener) {
	n.s.Helper()
	n.s.marks++
	mark := fmt.Sprintf("%s%d", aMark, n.s.marks)
	var last time.Time
	n.s.eventually("a message is heard on "+topic(0), func() bool {
		again := time.Since(last) > 200*time.Millisecond
		missing, said := false, ""
		for i, l := range all {
			if l.marked(mark) {
				continue
			}
			if missing = true; again && topic(i) != said {
				said = topic(i)
				_ = n.Publish(said, []byte(mark)) // it may still be away
			}
		}
		if again {
			last = time.Now()
		}
		return !missing
	})
}

// listener keeps what a subscription has heard.
type listener struct {
	cluster.Subscription

	mutex      sync.Mutex
	got        []string
	mark       string // the last one
	running    int
	overlapped bool // it was called while it ran
}

func (l *listener) hear(message []byte) {
	l.mutex.Lock()
	l.running++
	l.overlapped = l.overlapped || l.running > 1
	text := string(message)
	if strings.HasPrefix(text, aMark) {
		l.mark = text
	} else {
		l.got = append(l.got, text)
	}
	l.mutex.Unlock()

	runtime.Gosched() // another call would come here
	l.mutex.Lock()
	l.running--
	l.mutex.Unlock()
}

func (l *listener) marked(mark string) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.mark == mark
}

// heard returns what was heard, without marks.
func (l *listener) heard() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return append([]string(nil), l.got...)
}

// wasOverlapped reports whether two calls ran at a time.
func (l *listener) wasOverlapped() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.overlapped
}
