package page

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// What is no JSON becomes some. Its bytes are in the hashes of documents and in the fingerprints of items, so
// they never change, whatever reads the formats.

// transcript is what clients get of a page: the ids, the types and the data.
func transcript(p Page) string {
	var b strings.Builder
	for _, e := range p.Events {
		id := e.At.ID()
		if id == "" {
			id = e.Key
		}
		fmt.Fprintf(&b, "%s\n", strings.Join(strings.Fields(id+" "+e.Type), " "))
		fmt.Fprintf(&b, "%s\n", e.Data)
	}
	return b.String()
}

func TestTheJSONOfOtherFormatsStays(t *testing.T) {
	t.Parallel()
	const (
		xml  = `<?xml version="1.0"?><r xmlns:x="urn:x" v="1.0"><!-- no --><row id="7">a &amp; b<b>1</b> c</row><row id="8"/><x:one y="&lt;"><![CDATA[<z>]]></x:one><e> </e>t</r>`
		rss  = `<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>T</title><link>https://example.com/</link><description>D</description><item><title>A &amp; B</title><link>https://example.com/a</link><guid isPermaLink="false">g1</guid><pubDate>Sat, 21 Nov 2026 01:00:00 GMT</pubDate><category>c</category><dc:creator>ann</dc:creator><description>&lt;p&gt;x&lt;/p&gt;</description><enclosure url="https://example.com/a.mp3" length="3" type="audio/mpeg"/><media:thumbnail url="https://example.com/a.png"/></item><item><title>C</title><guid>https://example.com/c</guid></item></channel></rss>`
		atom = `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://example.com/x/"><title>T</title><id>urn:feed</id><updated>2026-11-21T01:00:00Z</updated><entry><id>urn:2</id><title type="html">A &amp;amp; B</title><link rel="alternate" href="a"/><updated>2026-11-21T01:00:00Z</updated><published>2026-11-20T01:00:00+02:00</published><author><name>ann</name><email>ann@example.com</email></author><category term="c"/><summary>s</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">x <b>y</b></div></content></entry><entry><id>urn:1</id><title>C</title></entry></feed>`
		feed = `{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":"2","url":"https://example.com/2","title":"A","content_html":"<p>x</p>","summary":"s","date_published":"2026-11-21T01:00:00Z","date_modified":"2026-11-21T02:00:00Z","authors":[{"name":"ann","url":"https://example.com/ann"}],"tags":["a","b"],"attachments":[{"url":"https://example.com/a.mp3","mime_type":"audio/mpeg","size_in_bytes":3}]},{"id":1.10,"content_text":"y"}]}`
		csv  = "id,name,note\n7,\"a, \"\"b\"\"\",1.10\n8,é,\n9,x\n"
	)
	for _, c := range []struct{ config, body, want string }{
		{"format xml", xml, `R9NgXIAVLcPvTMKi
{"r": {"-x": "urn:x","-v": "1.0","row":[{"-id": "7","b": "1","#text": "a & b c"},{"-id": "8"}],"one": {"-y": "<","#text": "<z>"},"e": "","#text": "t"}}
`},
		{"format xml; items r.row", xml, `~1.Kq9M5fSx
{"-id": "7","b": "1","#text": "a & b c"}
~2.9HkfqzLh
{"-id": "8"}
`},
		{"format xml; items r.row; id -id; data #text", xml, `7
a & b c
8

`},
		{"format feed", rss, `~1.qj2ocUi4
{"title":"A & B","description":"<p>x</p>","link":"https://example.com/a","links":["https://example.com/a"],"published":"Sat, 21 Nov 2026 01:00:00 GMT","publishedParsed":"2026-11-21T01:00:00Z","author":{"name":"ann"},"authors":[{"name":"ann"}],"guid":"g1","categories":["c"],"enclosures":[{"url":"https://example.com/a.mp3","length":"3","type":"audio/mpeg"}],"dcExt":{"creator":["ann"]},"extensions":{"dc":{"creator":[{"name":"creator","value":"ann","attrs":{},"children":{}}]},"media":{"thumbnail":[{"name":"thumbnail","value":"","attrs":{"url":"https://example.com/a.png"},"children":{}}]}}}
~2.NoINrXoz
{"title":"C","guid":"https://example.com/c"}
`},
		{"format feed; id guid; order newest_first", rss, `https://example.com/c
{"title":"C","guid":"https://example.com/c"}
g1
{"title":"A & B","description":"<p>x</p>","link":"https://example.com/a","links":["https://example.com/a"],"published":"Sat, 21 Nov 2026 01:00:00 GMT","publishedParsed":"2026-11-21T01:00:00Z","author":{"name":"ann"},"authors":[{"name":"ann"}],"guid":"g1","categories":["c"],"enclosures":[{"url":"https://example.com/a.mp3","length":"3","type":"audio/mpeg"}],"dcExt":{"creator":["ann"]},"extensions":{"dc":{"creator":[{"name":"creator","value":"ann","attrs":{},"children":{}}]},"media":{"thumbnail":[{"name":"thumbnail","value":"","attrs":{"url":"https://example.com/a.png"},"children":{}}]}}}
`},
		{"format feed", atom, `~1.V3HpPFLv
{"title":"A &amp; B","description":"s","content":"x <b>y</b>","link":"https://example.com/x/a","links":["https://example.com/x/a"],"updated":"2026-11-21T01:00:00Z","updatedParsed":"2026-11-21T01:00:00Z","published":"2026-11-20T01:00:00+02:00","publishedParsed":"2026-11-19T23:00:00Z","author":{"name":"ann","email":"ann@example.com"},"authors":[{"name":"ann","email":"ann@example.com"}],"guid":"urn:2","categories":["c"]}
~2.XXIvM9Qk
{"title":"C","guid":"urn:1"}
`},
		{"format feed; id guid; order newest_first", atom, `urn:1
{"title":"C","guid":"urn:1"}
urn:2
{"title":"A &amp; B","description":"s","content":"x <b>y</b>","link":"https://example.com/x/a","links":["https://example.com/x/a"],"updated":"2026-11-21T01:00:00Z","updatedParsed":"2026-11-21T01:00:00Z","published":"2026-11-20T01:00:00+02:00","publishedParsed":"2026-11-19T23:00:00Z","author":{"name":"ann","email":"ann@example.com"},"authors":[{"name":"ann","email":"ann@example.com"}],"guid":"urn:2","categories":["c"]}
`},
		{"format feed", feed, `~1.VPrHos2o
{"title":"A","description":"s","content":"<p>x</p>","link":"https://example.com/2","links":["https://example.com/2"],"updated":"2026-11-21T02:00:00Z","updatedParsed":"2026-11-21T02:00:00Z","published":"2026-11-21T01:00:00Z","publishedParsed":"2026-11-21T01:00:00Z","authors":[{"name":"ann"}],"guid":"2","categories":["a","b"],"enclosures":[{"url":"https://example.com/a.mp3","length":"3","type":"audio/mpeg"}]}
~2.T4x0D4y0
{"content":"y","guid":"1.10"}
`},
		{"format feed; id guid", feed, `2
{"title":"A","description":"s","content":"<p>x</p>","link":"https://example.com/2","links":["https://example.com/2"],"updated":"2026-11-21T02:00:00Z","updatedParsed":"2026-11-21T02:00:00Z","published":"2026-11-21T01:00:00Z","publishedParsed":"2026-11-21T01:00:00Z","authors":[{"name":"ann"}],"guid":"2","categories":["a","b"],"enclosures":[{"url":"https://example.com/a.mp3","length":"3","type":"audio/mpeg"}]}
1.10
{"content":"y","guid":"1.10"}
`},
		{"format csv", csv, `~1.Cjwr8yvg
["id","name","note"]
~2.D4ShrIa8
["7","a, \"b\"","1.10"]
~3.4scpTSu0
["8","é",""]
~4.PfJqFPEZ
["9","x"]
`},
		{"format csv header", csv, `~1.SBPQGLqy
{"id":"7","name":"a, \"b\"","note":"1.10"}
~2.20VEkHOT
{"id":"8","name":"é","note":""}
~3.eMPRWqST
{"id":"9","name":"x"}
`},
		{"format csv header; id id; data name", csv, `7
a, "b"
8
é
9
x
`},
		{"format csv |", "a|b\n1|2\n", `~1.CR3LMlcr
["a","b"]
~2.dk1lRTYo
["1","2"]
`},
		{`format socketio; items #(packet==event)#; event event; data args`, "2\x1e42/a,[\"chat\",{\"n\":1.10}]\x1e451-[\"bin\"]\x1ebAQID", `~1.v-6cHy_Y chat
[{"n":1.10}]
~2.8seO3TFE bin
[]
`},
		{`format socketio; items #(packet==event)#`, "2\x1e42/a,7[\"chat\",{\"n\":1.10}]\x1e451-[\"bin\"]\x1ebAQID", `~1.VwXmD4tj
{"type":"message","packet":"event","namespace":"/a","id":"7","event":"chat","args":[{"n":1.10}]}
~2.MCI3ZQu5
{"type":"message","packet":"event","namespace":"/","event":"bin","args":[],"attachments":["AQID"]}
`},
		{"format socketio", "40{\"sid\":\"x\"}\x1e2", `42YwVZPiJpbFsTup
[{"type":"message","packet":"connect","namespace":"/","data":{"sid":"x"}},{"type":"ping"}]
`},
		{"format sockjs; items messages", "a[\"{\\\"n\\\":1}\",\"b\"]\n", `~1.buL46GsB
{"n":1}
~2.U713KfyJ
b
`},
		{"format sockjs", "c[3000,\"Go away!\"]\n", `tB6rN5lx-rmXtsQY
{"type":"close","code":3000,"reason":"Go away!"}
`},
		{"format lines", "a\r\n\nb\ncafé\n", `~1.vdtCQUR5
a
~2.9sNHPax5

~3.-gbkIKLA
b
~4.OIvzBbmC
café
`},
		{"format lines |", "a|b\n|a", `~1.vdtCQUR5
a
~2.p27m4UIS
b

~3.mdjkXZ3-
a
`},
		{"format lines; id id; event kind", `{"id":1.10,"kind":"k"}` + "\n" + `{"id":"x y","a":[1, 2]}`, `1.10 k
{"id":1.10,"kind":"k"}
x%20y
{"id":"x y","a":[1, 2]}
`},
	} {
		r := reader(t, c.config)
		if got := transcript(mustRead(t, r, ok(c.body), position.Position{})); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.config, got, c.want)
		}
	}
}

