package decode

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"
)

func tree(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Each entry is read by itself, and the feed without its entries; together they are what gofeed makes of the
// feed as a whole.
func TestFeedsAreWhatGofeedMakesOfThem(t *testing.T) {
	t.Parallel()
	const namespaces = ` xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:x="urn:x" xmlns:atom="http://www.w3.org/2005/Atom"`
	for name, text := range map[string]string{
		"RSS": `<!-- a --><!DOCTYPE rss [<!ELEMENT a ANY>]><rss version="2.0"` + namespaces + ` xml:base="http://example.com/"><channel xml:base="x/"><title>T</title>
<item><title>a &amp; b</title><link>c</link><dc:creator>d</dc:creator><itunes:author>e</itunes:author><x:y z="1"><x:w>v</x:w></x:y><enclosure url="u" length="3" type="a/b"/></item>
<!-- <item> --><![CDATA[<item>]]><category>c</category><item><description><![CDATA[<p><img src="i.png"/></p>]]></description></item><pubDate>Mon, 02 Jan 2006 15:04:05 GMT</pubDate><item/></channel></rss>trash`,
		"RSS 1.0": `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"` + namespaces + `><channel><title>T</title><items><rdf:Seq><rdf:li/></rdf:Seq></items></channel>
<item><title>a</title><dc:date>2006-01-02</dc:date></item><image><url>i</url></image><item><title>b</title></item></rdf:RDF>`,
		"RSS with items behind its channel": `<rss><channel><item><title>a</title></item></channel><item><title>b</title></item></rss>`,
		"Atom": `<feed xmlns="http://www.w3.org/2005/Atom"` + namespaces + ` xml:base="http://example.com/x/"><title>T</title><entry xml:base="y/"><title>a</title><link href="b"/><author><name>c</name></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><a href="d">e</a></div></content></entry><updated>2006-01-02T15:04:05Z</updated><entry><content type="html">&lt;b&gt;</content><source><title>s</title></source></entry></feed>`,
		"Atom with a prefix":             `<atom:feed` + namespaces + `><atom:entry><atom:title>a</atom:title></atom:entry></atom:feed>`,
		"Atom with names in entries":     `<feed><entry xmlns="http://www.w3.org/2005/Atom"><title>a</title></entry></feed>`,
		"items and entries of others":    `<rss` + namespaces + `><channel><x:item><title>no</title></x:item><entry/><item><title>a</title><item>b</item><entry/></item></channel></rss>`,
		"upper case":                     `<RSS><Channel><Item><Title>a</Title></Item></Channel></RSS>`,
		"entries without an end":         `<rss><channel><item><title>a</title><p>b</item><item><title>c</channel></rss>`,
		"control characters":             "<rss><channel><it\x02em><title>a\x00b</title></item>\x01</channel></rss>",
		"what is no XML":                 `<rss><channel><item><title>a & b &nbsp; c</title><link href=x>y</link></item></channel></rss>`,
		"nothing":                        `<rss/>`,
		"a channel of nothing":           `<rss><channel/></rss>`,
		"JSON":                           `{"version":"https://jsonfeed.org/version/1.1","title":"T","authors":[{"name":"n"}],"items":[{"id":1.10,"date_modified":"2006-01-02T15:04:05Z","tags":["a"]},{"id":"b","attachments":[{"url":"u"}]}],"language":"de"}`,
		"JSON of nothing":                `{"items":[]}`,
		"JSON with its items in the end": `{"x":[{"items":[1]}],"items":[{"id":{"a":1}}]}`,
	} {
		want, err := gofeed.NewParser().ParseString(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := Feed([]byte(text), testMemory)
		if err != nil || !reflect.DeepEqual(tree(t, got), tree(t, []byte(want.String()))) {
			t.Errorf("%s: %s is read as %s (%v), by gofeed as %s", name, text, got, err, want)
		}
	}
}

func TestItemsOfRSS1HaveTheIDsThatTheyAreAbout(t *testing.T) {
	t.Parallel()
	const text = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel rdf:about="c"/>
<item rdf:about=" http://example.com/1 "><title>News</title></item><item rdf:about="2" about="x"><guid>3</guid></item><item about="4"/></rdf:RDF>`
	got, err := Feed([]byte(text), testMemory)
	want := `{"items":[{"title":"News","guid":"http://example.com/1"},{"guid":"3"},{}],`
	if err != nil || !strings.HasPrefix(string(got), want) {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

// gofeed panics on each of them.
func TestWhatIsNullInAJSONFeedIsNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"items":[null]}`: `[]`,
		`{"items":[null,{"id":"1"},null,{"id":"2"}]}`:                     `[{"guid":"1"},{"guid":"2"}]`,
		`{"items":[{"id":"1","author":null,"authors":[null]}]}`:           `[{"guid":"1"}]`,
		`{"authors":[null],"items":[{"id":"1","tags":[null]}]}`:           `[{"guid":"1","categories":[""]}]`,
		`{"author":null,"items":[{"id":"1","attachments":[null]}]}`:       `[{"guid":"1","enclosures":[{}]}]`,
		`{"items":[{"id":null,"title":null,"tags":null,"authors":null}]}`: `[{}]`,
	} {
		got, err := Feed([]byte(text), testMemory)
		if err != nil || !strings.HasPrefix(string(got), `{"items":`+want+`,`) {
			t.Errorf("%s is read as %s (%v), want the items %s", text, got, err, want)
		}
	}
}

func TestFeedsAreRefusedByTheirLimits(t *testing.T) {
	t.Parallel()
	rss := func(channel string) string { return "<rss><channel>" + channel + "</channel></rss>" }
	words := strings.Repeat("word ", 40_000)
	for _, c := range []struct{ name, feed, want string }{
		{"depth", "<rss>" + strings.Repeat("<a>", 1001), "nested deeper than 1000"},
		{"items", rss(strings.Repeat("<item/>", MaxItems+1)), "more than 10000 items"},
		{"items of JSON", `{"items":[` + strings.Repeat("{},", MaxItems) + "{}]}", "more than 10000 items"},
		{"an entry of text", rss("<item><title>" + words + "</title></item>"), "an entry of the feed is too large"},
		{"an entry of elements", rss("<item>" + strings.Repeat("<a/>", 1200) + "</item>"), "an entry of the feed is too large"},
		{"an entry of HTML", rss("<item><description><![CDATA[" + strings.Repeat("<b>", 6000) + "]]></description></item>"), "an entry of the feed is too large"},
		{"an entry of JSON", `{"items":[{"tags":[` + strings.Repeat(`"",`, 40_000) + `""]}]}`, "an entry of the feed is too large"},
		{"a title", rss("<title>" + words + "</title><item/>"), "the feed without its entries is too large"},
		{"extensions", rss(strings.Repeat("<x:a/>", 1200)), "the feed without its entries is too large"},
		{"items of others", rss(strings.Repeat("<x:item/>", 1200)), "the feed without its entries is too large"},
		{"the head of JSON", `{"x":[` + strings.Repeat("0,", 40_000) + `0],"items":[]}`, "the feed without its entries is too large"},
		{"attributes", rss("<item><a" + strings.Repeat(" b", 40_000) + "/></item>"), "a tag or a text is very long"},
		{"namespaces", rss("<item" + repeated(" xmlns:a%d=''", 101) + "/>"), "more than 100 namespaces"},
		{"nested namespaces", rss("<item>" + repeated("<a xmlns:a%d=''>", 101)), "more than 100 namespaces"},
		{"namespaces at depth", rss("<item" + repeated(" xmlns:a%d=''", 99) + ">" + strings.Repeat("<a>", 900)), "an entry of the feed is too large"},
		{"tags around", "<rss><channel a='" + strings.Repeat("x", 5000) + "'><item/></channel></rss>", "more than 4096 bytes"},
		{"JSON", rss(strings.Repeat("<item><title>"+strings.Repeat("x", 120_000)+"</title></item>", 32)), "very large as JSON"},
		{"end", rss("<item>")[:20], "a feed that ends early"},
		{"another end", "<rss><a <></rss>", "a feed that is broken"},
	} {
		if out, err := Feed([]byte(c.feed), 4*limitMemory); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.100s, %v; want %q", c.name, out, err, c.want)
		}
	}
	known := rss("<item>" + strings.Repeat("<a xmlns:a='' xmlns:b=''/>", 200) + "</item>")
	if _, err := Feed([]byte(known), testMemory); err != nil {
		t.Errorf("namespaces that stand side by side: %v", err)
	}
}

func BenchmarkFeed(b *testing.B) {
	text := []byte("<rss><channel>" + repeated("<item><guid>%d</guid><title>some title</title><pubDate>Mon, 02 Jan 2006 15:04:05 GMT</pubDate><description>some words</description></item>", 1000) + "</channel></rss>")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Feed(text, testMemory); err != nil {
			b.Fatal(err)
		}
	}
}
