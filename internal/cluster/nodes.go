package cluster

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sse-bridge/caddy-sse-bridge/internal/wire"
)

// nodesTopic is where all nodes say that they are there, whatever their versions.
const nodesTopic = "nodes"

const (
	// maxNodes bounds how many nodes are kept in mind: what claims to be more is no cluster.
	maxNodes = 256
	// maxWord bounds the name and the version of a node, in bytes.
	maxWord = 64
	// remembered is how long a node that is gone keeps its name.
	remembered = time.Minute
)

// The forms of a sign of life.
const (
	signLife byte = iota + 1 // an id
	signSelf                 // and what the node is
	signBye                  // an id, which leaves
)

// nodes are those that have been heard of. The lock of the member guards them.
type nodes struct {
	self    Node
	bridges map[uint32]int // feeds of this node, by the hashes of their bridges' configurations
	others  map[nodeID]*other
}

// other is another node.
type other struct {
	Node
	bridges []uint32
	differs time.Time // since when it differs; zero: it does not
	warned  bool
	gone    bool
	left    bool // and has said so
}

// serve counts the feeds of a bridge of this node.
func (n *nodes) serve(bridge string, feeds int) {
	h := fnv.New32a()
	h.Write([]byte(bridge))
	if n.bridges == nil {
		n.bridges = make(map[uint32]int)
	}
	if n.bridges[h.Sum32()] += feeds; n.bridges[h.Sum32()] == 0 {
		delete(n.bridges, h.Sum32())
	}
}

// alive reports whether a node is there. One that has not shown a sign of life yet is not gone.
func (n *nodes) alive(id nodeID, now time.Time) bool {
	o := n.others[id]
	return o == nil || !o.gone && now.Sub(o.Heard) < lost
}

func (n *nodes) nameOf(id nodeID) string {
	if o := n.others[id]; o != nil && o.Name != "" {
		return o.Name + " (" + id.String() + ")"
	}
	return id.String()
}

// list returns the nodes that are there, by their names.
func (n *nodes) list(now time.Time) (all []Node) {
	for id, o := range n.others {
		if n.alive(id, now) {
			node := o.Node
			node.Differs = n.differs(o)
			all = append(all, node)
		}
	}
	slices.SortFunc(all, func(a, b Node) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all
}

// differs says how another node differs from this one. Bridges come and go with their clients, so one that only one of
// the two has says nothing while that has just begun.
func (n *nodes) differs(o *other) string {
	switch {
	case o.Name == "" && o.Version == "":
		return ""
	case o.Version != n.self.Version:
		return "it has version " + o.Version
	case len(o.bridges) > 0 && len(n.bridges) > 0 && !slices.ContainsFunc(o.bridges, func(b uint32) bool {
		return n.bridges[b] > 0
	}):
		return "none of its bridges has the configuration of one here"
	}
	return ""
}

// sign returns a sign of life. whole says that it holds what the node is.
func (n *nodes) sign(id nodeID, form byte) []byte {
	b := append([]byte{form}, id[:]...)
	if form != signSelf {
		return b
	}
	b = wire.AppendString(wire.AppendString(b, n.self.Name), n.self.Version)
	b = binary.AppendUvarint(b, uint64(len(n.bridges)))
	for bridge := range n.bridges {
		b = binary.BigEndian.AppendUint32(b, bridge)
	}
	return b
}

// hear takes a sign of life, and returns whose it is, and whether that node has come or gone.
func (n *nodes) hear(text []byte, now time.Time) (id nodeID, came, went bool, err error) {
	s := wire.NewScanner(text)
	form := s.Byte()
	copy(id[:], s.Bytes(len(id)))
	node, bridges := Node{ID: id.String(), Heard: now}, []uint32(nil)
	if form == signSelf {
		node.Name, node.Version = word(s.Text()), word(s.Text())
		for range s.Count() {
			if b := s.Bytes(4); b != nil {
				bridges = append(bridges, binary.BigEndian.Uint32(b))
			}
		}
	}
	if form < signLife || form > signBye {
		s.Fail(errForm)
	}
	if err := s.Err(); err != nil {
		return id, false, false, fmt.Errorf("reading a sign of life: %w", err)
	}
	o := n.others[id]
	if o == nil {
		if len(n.others) >= maxNodes || form == signBye {
			return id, false, false, nil
		}
		if n.others == nil {
			n.others = make(map[nodeID]*other)
		}
		o = &other{Node: node, gone: true}
		n.others[id] = o
	}
	if o.Heard = now; form == signSelf {
		o.Node, o.bridges = node, bridges
	}
	came, went = o.gone && form != signBye, !o.gone && form == signBye
	o.gone, o.left = form == signBye, form == signBye
	return id, came, went, nil
}

// lapsed notes who has been silent for too long, and returns them.
func (n *nodes) lapsed(now time.Time) (gone []nodeID) {
	for id, o := range n.others {
		switch silent := now.Sub(o.Heard); {
		case silent > remembered:
			delete(n.others, id)
		case !o.gone && silent >= lost:
			o.gone = true
			gone = append(gone, id)
		}
	}
	slices.SortFunc(gone, func(a, b nodeID) int { return bytes.Compare(a[:], b[:]) })
	return gone
}

// warnings returns the nodes that have differed for long, each once.
func (n *nodes) warnings(now time.Time) (all []Node) {
	for _, o := range n.others {
		how := n.differs(o)
		switch {
		case o.gone || how == "":
			o.differs = time.Time{}
		case o.differs.IsZero():
			o.differs = now
		case !o.warned && now.Sub(o.differs) >= settled:
			o.warned = true
			node := o.Node
			node.Differs = how
			all = append(all, node)
		}
	}
	return all
}

// excuse notes that this node was away itself for a while, and could hear nobody.
func (n *nodes) excuse(now time.Time) {
	for _, o := range n.others {
		if !o.gone {
			o.Heard = now
		}
	}
}

// word returns a word that another node has sent, as far as it can be shown.
func word(text []byte) string {
	text = text[:min(len(text), maxWord)]
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, string(text))
}
