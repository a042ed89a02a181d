package clustertest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

// faults are what an engine in memory does wrong.
type faults struct {
	twice, disordered, echo, ownBuffer, oneTopic, short, oneEach, late, atATime bool

	unsubscribeNot, largestLies, largerCuts, dropsSilently, wide, goroutines, refusedHears, acceptsAway bool

	publishesAway, keeps, waits, upAlways, changedNot, backUntold, loses, ignoresFreeze, unsubscribedComesBack bool

	connectFails, connectWaits, warnsNot, warnsTwice, closeNot, closeLeaves, closeUp, acceptsClosed, warnsOfClose bool
}

const (
	memoryLargest = 1 << 16
	memoryQueue   = 5000
)

var errAway = errors.New("the engine is away")

// memory is an engine and its server. Nodes learn at once that it goes or comes.
type memory struct {
	faults

	mutex   sync.Mutex
	running bool
	silent  bool
	nodes   []*memoryNode
	over    chan struct{} // closed when the test is
}

func (m *memory) Engine() cluster.Engine { return m }

func (m *memory) Start()  { m.set(func() { m.running = true }) }
func (m *memory) Kill()   { m.set(func() { m.running = false }) }
func (m *memory) Freeze() { m.set(func() { m.silent = true }) }
func (m *memory) Thaw()   { m.set(func() { m.silent = false }) }

func (m *memory) up() bool { return m.running && (!m.silent || m.ignoresFreeze) }

func (m *memory) set(change func()) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	was := m.up()
	change()
	if m.up() == was {
		return
	}
	for _, n := range m.nodes {
		n.turned(m.up())
	}
}

func (m *memory) Connect(logger *zap.Logger) (cluster.Connection, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.connectFails && !m.up() {
		return nil, errAway
	}
	if m.connectWaits {
		time.Sleep(2 * prompt)
	}
	n := &memoryNode{memory: m, logger: logger, changed: make(chan struct{}), queue: make(chan func(), memoryQueue), heard: make(map[string][]*memorySubscription)}
	m.nodes = append(m.nodes, n)
	if !m.up() {
		n.turned(false)
	}
	go func() {
		for call := range n.queue {
			call()
		}
	}()
	return n, nil
}

// memoryNode is a connection. The mutex of memory guards it.
type memoryNode struct {
	*memory

	logger  *zap.Logger
	changed chan struct{}
	closed  bool
	queue   chan func()
	heard   map[string][]*memorySubscription
	kept    []func() // what a faulty one publishes later
}

func (n *memoryNode) turned(up bool) {
	if !up {
		if !n.warnsNot {
			n.logger.Warn("away")
		}
		if n.warnsTwice {
			n.logger.Warn("still away")
		}
	}
	if !n.changedNot && !(up && n.backUntold) {
		close(n.changed)
		n.changed = make(chan struct{})
	}
	if up {
		for _, publish := range n.kept {
			publish()
		}
		n.kept = nil
	}
	if n.loses && !up {
		clear(n.heard)
	}
}

func (n *memoryNode) Largest() int {
	if n.largestLies {
		return 2 * memoryLargest
	}
	return memoryLargest
}

func (n *memoryNode) State() (bool, <-chan struct{}) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.upAlways || n.up() && (!n.closed || n.closeUp), n.changed
}

func (n *memoryNode) Publish(topic string, message []byte) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if len(message) > memoryLargest && !n.wide {
		if n.largerCuts {
			n.turned(false)
			n.running = false
		}
		return errors.New("too large")
	}
	if n.closed {
		if n.acceptsClosed {
			return nil
		}
		return errAway
	}
	copied := slices.Clone(message)
	if n.ownBuffer {
		copied = message
	}
	if n.up() {
		n.spread(topic, copied)
		return nil
	}
	if n.waits {
		time.Sleep(2 * prompt)
	}
	if n.keeps {
		n.kept = append(n.kept, func() { n.spread(topic, copied) })
	}
	if n.publishesAway {
		return nil
	}
	return errAway
}

func (n *memoryNode) spread(topic string, message []byte) {
	if n.oneTopic && len(topic) > 2 {
		topic = topic[:min(len(topic), 32)]
	}
	for _, other := range n.nodes {
		if other.closed && !n.closeNot || other == n && !n.echo {
			continue
		}
		for _, s := range other.heard[topic] {
			s.deliver(message)
		}
	}
}

type memorySubscription struct {
	node  *memoryNode
	topic string
	hear  func([]byte)
	ended bool
	held  []byte // what a faulty one delivers after the next
}

func (s *memorySubscription) deliver(message []byte) {
	n := s.node
	call := func() {
		n.mutex.Lock()
		ended := s.ended && !n.unsubscribeNot
		n.mutex.Unlock()
		if !ended {
			s.hear(message)
		}
	}
	if n.disordered && len(message) > 0 && message[len(message)-1] == '7' && s.held == nil {
		s.held = message
		return
	}
	if n.short && len(message) > 300 {
		message = message[:len(message)-1]
	}
	if n.atATime {
		go call()
		return
	}
	select {
	case n.queue <- call:
	default:
		if !n.dropsSilently {
			close(n.changed)
			n.changed = make(chan struct{})
		}
	}
	if n.twice {
		n.queue <- call
	}
	if held := s.held; held != nil {
		s.held = nil
		n.queue <- func() { s.hear(held) }
	}
}

func (n *memoryNode) Subscribe(topic string, heard func([]byte)) (cluster.Subscription, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.oneTopic && len(topic) > 2 {
		topic = topic[:min(len(topic), 32)]
	}
	s := &memorySubscription{node: n, topic: topic, hear: heard}
	if n.closed && !n.acceptsClosed {
		return nil, errAway
	}
	if !n.up() {
		if n.refusedHears {
			n.heard[topic] = append(n.heard[topic], s)
		}
		if n.acceptsAway {
			return s, nil
		}
		return nil, errAway
	}
	if n.goroutines {
		go func() { <-n.over }()
	}
	if n.oneEach {
		n.heard[topic] = nil
	}
	if n.late {
		time.AfterFunc(100*time.Millisecond, func() {
			n.mutex.Lock()
			defer n.mutex.Unlock()
			n.heard[topic] = append(n.heard[topic], s)
		})
		return s, nil
	}
	n.heard[topic] = append(n.heard[topic], s)
	return s, nil
}

func (s *memorySubscription) Unsubscribe() error {
	s.node.mutex.Lock()
	defer s.node.mutex.Unlock()
	if s.node.unsubscribeNot || s.node.unsubscribedComesBack && !s.node.up() {
		return nil
	}
	s.ended = true
	s.node.heard[s.topic] = slices.DeleteFunc(slices.Clone(s.node.heard[s.topic]), func(other *memorySubscription) bool { return other == s })
	return nil
}

func (n *memoryNode) Close() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	if n.warnsOfClose {
		n.logger.Warn("away")
	}
	if !n.closeUp {
		close(n.changed)
		n.changed = make(chan struct{})
	}
	if !n.closeNot && !n.closeLeaves {
		close(n.queue)
	}
	return nil
}

// serve makes such engines.
func serve(wrong faults) func(testing.TB) Server {
	return func(t testing.TB) Server {
		m := &memory{faults: wrong, over: make(chan struct{})}
		t.Cleanup(func() {
			close(m.over)
			for _, n := range m.nodes {
				if !n.closed || n.closeNot || n.closeLeaves {
					close(n.queue)
				}
			}
		})
		return m
	}
}
