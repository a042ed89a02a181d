package cluster

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

// again is the time after which a subscription is tried again that has failed, unless the bus changes before.
const again = time.Second

// enroll has the bus told of a share. One goroutine tells it of all, since each takes the time of a round trip. m.mu is
// held.
func (m *Member) enroll(s *Share) {
	if m.left {
		return
	}
	m.joining = append(m.joining, s)
	m.tell()
}

// part is told that a share has been closed. Locks of its feed may be held.
func (m *Member) part(s *Share, subscription cluster.Subscription) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.shares[s]; there {
		delete(m.shares, s)
		m.nodes.serve(s.Bridge, -1)
	}
	if subscription != nil {
		m.parting = append(m.parting, subscription)
		m.tell()
	}
}

// tell begins to tell the bus what it has to know. m.mu is held.
func (m *Member) tell() {
	if !m.busy {
		m.busy = true
		m.ended.Go(m.telling)
	}
}

// telling tells the bus what it has to know, until it knows all.
func (m *Member) telling() {
	for {
		m.mu.Lock()
		s, parting := (*Share)(nil), m.parting
		if m.parting = nil; len(m.joining) > 0 {
			s, m.joining = m.joining[0], m.joining[1:]
		}
		if s == nil && len(parting) == 0 {
			m.busy = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		for _, p := range parting {
			m.end(p)
		}
		if s != nil && !m.subscribe(s) {
			m.pause()
			m.mu.Lock()
			m.joining = slices.DeleteFunc(append(m.joining, s), func(s *Share) bool { // while the bus is away, feeds come and go
				_, there := m.shares[s]
				return !there || m.left
			})
			m.mu.Unlock()
		}
	}
}

// subscribe tells the bus of a share, and reports whether it knows.
func (m *Member) subscribe(s *Share) bool {
	subscription, err := m.bus.Subscribe(s.secret.topic, s.hear)
	if err != nil {
		m.settings.Logger.Debug("a feed could not be shared yet", zap.Error(err))
		return false
	}
	if !s.joined(subscription) {
		m.end(subscription)
	}
	return true
}

func (m *Member) end(subscription cluster.Subscription) {
	if err := subscription.Unsubscribe(); err != nil {
		m.settings.Logger.Debug("a feed is no longer shared, and the bus was not told", zap.Error(err))
	}
}

// pause waits until the bus may have come back.
func (m *Member) pause() {
	_, changed := m.bus.State()
	timer := time.NewTimer(again)
	defer timer.Stop()
	select {
	case <-m.done:
	case <-changed:
	case <-timer.C:
	}
}
