package cluster

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/wire"
)

// nodeID names a run of a node.
type nodeID [4]byte

func (id nodeID) String() string { return hex.EncodeToString(id[:]) }

// kind is what a message is.
type kind uint8

const (
	kindHello   kind = iota + 1 // a node has the feed, and wants to know who polls
	kindPolling                 // a node polls from a place
	kindAnswer                  // what its poll came to
	kindStart                   // what the poll of a newcomer came to
	kindYield                   // a node no longer polls
	kindHurry                   // a reader waits for the next poll of a document
)

// message is what nodes tell one another of a feed.
type message struct {
	kind kind
	node nodeID
	told uint64 // its number among what that node has told of the feed, which grows by one
	asks uint64 // of a hello: its number

	claim
	from  string        // the place: see [Share.placeOf]
	wait  time.Duration // until the next sign of the node, if nothing happens
	heard []hearing     // before its last poll was sent

	what
	to string
}

// claim is who polls, and in which term. Of two claims the one with the higher term counts, and of two with equal terms
// that of the lower node.
type claim struct {
	term  uint64
	lapse uint64 // names the last outage of the upstream, or the last time that the sequence began anew; 0: there was none
	word  bool   // it polls from a place that only a client has named
}

// hearing is the newest hello of a node that another one has heard.
type hearing struct {
	node nodeID
	asks uint64
}

// what is what a poll came to.
type what struct {
	page   *page.Page
	failed *page.Error
	reset  string
	large  bool // its page does not fit into a message
	at     position.Position
	took   time.Duration
	end    bool // it has found the upstream's end
}

// What a message says in one bit.
const (
	bitWord = 1 << iota
	bitEnd
)

// The forms of what a poll came to.
const (
	asNothing byte = iota
	asPage
	asFailure
	asReset
	asLarge
)

// comment returns what clients are told of a failure: nothing but the bridge's own words.
func comment(text string, status int) string {
	known := []string{page.Unreachable, page.Late, page.Unreadable, page.Ended, page.Reported, page.Refuses, "status " + strconv.Itoa(status)}
	if slices.Contains(known, text) {
		return text
	}
	return page.Unreachable
}

// encode writes a message for [scan].
func (m *message) encode() ([]byte, error) {
	dst := append([]byte{byte(m.kind)}, m.node[:]...)
	for _, n := range [...]uint64{m.told, m.asks, m.term, m.lapse, uint64(m.wait), uint64(m.took)} {
		dst = binary.AppendUvarint(dst, n)
	}
	bits := byte(0)
	if m.word {
		bits |= bitWord
	}
	if m.end {
		bits |= bitEnd
	}
	dst = wire.AppendString(wire.AppendString(append(dst, bits), m.from), m.to)
	dst = binary.AppendUvarint(dst, uint64(len(m.heard)))
	for _, h := range m.heard {
		dst = binary.AppendUvarint(append(dst, h.node[:]...), h.asks)
	}
	dst = m.at.Append(dst)
	switch {
	case m.page != nil:
		return m.page.Append(append(dst, asPage))
	case m.failed != nil:
		later := byte(0)
		if m.failed.Later {
			later = 1
		}
		dst = binary.AppendUvarint(append(dst, asFailure, later), uint64(m.failed.Status))
		return wire.AppendString(dst, m.failed.Comment), nil
	case m.reset != "":
		return wire.AppendString(append(dst, asReset), m.reset), nil
	case m.large:
		return append(dst, asLarge), nil
	}
	return append(dst, asNothing), nil
}

// scan reads a message. It shares memory with the text.
func scan(text []byte) (message, error) {
	s := wire.NewScanner(text)
	m := message{kind: kind(s.Byte())}
	copy(m.node[:], s.Bytes(len(m.node)))
	m.told, m.asks, m.term, m.lapse = s.Uint(), s.Uint(), s.Uint(), s.Uint()
	m.wait, m.took = bounded(s.Uint()), bounded(s.Uint())
	bits := s.Byte()
	m.word, m.end = bits&bitWord != 0, bits&bitEnd != 0
	m.from, m.to = string(s.Text()), string(s.Text())
	for range s.Count() {
		h := hearing{}
		copy(h.node[:], s.Bytes(len(h.node)))
		h.asks = s.Uint()
		m.heard = append(m.heard, h)
	}
	m.at = position.Scan(s)
	switch s.Byte() {
	case asNothing:
	case asPage:
		m.page = new(page.Scan(s))
	case asFailure:
		m.failed = &page.Error{Later: s.Byte() != 0, Status: int(uint16(s.Uint())), Err: errElsewhere}
		m.failed.Comment = comment(string(s.Text()), m.failed.Status)
	case asReset:
		if m.reset = string(s.Text()); !slices.Contains(feed.Resets[:], m.reset) {
			s.Fail(errors.New("it is a reset for no known reason"))
		}
	case asLarge:
		m.large = true
	default:
		s.Fail(errForm)
	}
	if m.kind < kindHello || m.kind > kindHurry {
		s.Fail(errForm)
	}
	return m, s.Err()
}

// errElsewhere is what this node knows of a failed poll of another one.
var errElsewhere = errors.New("another node of the cluster has polled")

// bounded returns a duration of an hour at most.
func bounded(n uint64) time.Duration { return time.Duration(min(n, uint64(time.Hour))) }
