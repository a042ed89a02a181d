package decode

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	"github.com/mmcdole/gofeed/rss"
)

// What gofeed takes at most, while it reads, for each byte of a feed, each element, each attribute, each
// tag of HTML in a text, and each namespace in an element that is open.
const (
	costOfFeedByte      = 7
	costOfFeedElement   = 1000
	costOfFeedAttribute = 150
	costOfHTMLTag       = 300
	costOfNamespace     = 64
)

// It takes time too: for the tags around an entry with each entry, and for all namespaces in each element.
const (
	maxFeedTags       = 4 << 10 // bytes
	maxFeedNamespaces = 100     // in one place
)

// feedKind is how a kind of feed calls its parts, and what reads it.
type feedKind struct {
	channel, item, id string

	parse func(io.Reader) (*gofeed.Feed, error)
}

var (
	atomKind = feedKind{item: "entry", id: "id", parse: func(r io.Reader) (*gofeed.Feed, error) {
		f, err := (&atom.Parser{}).Parse(r)
		if err != nil {
			return nil, err
		}
		return (&gofeed.DefaultAtomTranslator{}).Translate(f)
	}}
	rssKind = feedKind{channel: "channel", item: "item", id: "guid", parse: func(r io.Reader) (*gofeed.Feed, error) {
		f, err := (&rss.Parser{}).Parse(r)
		if err != nil {
			return nil, err
		}
		return (&gofeed.DefaultRSSTranslator{}).Translate(f)
	}}
)

// feedCutter cuts an RSS or Atom feed into its entries. The tags around an entry and the entry are a feed
// too, which gofeed reads.
type feedCutter struct {
	*feedWriter
	feedKind
	*tokens

	tagAt      int      // where the latest tag stands
	around     [][]byte // the tags that are open around entries: of the root, and of the channel
	namespaces []int    // how many are known in each element that is open
	entry      *feedEntry
	cost       int    // of the entry, or else of the head, beside its bytes
	head       []byte // the feed without its entries, up to kept
	kept       int
}

// feedEntry is an entry that is open.
type feedEntry struct {
	feedNames

	at, depth int
	space     string // of its name
	headCost  int
}

