package cluster

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

const (
	// whole is how often a sign of life says what the node is.
	whole = 7
	// maxLines bounds the lines about nodes in a minute.
	maxLines = 60
	// settled is how long another node differs before somebody is warned: a reload takes a while on all of them.
	settled = time.Minute
	// unpaired is how long no feed finds another node before somebody is warned.
	unpaired = 5 * time.Minute
)

// live shows that the node is there, and looks after the others, until the member leaves.
func (m *Member) live() {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var heard cluster.Subscription
	up, changed := m.bus.State()
	m.turn(up)
	last := time.Now()
	for n := 0; ; n++ {
		if heard == nil && up {
			heard = m.listen()
			n = 0
		}
		m.sign(n)
		select {
		case <-m.done:
			m.publish(nodesTopic, m.signOf(signBye))
			if heard != nil {
				m.end(heard)
			}
			return
		case <-changed:
			up, changed = m.bus.State()
			m.turn(up)
			m.reconnected(up)
		case <-ticker.C:
		}
		now := time.Now()
		m.look(now, now.Sub(last) > lost/2)
		last = now
	}
}

// listen listens to the other nodes.
func (m *Member) listen() cluster.Subscription {
	heard, err := m.bus.Subscribe(nodesTopic, m.hear)
	if err != nil {
		m.settings.Logger.Debug("the other nodes of the cluster are not heard yet", zap.Error(err))
		return nil
	}
	return heard
}

// sign shows that the node is there.
func (m *Member) sign(n int) {
	form := signLife
	if n%whole == 0 {
		form = signSelf
	}
	m.publish(nodesTopic, m.signOf(form))
}

func (m *Member) signOf(form byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nodes.sign(m.id, form)
}

// turn notes whether the bus is up.
func (m *Member) turn(up bool) {
	now := time.Now()
	was := m.downSince.Load() == 0
	if was == up {
		return
	}
	m.changed.Store(now.UnixNano())
	if up {
		m.downSince.Store(0)
		return
	}
	m.downSince.Store(now.UnixNano())
}

// reconnected has all shares ask again, since what was said meanwhile was lost.
func (m *Member) reconnected(up bool) {
	m.mu.Lock()
	shares := m.list()
	if up {
		m.nodes.excuse(time.Now())
	}
	m.mu.Unlock()
	for _, s := range shares {
		if up {
			s.lost()
		} else {
			time.AfterFunc(away, s.sharer.Stir)
		}
	}
}

// hear takes a sign of life of another node.
func (m *Member) hear(text []byte) {
	m.mu.Lock()
	id, came, went, err := m.nodes.hear(text, time.Now())
	shares := []*Share(nil)
	if id != m.id && (came || went) {
		shares = m.list()
	}
	m.mu.Unlock()
	if err != nil {
		m.drop(err)
		return
	}
	if came {
		m.write(zapcore.InfoLevel, "a node of the cluster is there", id)
	}
	if went {
		m.write(zapcore.InfoLevel, "a node of the cluster has left", id)
		for _, s := range shares {
			s.lostNode(id)
		}
	}
}

// look looks for nodes that have gone. frozen says that this node itself was away: it heard nobody, and whoever has
// gone meanwhile will be missed again.
func (m *Member) look(now time.Time, frozen bool) {
	m.mu.Lock()
	if frozen {
		m.nodes.excuse(now)
	}
	gone := m.nodes.lapsed(now)
	shares := []*Share(nil)
	if len(gone) > 0 {
		shares = m.list()
	}
	warnings, lonely := m.nodes.warnings(now), m.isLonely(now)
	m.mu.Unlock()
	if lonely {
		m.settings.Logger.Warn("no feed has found another node that has it, so each node polls for itself: clients must come to all nodes with one Host and one scheme, and the blocks must be equal")
	}
	for _, id := range gone {
		if m.downSince.Load() == 0 { // else nobody is heard, and the engine warns of that
			m.write(zapcore.WarnLevel, "a node of the cluster is silent; others poll its feeds", id)
		}
		for _, s := range shares {
			s.lostNode(id)
		}
	}
	for _, o := range warnings {
		m.settings.Logger.Warn("a node of the cluster differs from this one, so that polls may not be shared", zap.String("node", o.ID), zap.String("name", o.Name), zap.String("how", o.Differs))
	}
}

// write writes a line about a node. Whoever is on the bus may say that nodes come and go, so lines are bounded.
func (m *Member) write(level zapcore.Level, text string, id nodeID) {
	now := time.Now()
	m.mu.Lock()
	if now.Sub(m.wrote) >= time.Minute {
		m.wrote, m.lines = now, 0
	}
	m.lines++
	lines, name := m.lines, ""
	if o := m.nodes.others[id]; o != nil {
		name = o.Name // empty until it has said so
	}
	m.mu.Unlock()
	switch {
	case lines < maxLines:
		m.settings.Logger.Log(level, text, zap.String("node", id.String()), zap.String("name", name))
	case lines == maxLines:
		m.settings.Logger.Warn("nodes of the cluster come and go all the time, and no more is written of that for a minute: somebody else may publish under its prefix")
	}
}

// isLonely reports, once, that feeds have not found another node for long, though there are some. m.mu is held.
func (m *Member) isLonely(now time.Time) bool {
	switch {
	case m.pairs.Load() || m.downSince.Load() != 0 || len(m.shares) == 0 || len(m.nodes.list(now)) == 0:
		m.lonely = time.Time{}
	case m.lonely.IsZero():
		m.lonely = now
	case now.Sub(m.lonely) >= unpaired:
		m.pairs.Store(true)
		return true
	}
	return false
}
