package quick

import (
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// maxText is how many characters of a value a tree shows.
const maxText = 80

// Node is a value of an answer in its tree.
type Node struct {
	Key      string  `json:"key"`
	Path     string  `json:"path"`           // from the answer; from the item, where List is not nil
	List     *string `json:"list,omitempty"` // the path of the list in whose items the value is
	Kind     Kind    `json:"kind"`
	Text     string  `json:"text"` // the value, or what is in it
	Children []*Node `json:"children,omitempty"`
}

// Kind is the type of a value in JSON.
type Kind string

// The kinds.
const (
	Object Kind = "object"
	List   Kind = "list"
	Scalar Kind = "scalar"
	Null   Kind = "null"
)

// Tree returns the values of an answer. Of a list of objects, it has the first one.
func Tree(answer []byte) *Node {
	whole := gjson.ParseBytes(answer)
	root := newNode(shape.Place{Path: "@this", Value: whole}, nil)
	if root.Kind != Object {
		root.item(whole)
		return root
	}
	root.grow(answer, nil)
	return root
}

// grow adds the values in an object to its node. Places are in the order from the outside in.
func (n *Node) grow(object []byte, list *string) {
	within := map[string]*Node{"": n}
	for _, p := range shape.Places(object) {
		made := newNode(p, list)
		parent := within[strings.TrimSuffix(p.Path[:len(p.Path)-len(lastName(p))], ".")]
		parent.Children = append(parent.Children, made)
		switch {
		case made.Kind == Object:
			within[p.Path] = made
		case list == nil:
			made.item(p.Value)
		}
	}
}

// item adds the first item of a list, as an example of all.
func (n *Node) item(value gjson.Result) {
	if n.Kind != List {
		return
	}
	items := value.Array()
	if len(items) == 0 || !items[0].IsObject() {
		return
	}
	first := newNode(shape.Place{Path: "@this", Value: items[0]}, &n.Path)
	first.Key = "first"
	first.grow([]byte(items[0].Raw), &n.Path)
	n.Children = append(n.Children, first)
}

// lastName is the last name of a place's path, as it stands there.
func lastName(p shape.Place) string {
	at := len(p.Path)
	for at > 0 && (p.Path[at-1] != '.' || at > 1 && p.Path[at-2] == '\\') {
		at--
	}
	return p.Path[at:]
}

func newNode(p shape.Place, list *string) *Node {
	n := &Node{Key: p.Key, Path: p.Path, List: list, Kind: Scalar}
	switch {
	case p.Value.IsArray():
		n.Kind, n.Text = List, p.Describe()
	case p.Value.IsObject():
		n.Kind, n.Text = Object, p.Describe()
	case p.Value.Type == gjson.Null:
		n.Kind, n.Text = Null, "null"
	default:
		n.Text = short(p.Value.String())
	}
	return n
}

func short(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText]) + "…"
	}
	return text
}
