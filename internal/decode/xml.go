package decode

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
)

// XML returns an XML document in UTF-8, without its declaration, as JSON, in the shape that
// github.com/clbanning/mxj made common: an element is a member of its parent's object by its local name,
// and elements of one name are an array. An element without attributes and children is its text, as a
// string; any other is an object, with "-" before the names of attributes and its text as "#text". White
// space around text is dropped, and numbers stay the text that they are.
//
//	<a n="1"><b>x</b><b/><c>1.10</c></a>   {"a": {"-n": "1","b":["x",""],"c": "1.10"}}
//
// The error is a text that is no XML document, or has entities of its own; elements that are nested deeper
// than [value.MaxDepth]; or what would take more than memory.
func XML(text []byte, memory int) ([]byte, error) {
	switch {
	case IsHTML(text):
		return nil, unexpectedHTML("XML was")
	case !bytes.HasPrefix(bytes.TrimLeft(text, Space), []byte("<")):
		return nil, Unexpected(text, "XML was")
	case len(text) > math.MaxInt32:
		return nil, errMemory("the XML is too large", math.MaxInt32)
	}
	t := newXMLTree(text, memory)
	if err := t.read(newTokens(text, "XML")); err != nil {
		return nil, err
	}
	return t.json()
}

// read reads a whole document.
func (t *xmlTree) read(r *tokens) error {
	for {
		token, err := r.next(r.RawToken, t.room()+t.held)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		t.held = 2 * r.longest
		e := t.open[len(t.open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			err = t.start(token)
		case xml.EndElement:
			if len(t.open) == 1 || token.Name != e.name {
				return errors.New("XML whose elements do not match")
			}
			t.end()
		case xml.CharData:
			if t.latest[xmlMember{e.node, textName}] == 0 { // white space before all text is none
				token = bytes.TrimLeft(token, Space)
			}
			if len(token) > 0 {
				err = t.leaf("", "#text", token)
			}
		}
		if err != nil {
			return err
		}
	}
	if len(t.open) > 1 {
		return errors.New("XML that ends early")
	}
	t.end()
	if root := t.nodes[t.nodes[0].start]; t.nodes[0].size >= 0 || root.next != 0 || root.twin != 0 {
		return errors.New("XML that has something beside its one element, or no element")
	}
	return nil
}

// start begins an element, with its attributes.
func (t *xmlTree) start(element xml.StartElement) error {
	node, err := t.add("", element.Name.Local)
	if err != nil {
		return err
	}
	t.open = append(t.open, xmlElement{name: element.Name, node: node})
	for _, a := range element.Attr {
		if err := t.leaf("-", a.Name.Local, []byte(a.Value)); err != nil {
			return err
		}
	}
	return nil
}