func TestTheEventsOfAProgramStay(t *testing.T) {
	t.Parallel()
	const body = `{"next": "n 1", "rows": [{"id": 1.10, "of": {"b": 9007199254740993, "a": "é<\u0026\ud83d\ude00"}}, {"id": "two", "of": [1e3, -0, null, true, {}]}, {"id": 3, "of": "text"}]}`
	for _, c := range []struct {
		program string
		cursors []string
		want    string
	}{
		{`.body.rows[] | {id, data: .of}`, []string{}, `1.10
{"a":"é<&😀","b":9007199254740993}
two
[1e3,-0,null,true,{}]
3
text
`},
		{`.body.rows[] | {id, event: "x", data: (.of | tojson)}`, []string{}, `1.10 x
{"a":"é<&😀","b":9007199254740993}
two x
[1e3,-0,null,true,{}]
3 x
"text"
`},
		{`{cursor: .body.next}, (.body.rows[] | {data: .of})`, []string{""}, `~1.wIEdWZs9
{"a":"é<&😀","b":9007199254740993}
~2.XVjDDHHA
[1e3,-0,null,true,{}]
n%201
text
`},
		{`{cursor: {a: .headers["x-at"], b: .body.next}}, (.body.rows[] | {event: "e", data: {z: .id, y: .of}})`, []string{"b", "a"}, `~1.FuIODJpW e
{"y":{"a":"é<&😀","b":9007199254740993},"z":1.10}
~2.Us6u171u e
{"y":[1e3,-0,null,true,{}],"z":"two"}
n%201,7 e
{"y":"text","z":3}
`},
		{`.body.rows[] | {data: (.id | tostring)}`, []string{}, `~1.IpLCaY53
1.10
~2.MXjxG89b
two
~3.2OD6hlfV
3
`},
	} {
		p, err := programReader(t, c.program, c.cursors...).Read(ok(body, "X-At: 7"), position.Position{}, nil)
		if got := transcript(p); err != nil || got != c.want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", c.program, err, got, c.want)
		}
	}
}
