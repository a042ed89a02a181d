package page

import (
	"fmt"
	"strings"
	"testing"
)

// Ids of entries are compared character by character (RFC 4287, section 4.2.6): none is a link that could
// be resolved.
func TestIDsOfEntriesAreAsTheyStandInTheFeed(t *testing.T) {
	t.Parallel()
	atom := func(root string, ids ...string) string {
		var b strings.Builder
		b.WriteString(root)
		for _, id := range ids {
			fmt.Fprintf(&b, "<entry><id>%s</id><title>x</title></entry>", id)
		}
		return b.String() + "</feed>"
	}
	const ns = ` xmlns="http://www.w3.org/2005/Atom"`
	for _, c := range []struct{ name, body, want string }{
		{"dots under a base", atom(`<feed`+ns+` xml:base="https://example.com/x/">`, "a/../b", "b", "./b"), "a/../b b ./b"},
		{"a base of the entry", `<feed` + ns + `><entry xml:base="https://example.com/"><id>1</id></entry><entry xml:base="https://example.com/"><id>/1</id></entry></feed>`, "1 /1"},
		{"a base of the id", `<feed` + ns + `><entry><id xml:base="https://example.com/">1</id></entry><entry><id>https://example.com/1</id></entry></feed>`, "1 https://example.com/1"},
		{"no base", atom(`<feed`+ns+`>`, "HTTP://example.com/a", "http://example.com/a", "http://EXAMPLE.com/a", "http://example.com/%7ea", "http://example.com/~a", "http://example.com/ü", "urn:UUID:1", "a:b?#"), "HTTP://example.com/a http://example.com/a http://EXAMPLE.com/a http://example.com/%7ea http://example.com/~a http://example.com/ü urn:UUID:1 a:b?#"},
		{"white space around", atom(`<feed`+ns+`>`, "\n  urn:1\n", "urn:2"), "urn:1 urn:2"},
		{"entities", atom(`<feed`+ns+`>`, "http://x/?a=1&amp;b=2", "<![CDATA[http://x/?a=1&b=3]]>", "http://x/&#x41;&eacute;"), "http://x/?a=1&b=2 http://x/?a=1&b=3 http://x/Aé"},
		{"comments", atom(`<feed`+ns+`>`, "urn:<!-- no -->1"), "urn:1"},
		{"a prefix", `<a:feed xmlns:a="http://www.w3.org/2005/Atom" xml:base="https://example.com/"><a:entry><a:id>a/../b</a:id></a:entry><a:entry><a:id>b</a:id></a:entry></a:feed>`, "a/../b b"},
		{"ids of others", `<feed` + ns + ` xmlns:x="urn:x" xml:base="https://example.com/"><id>feed/../feed</id><entry><x:id>no</x:id><source><id>no</id></source><id>a/../b</id><content type="xhtml"><div><id>no</id></div></content></entry><entry><id>b</id><source><id>no</id></source></entry></feed>`, "a/../b b"},
		{"other elements between", `<feed` + ns + ` xml:base="https://example.com/"><item><id>no</id></item><entry><id>1/../a</id></entry><item><id>no</id></item><entry><id>2/../a</id></entry><item/><entry><id>3/../a</id></entry></feed>`, "1/../a 2/../a 3/../a"},
		{"no id", `<feed` + ns + ` xml:base="https://example.com/"><entry><title>x</title></entry><entry><id/></entry><entry><id>./1</id></entry></feed>`, "./1"},
		{"many", atom(`<feed`+ns+` xml:base="https://example.com/x/">`, strings.Fields(strings.Repeat("a/../b ", 2500))...), strings.TrimSpace(strings.Repeat("a/../b ", 2500))},
		{"RSS", `<rss version="2.0" xml:base="https://example.com/"><channel><item><guid>a/../b</guid></item><item><guid isPermaLink="false">b</guid></item></channel></rss>`, "a/../b b"},
		{"RSS 1.0", `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xml:base="https://example.com/"><channel/><item><guid>a/../b</guid></item><item><guid>b</guid></item></rdf:RDF>`, "a/../b b"},
		{"JSON", `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"a/../b"},{"id":1.10},{"id":9007199254740993}]}`, "a/../b 1.10 9007199254740993"},
	} {
		p := mustRead(t, reader(t, "format feed; id guid; data guid; ignore !guid"), ok(c.body), at(""))
		equal(t, c.name, datas(p), c.want)
	}
}

func TestLinksOfEntriesAreAsTheyStandUnlessTheyAreRelative(t *testing.T) {
	t.Parallel()
	const atom = `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://example.com/x/">
<entry><link href="https://example.com/a/../b"/></entry><entry><link rel="alternate" href="https://example.com/b"/></entry><entry><link href="HTTP://example.com/%7eb?q=1&amp;r=2"/></entry>
<entry><link href="../c"/></entry><entry><link rel="self" href="https://example.com/s/./"/><link href="d"/></entry></feed>`
	const rss = `<rss version="2.0" xml:base="https://example.com/x/"><channel>
<item><link>https://example.com/a/../b</link></item><item><link>https://example.com/b</link></item><item><link><![CDATA[HTTP://example.com/%7eb?q=1&r=2]]></link></item>
<item><link>../c</link></item><item><link>d</link></item></channel></rss>`
	const want = "https://example.com/a/../b https://example.com/b HTTP://example.com/%7eb?q=1&r=2 https://example.com/c https://example.com/x/d"
	for name, body := range map[string]string{"Atom": atom, "RSS": rss} {
		p := mustRead(t, reader(t, "format feed; id link; data link"), ok(body), at(""))
		equal(t, name, datas(p), want)
	}
	p := mustRead(t, reader(t, "format feed; id link; data links"), ok(atom), at(""))
	equal(t, "all links", string(p.Events[4].Data), `["https://example.com/s/./","https://example.com/x/d"]`)
}
