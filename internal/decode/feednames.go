package decode

import (
	"encoding/xml"
	"net/url"
	"strings"

	"github.com/mmcdole/gofeed"
)

// feedNames are what identifies an entry, as it stands in the feed. gofeed resolves the id of an Atom
// entry against xml:base, as if it were a link, and spells it anew, as it does with all links: entries whose
// ids differ (RFC 4287, section 4.2.6) become one by that.
type feedNames struct {
	id    string
	hasID bool
	links map[string]string // absolute ones, by how gofeed spells them, where that differs

	open string // the id or link that is open
	text strings.Builder
}

// about takes the id that an item of RSS 1.0 has as an attribute. It must be unique in the feed (RSS 1.0, section 5.5).
func (n *feedNames) about(item xml.StartElement) {
	for _, a := range item.Attr {
		if a.Name.Space == "http://www.w3.org/1999/02/22-rdf-syntax-ns#" && a.Name.Local == "about" {
			n.id, n.hasID = strings.TrimSpace(a.Value), true
		}
	}
}

// start begins a child of the entry.
func (n *feedNames) start(t xml.StartElement, id string) {
	n.text.Reset()
	switch name := strings.ToLower(t.Name.Local); name {
	case id:
		n.open, n.id, n.hasID = name, "", true
	case "link":
		n.open = name
		for _, a := range t.Attr {
			if a.Name.Space == "" && strings.EqualFold(a.Name.Local, "href") {
				n.addLink(a.Value)
			}
		}
	}
}

// characters adds text in a child of the entry.
func (n *feedNames) characters(text []byte) {
	if n.open != "" {
		n.text.Write(text)
	}
}

// end ends a child of the entry.
func (n *feedNames) end() {
	switch text := strings.TrimSpace(n.text.String()); n.open {
	case "":
	case "link":
		n.addLink(text)
	default:
		n.id = text
	}
	n.open = ""
}

func (n *feedNames) addLink(link string) {
	link = strings.TrimSpace(link)
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

// link returns how a link stands in the feed.
func (n *feedNames) link(spelled string) string {
	if link, ok := n.links[spelled]; ok {
		return link
	}
	return spelled
}

// restore puts what identifies the entry back into what gofeed has made of it.
func (n *feedNames) restore(it *gofeed.Item) {
	if n.hasID {
		it.GUID = n.id
	}
	it.Link = n.link(it.Link)
	for i, link := range it.Links {
		it.Links[i] = n.link(link)
	}
}
