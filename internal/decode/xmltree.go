package decode

import (
	"bytes"
	"encoding/xml"
)

// xmlTree is a document as an array of nodes, which know each other by their places in it. A tree of maps
// takes thirty times the memory of the document.
type xmlTree struct {
	memory int       // that everything here may take
	nodes  []xmlNode // the first one is the document
	texts  []byte    // of all nodes
	names  []string

	// what only reading needs
	known  map[string]int32 // the places of names
	named  int              // the memory of names
	open   []xmlElement     // the document and the elements in it
	latest map[xmlMember]int32
	most   int // entries of latest at once
	held   int // the memory of the decoder
}

// xmlNode is an element, an attribute, or a piece of text.
type xmlNode struct {
	name  int32 // in names
	next  int32 // the next sibling that is the first of its name; 0 for none
	twin  int32 // the next sibling of this name
	start int32 // of its text, in texts; of an object, its first member
	size  int32 // of its text; isObject or isMixed for none
}

// xmlElement is one that is open.
type xmlElement struct {
	name  xml.Name
	node  int32
	first int32 // the last child that is the first of its name; 0 for none
	last  int32 // the name of the last child that is no text
	mixed bool
}

// xmlMember is a name in an element that is open, and finds the latest child of that name.
type xmlMember struct{ element, name int32 }

const (
	textName = 0 // that of text, which no attribute or element has

	isObject = -1
	isMixed  = -2 // an object where children of one name have others between them

	// what is held for a node, a name beside its text, and a member that is open
	nodeSize   = 20
	nameSize   = 128
	memberSize = 64
)

func newXMLTree(text []byte, memory int) *xmlTree {
	// about as many as there will be, so that they need not be copied
	nodes := 16 + bytes.Count(text, []byte("<")) - bytes.Count(text, []byte("</")) + bytes.Count(text, []byte(`="`))
	return &xmlTree{
		memory: memory,
		nodes:  make([]xmlNode, 1, min(nodes, memory/3*2/nodeSize)),
		names:  []string{"#text"},
		known:  map[string]int32{"#text": textName},
		open:   make([]xmlElement, 1),
		latest: map[xmlMember]int32{},
	}
}

// room returns how many bytes may yet be taken.
func (t *xmlTree) room() int {
	const any = 4 << 10 // what every document takes
	return t.memory + any - nodeSize*cap(t.nodes) - cap(t.texts) - t.named - memberSize*t.most - t.held
}

// add adds a node to the element that is open.
func (t *xmlTree) add(prefix, name string) (node int32, err error) {
	id, ok := t.known[prefix+name]
	if !ok {
		id = int32(len(t.names))
		t.names = append(t.names, prefix+name)
		t.known[t.names[id]] = id
		t.named += len(t.names[id]) + nameSize
	}
	node = int32(len(t.nodes))
	e := &t.open[len(t.open)-1]
	member := xmlMember{e.node, id}
	switch twin := t.latest[member]; {
	case twin != 0:
		t.nodes[twin].twin = node
		e.mixed = e.mixed || id != textName && id != e.last
	case e.first == 0:
		t.nodes[e.node].start, e.first = node, node
	default:
		t.nodes[e.first].next, e.first = node, node
	}
	if id != textName {
		e.last = id
	}
	t.latest[member] = node
	t.most = max(t.most, len(t.latest))
	if t.nodes, ok = grow(t.nodes, 1, nodeSize, t.room()); !ok || t.room() < 0 {
		return 0, errMemory("the XML has very many elements", t.memory)
	}
	t.nodes = append(t.nodes, xmlNode{name: id})
	return node, nil
}

// leaf adds a node that has a text.
func (t *xmlTree) leaf(prefix, name string, text []byte) error {
	node, err := t.add(prefix, name)
	if err != nil {
		return err
	}
	var ok bool
	if t.texts, ok = grow(t.texts, len(text), 1, t.room()); !ok {
		return errMemory("the XML has very much text", t.memory)
	}
	t.nodes[node].start, t.nodes[node].size = int32(len(t.texts)), int32(len(text))
	t.texts = append(t.texts, text...)
	return nil
}

// end ends the element that is open.
func (t *xmlTree) end() {
	e := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	node := &t.nodes[e.node]
	for m := node.start; m != 0; m = t.nodes[m].next {
		delete(t.latest, xmlMember{e.node, t.nodes[m].name})
	}
	switch first := t.nodes[node.start]; {
	case node.start == 0:
	case first.name == textName && first.next == 0: // the pieces of its text stand behind each other
		node.start, node.size = first.start, int32(len(bytes.TrimRight(t.texts[first.start:], Space)))
		t.nodes = t.nodes[:e.node+1]
	case e.mixed:
		node.size = isMixed
	default:
		node.size = isObject
	}
}

// text returns the text of a node.
func (t *xmlTree) text(n int32) []byte {
	node := t.nodes[n]
	return t.texts[node.start : node.start+node.size]
}
