package page

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func TestLinesAreItems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, body, want string }{
		{"format lines", "a\nb\n", `"a" "b"`},
		{"format lines", "a\r\nb", `"a" "b"`},
		{"format lines", "a\n\nb\n\n", `"a" "" "b" ""`},
		{"format lines", "\n\n", `"" ""`},
		{"format lines", " \r\n", `" "`},
		{"format lines", "\uFEFF", ``},
		{"format lines; data text", "\n\n", ``}, // a heartbeat
		{"format lines", "\uFEFFa", `"a"`},
		{"format lines", `{"a":1}` + "\n", `"{\"a\":1}"`},
		{"format lines", `"a"`, `"\"a\""`},
		{"format lines |", "a|b\n|c\r|", `"a" "b\n" "c\r"`},
		{"format lines; data text", `{"text":"x"}` + "\n" + `{"text":1.10}`, `"x" "1.10"`},
		{"format lines; data =y", "a\nb", `"y" "y"`},
		{"format lines; order newest_first", "b\na", `"a" "b"`},
		{"format lines; ignore !id", `{"id":1}` + "\nnoise\n\n" + `{"id":2}`, `"{\"id\":1}" "{\"id\":2}"`},
		{"format lines; ignore {sse.item} # ##", "#\na\n##", `"a"`},
	} {
		p := mustRead(t, reader(t, c.config), ok(c.body), at("", ""))
		var got []string
		for _, e := range p.Events {
			got = append(got, fmt.Sprintf("%q", e.Data))
		}
		equal(t, c.config+" of "+c.body, strings.Join(got, " "), c.want)
	}
}

func TestLinesOfJSONHaveIDs(t *testing.T) {
	t.Parallel()
	r := reader(t, "format lines; id id; event event; ignore event keepalive open")
	body := `{"id":"a","event":"open"}` + "\n" + `{"id":"b","event":"message"}` + "\n" + `{"id":"c","event":"keepalive"}` + "\n"
	p := mustRead(t, r, ok(body), at(""))
	equal(t, "ids", ids(p), "b")
	equal(t, "next", p.Next.ID(), "c")
	equal(t, "type", p.Events[0].Type, "message")
}

func TestLogIsReadOnFromItsSize(t *testing.T) {
	t.Parallel()
	r := reader(t, "format lines; cursor {sse.header.X-Text-Size}; end !{sse.header.X-More-Data}")
	p := mustRead(t, r, ok("one\ntwo\n", "X-Text-Size: 8", "X-More-Data: true"), at(""))
	equal(t, "next", p.Next.ID(), "8")
	equal(t, "end", p.End, false)
	p = mustRead(t, r, ok("", "X-Text-Size: 8"), at("8"))
	equal(t, "news", p.News, false)
	equal(t, "end of an empty answer", p.End, true)
	p = mustRead(t, r, ok("three", "X-Text-Size: 13"), at("8"))
	equal(t, "data", datas(p), "three")
	equal(t, "end of the last answer", p.End, true)
}

func TestTablesAreRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, body, want string }{
		{"format csv", "1,bob,\"hi, 1\"\n2,,\n", `["1","bob","hi, 1"] ["2","",""]`},
		{"format csv", "1,\"a\nb\"\r\n\r\n2,3", `["1","a\nb"] ["2","3"]`},
		{"format csv", `1,a "quoted" word`, `["1","a \"quoted\" word"]`},
		{"format csv |", "1|a,b", `["1","a,b"]`},
		{"format csv header", "id,text\n1,a\n2,1.10\n", `{"id":"1","text":"a"} {"id":"2","text":"1.10"}`},
		{"format csv header", "id,text\n1\n2,a,b", `{"id":"1"} {"id":"2","text":"a","2":"b"}`},
		{"format csv header", "\uFEFFid\n1", `{"id":"1"}`},
		{"format csv header", "id,text\n", ""},
		{"format csv header; id id; data text", "id,text\n1,a", "a"},
	} {
		p := mustRead(t, reader(t, c.config), ok(c.body), at("", ""))
		equal(t, c.config+" of "+c.body, datas(p), c.want)
	}
	p := mustRead(t, reader(t, "format csv; id 0; data 2"), ok("1,bob,hi\n2,bob,ho\n"), at("1"))
	equal(t, "ids of rows", ids(p), "2")
	equal(t, "cells", datas(p), "ho")
}

const rss = `<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>News</title>
<item><title>Second &amp; last</title><guid isPermaLink="false">g2</guid><link>https://example.com/2</link><pubDate>Sat, 21 Nov 2026 01:00:00 GMT</pubDate></item>
<item><title>First</title><guid>g1</guid><description>&lt;p&gt;one&lt;/p&gt;</description><dc:creator>bob</dc:creator></item></channel></rss>`

