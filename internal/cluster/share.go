package cluster

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Feed is a feed that is shared.
type Feed struct {
	Bridge   string        // the fingerprint of its bridge's configuration
	Key      []byte        // the hash of its poll request
	Document bool          // each answer is a document, whatever it was asked from
	LongPoll bool          // the upstream holds polls
	Tokens   bool          // one place may have several cursors
	Interval time.Duration // the least time between two polls
}

// Sharer is who shares: a [feed.Feed].
type Sharer interface {
	// Stir has the chains ask what they do next.
	Stir()
	// Hurry has the next poll made as soon as it may.
	Hurry()
}

// Share is a feed on one of the nodes that have it. It decides which node polls, and hands on what its polls come to.
//
// Its rules need no order and no reliability of the bus. An answer is taken only by a chain that stands where its poll
// began, or at a place within its page. Whatever is lost, late or doubled then costs a poll.
type Share struct {
	Feed

	self    nodeID
	station station
	packer  *packer
	secret  secret
	sharer  Sharer

	mu           sync.Mutex
	subscription cluster.Subscription // nil: not yet, or closed
	closed       bool
	lead         // who polls
	hellos
	tape
	seq     uint64            // of the newest entry
	broken  uint64            // of the first entry after messages of the poller may have been lost
	gap     uint64            // of a document: likewise, and it is not only that another node has begun to poll
	brought uint64            // of the newest entry that has a document
	missed  uint64            // of the first entry after this node has missed an outage of the upstream
	latest  *entry            // the newest one that moved nobody
	ended   *entry            // the newest one that found the upstream's end
	starts  map[string]*entry // what newcomers got, by their requests
	own     string            // the document that this node has polled last for itself alone
	passed  uint64            // the newest entry that is no newer than that
	anew    time.Time         // when the poller has started over last
	large   bool              // the poller's last answer did not fit
	apart   bool              // the last chain that asked polls for itself
	timer   *time.Timer
}

// newShare returns a share that nobody knows of yet.
func newShare(self nodeID, at station, packer *packer, of Feed, with Sharer) (*Share, error) {
	secret, err := newSecret(of.Bridge, of.Key)
	if err != nil {
		return nil, err
	}
	return &Share{Feed: of, self: self, station: at, packer: packer, secret: secret, sharer: with}, nil
}

// Why a node polls for itself.
const (
	aloneJoining = "joining"
	aloneDown    = "the bus is away"
	aloneBehind  = "at another place than the node that polls"
	aloneOnly    = "no other node has it"
	aloneLarge   = "its answers are too large for the bus"
	aloneYet     = "no node polls for all yet"
)

// placeOf returns where a chain stands in the words of all nodes. Polls without a cursor are the client's own first
// request, so that belongs to the place. It is empty for a document, of which each answer follows any other.
func (s *Share) placeOf(at position.Position, key string) string {
	if s.Document {
		return ""
	}
	name := at.ID()
	if at.Cursor.IsZero() {
		sum := sha256.Sum256([]byte(key))
		name += " " + base64.RawURLEncoding.EncodeToString(sum[:12])
	}
	return name
}

// Next implements [feed.Peers].
func (s *Share) Next(st feed.Stand) feed.Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	step := s.next(now, st)
	if step.Do == feed.Alone || step.Do == feed.Lead {
		step.Seen = s.seq // its own poll is newer
		if s.Document && st.Due.After(now) {
			step.Seen = st.Seen // once it is made
		}
	}
	if step.Do == feed.Await && st.Seen == 0 {
		step.Seen = s.seq
	}
	step.Gap = s.Document && (st.Seen < s.broken || st.Seen < s.brought)
	step.Missed = st.Seen > 0 && st.Seen < s.missed && step.Answer.Reset == ""
	if step.Missed && step.Do != feed.Lead {
		step.Do, step.Seen = feed.Alone, s.seq
	}
	s.apart = step.Do == feed.Alone && !st.First
	return step
}

// next decides what a chain does. s.mu is held.
func (s *Share) next(now time.Time, st feed.Stand) feed.Step {
	at := s.placeOf(st.At, st.Key)
	switch {
	case s.subscription == nil || s.closed:
		return feed.Step{}
	case s.leads(st.Chain):
		s.due = st.Due
		if s.head != at {
			s.head = at
			s.tape.clear()
		}
		return feed.Step{Do: feed.Lead}
	case !s.station.up() || st.Doubt:
		return feed.Step{}
	case s.Document:
		return s.nextDocument(now, st)
	case st.At.IsZero() && st.First:
		return s.nextStart(now, at, st)
	}
	origin := st.At.IsZero()
	e, a, found := s.tape.find(at)
	if !found && st.Mark != "" && s.head != at && !s.tape.reaches(at) { // else it has been there, and has gone on by pages without events
		e, a, found = s.tape.find(st.Mark)
	}
	if found && e.reset != "" && e.seq <= st.Seen { // the place is one of the sequence that began with it
		found = false
	}
	if found && (!origin || s.follows(e, st)) {
		return feed.Step{Do: feed.Take, Answer: a, Seen: max(st.Seen, e.seq)}
	}
	if e = s.latest; e != nil && !e.large && e.seq > st.Seen && e.from == at && (!origin || s.follows(e, st)) {
		return feed.Step{Do: feed.Take, Answer: e.answer(), Seen: e.seq}
	}
	switch {
	case !s.claimed(now):
		return s.takeOver(now, st, at)
	case s.poller == s.self: // another chain of this node leads, and they meet here
	case s.head == at && (!origin || st.Seen >= s.broken):
		return feed.Step{Do: feed.Await, Until: s.overdue, Seen: st.Seen}
	case s.word && !st.Word:
		return s.claimFor(st, at)
	case s.Tokens:
		return s.nextToken(st)
	}
	return feed.Step{}
}

