//go:build !race

package page

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/heap"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// mostTries is of how many runs the least peak counts: what a run makes while the collector works beside it
// counts as in use.
const mostTries = 10

// What each answer takes is at most three times the answer, or [smallMemory] (for a tree, [smallTree]), whether it is read or
// refused; so many bytes more are those of the test and of libraries, whatever the answer.
func TestReadingTakesAtMostThreeTimesTheAnswer(t *testing.T) {
	const slack = 512 << 10
	for _, size := range []int{100 << 10, 2 << 20} {
		for _, c := range memoryShapes(size) {
			t.Run(fmt.Sprintf("%s of %d KB", c.name, size>>10), func(t *testing.T) {
				r, header := shapeReader(t, c.config)
				resp := ok(c.body(), header...)
				var p Page
				var err error
				from := position.Position{Cursor: make(position.Cursor, len(r.names))}
				most, peak := memoryFor(len(resp.Body))+slack, math.MaxInt
				if r.config.Format == XML || r.config.Format == Feed || !r.config.Program.IsZero() {
					most = treeFor(len(resp.Body)) + slack
				}
				for tries := 0; peak > most && tries < mostTries; tries++ {
					peak = min(peak, heap.Peak(func() { p, err = r.Read(resp, from, nil) }))
				}
				runtime.KeepAlive(p)
				var failed *Error
				if err != nil && !errors.As(err, &failed) {
					t.Errorf("it fails with %v, which is no *Error", err)
				}
				if peak > most {
					t.Errorf("it takes %d bytes for %d, want %d at most (%d events, %v)", peak, len(resp.Body), most, len(p.Events), err)
				}
				t.Logf("%.2f times the answer, %d events, %v", float64(peak)/float64(len(resp.Body)), len(p.Events), err)
				runtime.KeepAlive(resp)
			})
		}
	}
}

// Answers as upstreams send them are read, at any size that there are.
func TestOrdinaryAnswersAreReadHoweverLarge(t *testing.T) {
	for _, size := range []int{100 << 10, 1 << 20, 8 << 20} {
		for _, c := range memoryShapes(size) {
			switch c.name {
			case "json items", "json document", "lines", "xml records document", "xml attributes", "xml one cdata", "rss", "atom", "json feed", "csv", "csv header":
				r, header := shapeReader(t, c.config)
				p, err := r.Read(ok(c.body(), header...), position.Position{Cursor: make(position.Cursor, len(r.names))}, nil)
				if err != nil || len(p.Events) == 0 {
					t.Errorf("%s of %d bytes: %d events, %v", c.name, size, len(p.Events), err)
				}
			}
		}
	}
}

func shapeReader(t testing.TB, config string) (*Reader, []string) {
	if program, found := strings.CutPrefix(config, "jq "); found {
		return programReader(t, program), nil
	}
	if charset, found := strings.CutPrefix(config, "charset "); found {
		return reader(t, ""), []string{"Content-Type: text/plain; charset=" + charset}
	}
	return reader(t, config), nil
}

func TestDiffTakesAtMostThreeTimesTheDocument(t *testing.T) {
	for _, unit := range []string{`{"id":%d,"name":"Item","tags":["a","b"],"note":"lorem ipsum dolor sit amet"},`, "%d,", `{"a":%d},`, `"` + strings.Repeat("lorem ", 500) + `%d",`} {
		for _, size := range []int{50 << 10, 100 << 10, 400 << 10, 2 << 20} {
			var b strings.Builder
			for n := 0; b.Len() < size; n++ {
				fmt.Fprintf(&b, unit, n)
			}
			before, after := []byte("["+b.String()+"0]"), []byte("["+strings.ReplaceAll(b.String(), "1", "2")+"1]")
			var ok bool
			most, peak := treeFor(len(after))+512<<10, math.MaxInt
			for tries := 0; peak > most && tries < mostTries; tries++ {
				peak = min(peak, heap.Peak(func() { _, ok, _ = Diff(before, after) }))
			}
			if peak > most {
				t.Errorf("%s, %d bytes: it takes %d, want %d at most (ok %v)", unit[:min(len(unit), 20)], len(after), peak, most, ok)
			}
			runtime.KeepAlive([][]byte{before, after})
		}
	}
}

func rep(s string, size int) string { return strings.Repeat(s, max(size/len(s), 1)) }

type shape struct {
	name, config string
	body         func() string
}