// readXML writes the items of an RSS or Atom feed, and returns the feed without them.
func (w *feedWriter) readXML(text []byte, kind feedKind) (*gofeed.Feed, error) {
	if isControl := func(c byte) bool { return c < ' ' && strings.IndexByte(Space, c) < 0 }; slices.ContainsFunc(text, isControl) {
		text = slices.DeleteFunc(bytes.Clone(text), isControl) // as gofeed does
		w.out.memory -= cap(text)
	}
	f := &feedCutter{feedWriter: w, feedKind: kind, tokens: newTokens(text, "a feed")}
	f.Strict = false // as in gofeed
	for f.depth > 0 || f.around == nil {
		begin := int(f.InputOffset())
		token, err := f.next(f.Token, w.spare)
		if errors.Is(err, io.EOF) {
			return nil, errBrokenFeed
		} else if err != nil {
			return nil, err
		}
		end := int(f.InputOffset())
		if begin < end { // nothing is read for the end of an element without content, or without an end
			f.tagAt = begin
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = f.start(t, end)
		case xml.EndElement:
			err = f.end(end)
		case xml.CharData:
			f.cost += costOfHTMLTag * bytes.Count(t, []byte("<"))
			if f.entry != nil {
				f.entry.characters(t)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return f.finish()
}

// start begins an element, whose tag ends there.
func (f *feedCutter) start(t xml.StartElement, end int) error {
	namespaces := 0
	if f.depth > 1 {
		namespaces = f.namespaces[f.depth-2]
	}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			namespaces++
		}
	}
	f.namespaces = append(f.namespaces[:f.depth-1], namespaces)
	tag, e := f.text[f.tagAt:end], f.entry
	switch {
	case namespaces > maxFeedNamespaces:
		return fmt.Errorf("more than %d namespaces are known in one place of the feed", maxFeedNamespaces)
	case e != nil && f.depth == e.depth+1 && t.Name.Space == e.space:
		e.start(t, f.id)
	case e != nil:
	case f.depth == 1 || f.depth == 2 && strings.EqualFold(t.Name.Local, f.channel):
		if f.around = append(f.around, tag); len(f.around[0])+len(tag) > maxFeedTags {
			return fmt.Errorf("the tags around the entries of the feed have more than %d bytes", maxFeedTags)
		}
	case f.depth == len(f.around)+1 && strings.EqualFold(t.Name.Local, f.item):
		f.entry = &feedEntry{at: f.tagAt, depth: f.depth, space: t.Name.Space, headCost: f.cost}
		f.entry.about(t)
		f.cost = 0
	}
	f.cost += costOfFeedElement + costOfFeedAttribute*len(t.Attr)
	return f.afford(costOfNamespace*namespaces*f.depth, 0)
}

// end ends an element; its tag ends there, if it has one.
func (f *feedCutter) end(end int) error {
	switch e := f.entry; {
	case e == nil && f.depth == 1:
		f.around = f.around[:1]
	case e != nil && f.depth == e.depth:
		e.end()
	case e != nil && f.depth < e.depth:
		if tagName(f.text[f.tagAt:end]) != tagName(f.text[e.at:]) {
			end = f.tagAt // it has no end of its own
		}
		return f.endEntry(end)
	}
	return nil
}

// endEntry writes the entry that ends there.
func (f *feedCutter) endEntry(end int) error {
	read, err := f.read(f.text[f.entry.at:end])
	if err != nil {
		return err
	}
	e, cost := f.entry, f.cost
	f.entry, f.cost = nil, e.headCost
	if len(read.Items) == 0 { // it is of another vocabulary
		f.cost += cost
		return f.afford(0, 0)
	}
	if err := f.keep(e.at); err != nil {
		return err
	}
	f.kept = end
	for _, it := range read.Items {
		e.restore(it)
	}
	return f.items(read.Items)
}

// finish returns the feed without its entries.
func (f *feedCutter) finish() (*gofeed.Feed, error) {
	f.around = nil
	if err := f.keep(int(f.InputOffset())); err != nil {
		return nil, err
	}
	head, err := f.read(f.head)
	if err != nil {
		return nil, err
	}
	items := head.Items // that were not known as such
	head.Items = nil
	return head, f.items(items)
}

// keep adds to the head what stands before an entry, or before the end.
func (f *feedCutter) keep(end int) error {
	text := f.text[f.kept:end]
	if err := f.afford(0, len(f.head)+len(text)); err != nil {
		return err
	}
	f.head = append(f.head, text...)
	return nil
}

// read has gofeed read a part of the feed, with the tags around it.
func (f *feedCutter) read(text []byte) (*gofeed.Feed, error) {
	if err := f.afford(0, len(text)); err != nil {
		return nil, err
	}
	text = append(slices.Concat(f.around...), text...)
	for _, tag := range slices.Backward(f.around) {
		text = fmt.Appendf(text, "</%s>", tagName(tag))
	}
	read, err := f.parse(bytes.NewReader(text))
	if err != nil {
		return nil, errBrokenFeed
	}
	return read, nil
}

// afford returns an error if there is no memory to read so many bytes, at that cost beside what is known.
func (f *feedCutter) afford(cost, size int) error {
	what := theHead
	if f.entry != nil {
		what = anEntry
	}
	return f.feedWriter.afford(f.cost+cost+costOfFeedByte*size, what)
}

// tagName returns the name in the tag that text begins with, with its prefix.
func tagName(text []byte) string {
	name := bytes.TrimLeft(text, "</")
	return string(name[:max(0, bytes.IndexAny(name, Space+"/>"))])
}
