package page

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"strings"

	"github.com/mmcdole/gofeed"
)

// entryNames are what identifies an entry, as it stands in the feed. gofeed resolves the id of an Atom
// entry against xml:base, as if it were a link, and spells it anew, as it does with all links: entries whose
// ids differ (RFC 4287, section 4.2.6) become one by that.
type entryNames struct {
	id    string
	hasID bool
	links map[string]string // absolute ones, by how gofeed spells them, where that differs
}

// names reads what identifies the entry that text is, of a feed whose root is called so.
func (k feedKind) names(text, root []byte) (n entryNames) {
	begin := -1 // of the content of a child that is open
	id, link := false, false
	err := scanMarkup(text, func(t markupTag) {
		switch {
		case t.depth != 1:
			return
		case t.opens:
			name := t.name(text)
			begin, id, link = t.end, isLocal(name, root, k.id), isLocal(name, root, "link")
			if link {
				n.addLink(attribute(text[t.start:t.end], "href"))
			}
			if id && t.closes {
				n.id, n.hasID = "", true
			}
		case t.closes && begin >= 0 && id:
			n.id, n.hasID = textOf(text[begin:t.start]), true
		case t.closes && begin >= 0 && link:
			n.addLink(textOf(text[begin:t.start]))
		}
	})
	if err != nil {
		return entryNames{}
	}
	return n
}

func (n *entryNames) addLink(link string) {
	u, err := url.Parse(link)
	if err != nil || !u.IsAbs() {
		return
	}
	for _, spelled := range [...]string{u.String(), new(url.URL).ResolveReference(u).String()} { // without a base, and with one
		if _, known := n.links[spelled]; known || spelled == link {
			continue
		}
		if n.links == nil {
			n.links = make(map[string]string)
		}
		n.links[spelled] = link
	}
}

// feedKind is how a kind of feed calls its parts.
type feedKind struct{ entry, id string }

var (
	atomKind = feedKind{"entry", "id"}
	rssKind  = feedKind{"item", "guid"}
)

// restore puts what identifies entries back into what gofeed has made of them.
func (k feedKind) restore(items []*gofeed.Item, entries [][]byte, root []byte) {
	own := entries[:0:0]
	for _, e := range entries {
		if name := (markupTag{end: len(e)}).name(e); isLocal(name, root, k.entry) {
			own = append(own, e)
		}
	}
	if len(own) != len(items) {
		return // it is not known which is which
	}
	for i, it := range items {
		n := k.names(own[i], root)
		if n.hasID {
			it.GUID = n.id
		}
		it.Link = n.link(it.Link)
		for i, link := range it.Links {
			it.Links[i] = n.link(link)
		}
	}
}

// link returns how a link stands in the feed.
func (n entryNames) link(spelled string) string {
	if link, ok := n.links[spelled]; ok {
		return link
	}
	return spelled
}

// attribute returns an attribute of a tag.
func attribute(tag []byte, name string) string {
	token, err := lenient(tag).RawToken()
	start, ok := token.(xml.StartElement)
	if err != nil || !ok {
		return ""
	}
	for _, a := range start.Attr {
		if a.Name.Space == "" && strings.EqualFold(a.Name.Local, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// textOf returns the text in the content of an element, without white space around it.
func textOf(content []byte) string {
	if bytes.IndexByte(content, '<') < 0 && bytes.IndexByte(content, '&') < 0 {
		return string(bytes.TrimSpace(content))
	}
	var b strings.Builder
	for d := lenient(content); ; {
		token, err := d.RawToken()
		if err != nil {
			return strings.TrimSpace(b.String())
		}
		if text, ok := token.(xml.CharData); ok {
			b.Write(text)
		}
	}
}

func lenient(text []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict, d.Entity = false, xml.HTMLEntity
	return d
}