func TestFeedsHaveOneShape(t *testing.T) {
	t.Parallel()
	const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><id>g2</id><title>Second &amp; last</title></entry>
<entry><id>g1</id><title>First</title><summary>&lt;p&gt;one&lt;/p&gt;</summary></entry></feed>`
	const jsonFeed = `{"version":"https://jsonfeed.org/version/1.1","title":"News","items":[{"id":"g2","title":"Second & last"},
{"id":"g1","title":"First","summary":"<p>one</p>"}]}`
	for name, body := range map[string]string{"rss": rss, "atom": atom, "json": jsonFeed} {
		p := mustRead(t, reader(t, "format feed; id guid; order newest_first; data title"), ok(body), at(""))
		equal(t, name+" ids", ids(p), "g1 g2")
		equal(t, name+" titles", datas(p), "First Second & last")
		p = mustRead(t, reader(t, "format feed; id guid; order newest_first; data description; ignore !description"), ok(body), at(""))
		equal(t, name+" description", datas(p), "<p>one</p>")
		p = mustRead(t, reader(t, "format feed; items title; data @this"), ok(body), at("", ""))
		equal(t, name+" title", datas(p), "News")
	}
	p := mustRead(t, reader(t, "format feed; id guid; order newest_first"), ok(rss), at("g1"))
	equal(t, "ids after the first", ids(p), "g2")
	if data := datas(p); !strings.Contains(data, `"link":"https://example.com/2"`) || !strings.Contains(data, `"title":"Second & last"`) || !value.ValidJSON([]byte(data)) {
		t.Errorf("the item is %s", data)
	}
}

func TestAnEntryOfAFeedEndsAtItsOwnTag(t *testing.T) {
	t.Parallel()
	const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><id>g0</id><title>Zero</title></entry>
<entry><id>g1</id><item xmlns="https://example.com/shop">shoe</item><title>First</title></entry></feed>`
	p := mustRead(t, reader(t, "format feed; id guid; data title"), ok(atom), at(""))
	equal(t, "titles", datas(p), "Zero First")
	p = mustRead(t, reader(t, "format feed; items title; data @this"), ok(atom), at("", ""))
	equal(t, "title of the feed", datas(p), "News")
}

func TestAnswersInAnotherFormatAreNoEvents(t *testing.T) {
	t.Parallel()
	const login = "\n<!DOCTYPE HTML><html><body>log in</body></html>"
	for _, c := range []struct{ config, body, want string }{
		{"format csv", login, "HTML where CSV was expected"},
		{"format csv", `{"error":"x"}`, "JSON where CSV was expected"},
		{"format lines", login, "HTML where lines were expected"},
		{"format feed", login, "HTML where a feed was expected"},
		{"format feed", `{"error":"x"}`, "JSON without items where a feed was expected"},
		{"format feed", `{"items":[{"id":1}`, "JSON that ends early where a feed was expected"},
		{"format feed", "<a/>", "where a feed was expected"},
		{"format feed", "soon", "text where a feed was expected"},
		{"format feed", "<rss><channel><item>", "a feed that ends early"},
		{"format feed", "<rss><channel><item></item id=1>", "a feed that is broken"},
		{"format csv", strings.Repeat("a\n", decode.MaxItems+1), "more than 10000 items"},
		{"format csv", strings.Repeat(",", 7<<20), "more than 10000 cells"},
		{"format csv", strings.Repeat("\"\n\",", 1<<20), "more than 10000 cells"},
		{"format csv header", strings.Repeat("long,", 2000) + "\n" + strings.Repeat(strings.Repeat(",", 2000)+"\n", 490), "longer than 2359296 bytes as JSON, where each row repeats the names"},
		{"format lines", strings.Repeat("a\n", decode.MaxItems+1), "more than 10000 items"},
		{"format lines", strings.Repeat("\n", 7<<20) + "a", "more than 10000 items"},
		{"format feed", "<rss><channel>" + strings.Repeat("<item/>", decode.MaxItems+1) + "</channel></rss>", "more than 10000 items"},
		{"format feed", "<rss>" + strings.Repeat("<a>", 1<<20), "nested deeper than 1000"},
		{"format feed", "<rss><channel>" + strings.Repeat("<x:a/>", 1<<20), "the feed without its entries is too large"},
		{"format feed", `{"items":[` + strings.Repeat("{},", 1<<20) + "{}]}", "more than 10000 items"},
		{"format feed", `{"items":` + strings.Repeat("[", 7<<20), "where a feed was expected"},
	} {
		_, err := reader(t, c.config).Read(ok(c.body), at("", ""), nil)
		var failed *Error
		if !errors.As(err, &failed) || failed.Comment != "unreadable answer" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %.30q: %v, want %q", c.config, c.body, err, c.want)
		}
	}
}

func TestListsWithoutIDsSendEachItemOnce(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{nil, {`ETag: "1"`, `ETag: "2"`, `ETag: "3"`}} {
		tag := func(n int) []string {
			if header == nil {
				return nil
			}
			return header[n : n+1]
		}
		r := reader(t, "format lines")
		first := mustRead(t, r, ok("a\nb\nb\nb\nb\n", tag(0)...), at("", ""))
		equal(t, "first", datas(first), "a b b b b")
		same := mustRead(t, r, ok("a\nb\nb\nb\nb\n", tag(1)...), first.Next)
		equal(t, "events of the same", len(same.Events), 0)
		equal(t, "lost", same.Lost, false)
		more := mustRead(t, r, ok("a\nb\nb\nb\nb\nc\nd\n", tag(1)...), same.Next)
		equal(t, "more", datas(more), "c d")
		again := mustRead(t, r, ok("a\nb\nb\nb\nb\nc\nd\n", tag(1)...), more.Events[0].At)
		equal(t, "from within", datas(again), "d")
		moved := mustRead(t, r, ok("b\nb\nc\nd\ne\n", tag(2)...), more.Next)
		equal(t, "moved", datas(moved), "e")
		further := mustRead(t, r, ok("w\nx\ny\nz\na\nb\nb\nb\nb\nc\n", tag(2)...), first.Events[3].At)
		equal(t, "lost by what is further on", further.Lost, true)
		equal(t, "what may be others that say the same", datas(further), "w x y z a b b b b c")
		rotated := mustRead(t, r, ok("x\ny\n", tag(2)...), more.Next)
		equal(t, "rotated", datas(rotated), "x y")
		equal(t, "lost by rotation", rotated.Lost, true)
	}
	r := reader(t, "format message")
	p := mustRead(t, r, ok("a", `ETag: "1"`), at("", ""))
	p = mustRead(t, r, ok("a", `ETag: "2"`), p.Next)
	equal(t, "an equal message", datas(p), "a")
}