// follows reports whether an entry is the next one of the node that polls, for a chain that stands at no place yet
// because the upstream had nothing: what it gets must be the first that there is.
func (s *Share) follows(e *entry, st feed.Stand) bool {
	return e.seq > st.Seen && e.node == s.poller && st.Seen >= s.broken
}

// nextStart decides what a chain does that begins with a newcomer's poll. One that has polled before begins anew, and
// what was told before that is of no use.
func (s *Share) nextStart(now time.Time, at string, st feed.Stand) feed.Step {
	if e := s.starts[at]; e != nil && e.seq > st.Seen && now.Sub(e.came) < s.Interval {
		return feed.Step{Do: feed.Take, Answer: e.answer(), Seen: max(st.Seen, e.seq)}
	}
	if until := s.anew.Add(time.Second); now.Before(until) && s.claimed(now) && s.poller != s.self {
		return feed.Step{Do: feed.Await, Until: until, Seen: st.Seen} // the poller asks the same
	}
	return feed.Step{}
}

// nextToken decides what a chain does whose cursor is another token than that of the node that polls, though they may
// stand at one place. They do if each of them has found the upstream's end after the newest that the other one has came:
// then neither stands before the other. What the poller has is known to be older than the moment at which this node has
// heard of it. What the chain has came before the hello that is said after it, and which the poller has heard before its
// poll was sent.
func (s *Share) nextToken(st feed.Stand) feed.Step {
	if !s.proof.came.Equal(st.Came) {
		s.proof = proof{st.Came, s.hello()}
	}
	e := s.ended
	if s.word || e == nil || e.to != s.head || e.hears(s.self) < s.proof.asked || !st.End.After(s.moved) {
		return feed.Step{}
	}
	a := e.answer()
	a.Page.News, a.Page.Empty = true, false // it moves the cursor
	return feed.Step{Do: feed.Take, Answer: a, Seen: e.seq}
}

// Covers implements [feed.Peers].
func (s *Share) Covers(st feed.Stand) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, at := time.Now(), s.placeOf(st.At, st.Key)
	switch {
	case s.subscription == nil || s.closed || !s.station.up() || st.Doubt || s.leads(st.Chain) || s.poller == s.self:
		return false
	case s.Document || st.At.IsZero():
		return false
	}
	return s.claimed(now) && s.head == at
}

// Left implements [feed.Peers].
func (s *Share) Left(chain string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leads(chain) {
		s.yield()
	}
}

// Standing implements [feed.Peers].
func (s *Share) Standing() feed.Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case !s.station.up():
		return feed.Standing{Polled: feed.PolledAlone, Alone: aloneDown}
	case s.subscription == nil:
		return feed.Standing{Polled: feed.PolledAlone, Alone: aloneJoining}
	case s.poller == s.self && s.chain != "" && !s.heardOf():
		return feed.Standing{Polled: feed.PolledAlone, Alone: aloneOnly}
	case s.poller == s.self && s.chain != "":
		return feed.Standing{Polled: feed.PolledHere}
	case s.poller == (nodeID{}) && len(s.nodes) == 0:
		return feed.Standing{Polled: feed.PolledAlone, Alone: aloneOnly}
	case s.poller == (nodeID{}):
		return feed.Standing{Polled: feed.PolledAlone, Alone: aloneYet}
	case s.large && now.Before(s.overdue):
		return feed.Standing{Polled: feed.PolledAlone, Alone: aloneLarge}
	case s.apart && now.Before(s.overdue):
		return feed.Standing{Polled: feed.PolledAlone, Alone: aloneBehind}
	}
	return feed.Standing{Polled: feed.PolledElsewhere, Node: s.station.nameOf(s.poller)}
}

// Close implements [feed.Peers].
func (s *Share) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	if s.chain != "" {
		s.yield()
	}
	s.closed = true
	subscription := s.subscription
	s.subscription = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.station.part(s, subscription)
}

// Interface guards
var _ feed.Peers = (*Share)(nil)