func memoryShapes(size int) []shape {
	word := "lorem ipsum dolor sit amet consectetur "
	many := func(end int, piece func(n int) string) string {
		var b strings.Builder
		for n := 0; b.Len() < size && n < end; n++ {
			b.WriteString(piece(n))
		}
		return b.String()
	}
	const any = 1 << 30
	rss := func() string {
		return many(any, func(n int) string {
			return fmt.Sprintf("<item><title>Entry %d</title><link>https://example.com/%d</link><guid isPermaLink=\"false\">id-%d</guid><pubDate>Mon, 02 Jan 2006 15:04:05 GMT</pubDate><dc:creator>Bob</dc:creator><category>news</category><description>%s</description></item>\n", n, n, n, rep(word, max(size/1000-300, 100)))
		})
	}
	atom := func() string {
		return many(any, func(n int) string {
			return fmt.Sprintf("<entry><title>Entry %d</title><link href=\"https://example.com/%d\"/><id>id-%d</id><updated>2006-01-02T15:04:05Z</updated><author><name>Bob</name></author><summary>%s</summary></entry>\n", n, n, n, rep(word, max(size/1000-200, 100)))
		})
	}
	jf := func() string {
		return strings.TrimSuffix(many(any, func(n int) string {
			return fmt.Sprintf(`{"id":"%d","url":"https://example.com/%d","title":"Entry %d","date_published":"2006-01-02T15:04:05Z","tags":["a","b"],"content_text":"%s"},`, n, n, n, rep(word, max(size/1000-200, 100)))
		}), ",")
	}
	xmlRec := func() string {
		return many(any, func(n int) string {
			return fmt.Sprintf("  <row>\n    <id>%d</id>\n    <name>Item %d</name>\n    <price>1.10</price>\n    <note/>\n  </row>\n", n, n)
		})
	}
	docs := func() string {
		return strings.TrimSuffix(many(any, func(n int) string {
			return fmt.Sprintf(`{"id":%d,"name":"Item %d","price":1.10,"tags":["a","b"],"on":true,"note":"%s"},`, n, n, word)
		}), ",")
	}
	dense := func() string { return many(any, func(n int) string { return fmt.Sprintf(`%d,{"a":%d},`, n, n) }) }
	attrs := func() string {
		return many(any, func(n int) string {
			return fmt.Sprintf(`<row Id="%d" PostTypeId="1" Score="12" ViewCount="123" Body="%s"/>`, n, word)
		})
	}
	csvT := func() string {
		pad := rep(word, max(size/9000-30, 10))
		return "id,name,price,quantity,comment\n" + many(9000, func(n int) string { return fmt.Sprintf("%d,Item %d,1.10,5,\"%s\"\n", n, n, pad) })
	}
	csvWide := func() string {
		return many(9000, func(n int) string { return rep("12.5,", max(size/9000, 10)) + "1\n" })
	}
	return []shape{
		{"json items", "items items; id id; data text", func() string {
			return `{"items":[` + strings.TrimSuffix(rep(`{"id":1,"text":"`+rep(word, size/6000+80)+`"},`, size), ",") + `]}`
		}},
		{"json escaped items", "items items; id id; data text", func() string {
			return `{"items":[` + strings.TrimSuffix(rep(`{"id":1,"text":"`+rep(`a\"b`, size/9000)+`"},`, size), ",") + `]}`
		}},
		{"json one escaped", "data a", func() string { return `{"a":"` + rep(`\"`, size) + `"}` }},
		{"json document", "", func() string { return `{"rows":[` + docs() + `]}` }},
		{"json document dense", "", func() string { return `[` + dense() + `0]` }},
		{"json document empty objects", "", func() string { return `[` + rep("{},", size) + `0]` }},
		{"json document keys", "", func() string { return `{` + rep(`"":0,`, size) + `"":0}` }},
		{"json nested", "", func() string {
			return rep(strings.Repeat("[", 900)+strings.Repeat("]", 900)+",", 0) + "[" + rep(strings.Repeat("[", 900)+strings.Repeat("]", 900)+",", size) + "0]"
		}},
		{"json broken", "items a", func() string { return `{"a":["` + rep("x", size) + `"` }},
		{"json broken dense", "items a", func() string { return `{"a":[` + rep("1,", size) }},
		{"json text", "", func() string { return rep(word, size) }},
		{"brackets", "items a", func() string { return rep("[", size) }},
		{"lines", "format lines", func() string { return strings.Repeat(rep(word, size/9000)+"\n", 9000) }},
		{"windows-1252", "charset windows-1252", func() string { return rep("\x80", size) }},
		{"cyrillic", "charset windows-1251", func() string { return rep("\xc0\xc1\xc2 abc", size) }},
		{"utf-16", "charset utf-16le", func() string { return rep("a\x00\x80\x30", size) }},
		{"xml records document", "format xml", func() string { return "<rows>" + xmlRec() + "</rows>" }},
		{"xml records items", "format xml; items rows.row.#.id", func() string { return "<rows>" + xmlRec() + "</rows>" }},
		{"xml attributes", "format xml", func() string { return "<rows>" + attrs() + "</rows>" }},
		{"xml one text", "format xml", func() string { return "<a>" + rep(word, size) + "</a>" }},
		{"xml one cdata", "format xml", func() string { return "<a><![CDATA[" + rep(word, size) + "]]></a>" }},
		{"xml one attribute", "format xml", func() string { return "<a b='" + rep(word, size) + "'/>" }},
		{"xml text and children", "format xml", func() string { return "<a>" + rep(word+"<b/>", size) + "</a>" }},
		{"xml mixed short", "format xml", func() string { return "<a>" + rep("x<b/>", size) + "</a>" }},
		{"xml names of all kinds", "format xml", func() string {
			return "<a>" + many(any, func(n int) string { return fmt.Sprintf("<b%d/>", n) }) + "</a>"
		}},
		{"xml attributes of all kinds", "format xml", func() string {
			return "<a" + many(any, func(n int) string { return fmt.Sprintf(" b%d = ''", n) }) + "/>"
		}},
		{"xml namespaces", "format xml", func() string {
			return "<a>" + many(any, func(n int) string { return fmt.Sprintf("<b xmlns:c%d=''>", n) })
		}},
		{"xml empty", "format xml", func() string { return "<a>" + rep("<b/>", size) + "</a>" }},
		{"xml alternating", "format xml", func() string { return "<a>" + rep("<b/><c/>", size) + "</a>" }},
		{"xml alternating long", "format xml", func() string { return "<a>" + rep("<b>"+word+word+"</b><c>"+word+"</c>", size) + "</a>" }},
		{"xml escapes", "format xml", func() string { return "<a>" + rep("\"\\\n", size) + "x</a>" }},
		{"xml controls", "format xml", func() string { return "<a>" + rep("&#9;&quot;", size) + "x</a>" }},
		{"xml many attributes", "format xml", func() string { return "<a>" + rep("<b"+strings.Repeat(` b=""`, 990)+"/>", size) + "</a>" }},
		{"xml comment", "format xml", func() string { return "<a><!--" + rep(word, size) + "--></a>" }},
		{"xml pi", "format xml", func() string { return "<a><?p " + rep(word, size) + "?></a>" }},
		{"xml doctype", "format xml", func() string { return "<!DOCTYPE a [" + rep("<!ELEMENT a ANY>", size) + "]><a/>" }},
		{"xml names", "format xml", func() string { return "<" + rep("a", size/2) + "></" + rep("a", size/2) + ">" }},
		{"rss", "format feed", func() string {
			return `<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>T</title>` + rss() + `</channel></rss>`
		}},
		{"atom", "format feed", func() string {
			return `<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>` + atom() + `</feed>`
		}},
		{"json feed", "format feed", func() string {
			return `{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[` + jf() + `]}`
		}},
		{"rss extensions", "format feed", func() string { return `<rss xmlns:x="urn:x"><channel>` + rep("<x:a/>", size) + `</channel></rss>` }},
		{"rss extensions in items", "format feed", func() string {
			return `<rss xmlns:x="urn:x"><channel>` + rep("<item>"+strings.Repeat("<x:a/>", 100)+"</item>", size) + `</channel></rss>`
		}},
		{"rss one item", "format feed", func() string {
			return `<rss xmlns:x="urn:x"><channel><item><description>` + rep(word, size) + `</description></item></channel></rss>`
		}},
		{"rss empty items", "format feed", func() string {
			return `<rss><channel>` + strings.Repeat("<item>"+rep(" ", size/9000)+"</item>", 9000) + `</channel></rss>`
		}},
		{"rss html", "format feed", func() string {
			return `<rss><channel><item><description><![CDATA[` + rep("<b>", size/4) + `]]></description></item></channel></rss>`
		}},
		{"rss html in items", "format feed", func() string {
			return `<rss><channel>` + rep(`<item><description><![CDATA[`+rep("<p>", 20<<10)+`]]></description></item>`, size) + `</channel></rss>`
		}},
		{"atom html", "format feed", func() string {
			return `<feed xml:base="http://example.com/"><entry><content type="html">` + rep("&lt;p/&gt;", 60<<10) + `</content></entry><entry><content type="html"><![CDATA[` + rep("<p a>", 30<<10) + `]]></content></entry></feed>`
		}},
		{"rss namespaces", "format feed", func() string {
			return `<rss` + many(3<<10/20, func(n int) string { return fmt.Sprintf(" xmlns:a%d='b'", n) }) + `><channel><item>` + strings.Repeat("<a:x>", 900) + strings.Repeat("</a:x>", 900) + `</item>` + rep(`<item/>`, min(size, 60<<10)) + `</channel></rss>`
		}},
		{"rss extensions of many namespaces", "format feed", func() string {
			return `<rss><channel>` + rep("<item><a:x/><b:x/><c:x/><d:x/><e:x/><f:x/><g:x/><h:x/></item>", size) + `</channel></rss>`
		}},
		{"rss text in pieces", "format feed", func() string {
			return `<rss><channel><item><x:a>` + rep("a<!---->", size) + `</x:a></item></channel></rss>`
		}},
		{"rss attributes without values", "format feed", func() string { return `<rss><channel><item><x:a` + rep(" a", size) + `/></item></channel></rss>` }},
		{"atom ids and links", "format feed", func() string {
			return `<feed>` + rep(`<entry><id>urn:x</id>`+strings.Repeat(`<link href="HTTP://a/%7e"/>`, 100)+`</entry>`, size) + `</feed>`
		}},
		{"rss title", "format feed", func() string { return `<rss><channel><title>` + rep(word, size) + `</title></channel></rss>` }},
		{"atom authors", "format feed", func() string {
			return `<feed xmlns="http://www.w3.org/2005/Atom">` + rep(`<author/>`, size) + `</feed>`
		}},
		{"atom links", "format feed", func() string {
			return `<feed xmlns="http://www.w3.org/2005/Atom"><entry>` + rep(`<link/>`, size) + `</entry></feed>`
		}},
		{"json feed authors", "format feed", func() string {
			return `{"version":"https://jsonfeed.org/version/1.1","items":[{"authors":[` + rep("{},", size) + `{}]}]}`
		}},
		{"json feed tags", "format feed", func() string {
			return `{"version":"https://jsonfeed.org/version/1.1","items":[{"tags":[` + rep(`"",`, size) + `""]}]}`
		}},
		{"json feed unknown", "format feed", func() string {
			return `{"version":"https://jsonfeed.org/version/1.1","x":[` + rep(`0,`, size) + `0],"items":[]}`
		}},
		{"json feed items", "format feed", func() string {
			return `{"version":"https://jsonfeed.org/version/1.1","items":[` + strings.Repeat(`{},`, 9000) + `{}]}` + rep(" ", size)
		}},
		{"csv header", "format csv header", func() string { return csvT() }},
		{"csv", "format csv", func() string { return csvT() }},
		{"csv wide", "format csv", func() string { return csvWide() }},
		{"csv wide header", "format csv header", func() string {
			return strings.TrimSuffix(rep("column,", 7*max(size/9000/5, 2)), ",") + "\n" + csvWide()
		}},
		{"csv commas", "format csv", func() string { return strings.Repeat(rep(",", min(9000, size/1000))+"\n", 1000) }},
		{"csv one cell", "format csv", func() string { return "a,\"" + rep(word, size) + "\"" }},
		{"csv quotes", "format csv", func() string { return "a,\"" + rep(`""`, size) + "\"" }},
		{"csv lines in a cell", "format csv", func() string { return "a,\"" + rep("\n", size) + "\"" }},
		{"jq records", "jq .body.rows[]|{id,data:.name}", func() string { return `{"rows":[` + docs() + `]}` }},
		{"jq dense", "jq {data:.body[0]}", func() string { return `[` + dense() + `0]` }},
		{"jq objects", "jq {data:.body[-1]}", func() string { return `[` + rep("{},", size) + `0]` }},
		{"jq all", "jq {data:.body}", func() string { return `{"rows":[` + docs() + `]}` }},
		{"jq text", "jq {data:.body.a}", func() string { return `{"a":"` + rep(word, size) + `"}` }},
		{"jq plain text", "jq {data:.body}", func() string { return rep(word, size) }},
	}
}
