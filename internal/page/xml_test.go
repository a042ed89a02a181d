package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/clbanning/mxj/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func TestXMLIsReadAsJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, xml, want string }{
		{"text", "<a>x</a>", `{"a": "x"}`},
		{"nothing", "<a/>", `{"a": ""}`},
		{"white space", "<a>\n <b> x </b>\n</a>", `{"a": {"b": "x"}}`},
		{"attributes", `<a x="1" y="&lt;">z</a>`, `{"a": {"-x": "1","-y": "<","#text": "z"}}`},
		{"numbers as written", "<a><b>1.10</b><c>9007199254740993</c><d>true</d></a>", `{"a": {"b": "1.10","c": "9007199254740993","d": "true"}}`},
		{"a list", "<a><b>1</b><b/><b c='2'/></a>", `{"a": {"b":["1","",{"-c": "2"}]}}`},
		{"a list that others stand in", "<a><b>1</b><c>2</c><b>3</b><b>4</b><c/></a>", `{"a": {"b":["1","3","4"],"c":["2",""]}}`},
		{"prefixes", `<x:a xmlns:x="urn:x"><x:b>1</x:b></x:a>`, `{"a": {"-x": "urn:x","b": "1"}}`},
		{"cdata", "<a><![CDATA[<b>&amp;</b>]]></a>", `{"a": "<b>&amp;</b>"}`},
		{"entities of HTML", "<a>&eacute;&#10;&quot;x</a>", `{"a": "é\n\"x"}`},
		{"comments and instructions", "<?xml version='1.0'?><!DOCTYPE a [<!ELEMENT a ANY>]><!-- <x> --><a><?php <y> ?>x<!-- z --></a>", `{"a": "x"}`},
		{"mixed content", "<p>one <b>two</b> three</p>", `{"p": {"b": "two","#text": "one  three"}}`},
	} {
		got, err := xmlToJSON([]byte(c.xml), memoryFor(len(c.xml)))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s is read as %s (%v), want %s", c.name, c.xml, got, err, c.want)
		}
		if !value.ValidJSON(got) {
			t.Errorf("%s: %s is no JSON", c.name, got)
		}
	}
}

// The shape is that of mxj, which people know, but for mixed content, of which mxj loses a part.
func TestXMLHasTheShapeOfMxj(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"<a/>", "<a>x</a>", `<a b="c"/>`, `<a b="c">x</a>`, "<a><b/><b/></a>", "<a><b>1</b><c>2</c><b>3</b></a>",
		`<r><row id="1"><n>1.10</n></row><row id="2"><n/><n><m k=""/></n></row></r>`, "<a><b><c><d>1</d><d>2</d></c><c/></b></a>",
		`<QueueMessagesList><QueueMessage><MessageId>x</MessageId><DequeueCount>1</DequeueCount></QueueMessage></QueueMessagesList>`,
		`<body rid="1" xmlns="http://jabber.org/protocol/httpbind"><message xmlns="jabber:client"><body>hi</body></message></body>`,
	} {
		shape, err := mxj.NewMapXml([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out, err := xmlToJSON([]byte(text), memoryFor(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, map[string]any(shape)) {
			t.Errorf("%s is read as %v, by mxj as %v", text, got, shape)
		}
	}
}

func TestXMLIsRefusedByItsLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, xml, want string }{
		{"depth", strings.Repeat("<a>", 1<<20), "deeper than 1000"},
		{"closed depth", strings.Repeat("<a>", 1001) + strings.Repeat("</a>", 1001), "deeper than 1000"},
		{"brackets", strings.Repeat("<", 7<<20), "XML that is broken"},
		{"brackets in a row", "<a>" + strings.Repeat("[", 7<<20), "XML that ends early"},
		{"entities", `<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>`, "entities of its own"},
		{"attributes", "<a" + strings.Repeat(` b=""`, 1001) + "/>", "more than 1000 attributes"},
		{"attributes without spaces", "<a " + strings.Repeat(`b=""`, 2001) + "/>", "more than 1000 attributes"},
		{"names", "<a>" + strings.Repeat("<b/><c/>", 60_000) + "</a>", "different names stand side by side"},
		{"grouping", strings.Repeat("<b><d/><c/>", 900) + strings.Repeat("x", 1<<20) + strings.Repeat("<d/></b>", 900), "stand apart in a large one"},
		{"HTML", "<!DOCTYPE html><html><body/></html>", "HTML where XML was expected"},
		{"JSON", `{"a":1}`, "where XML was expected"},
		{"text", "not now", "text where XML was expected"},
		{"end", "<a><b>", "XML that ends early"},
		{"two", "<a/><b/>", "beside its one element"},
		{"mismatch", "<a></b>", "do not match"},
		{"unopened", "</a>", "do not match"},
	} {
		p, err := reader(t, "format xml; items a.b").Read(ok(c.xml), at("", ""), nil)
		var failed *Error
		if !errors.As(err, &failed) || failed.Comment != "unreadable answer" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; want %q", c.name, p.Next, err, c.want)
		}
	}
	text := "<a>" + strings.Repeat("<b/>", decode.MaxItems+1) + "</a>"
	if _, err := reader(t, "format xml; items a.b").Read(ok(text), at("", ""), nil); err == nil || !strings.Contains(err.Error(), "more than 10000 items") {
		t.Errorf("10,001 items: %v", err)
	}
}

func TestXMLItems(t *testing.T) {
	t.Parallel()
	r := reader(t, "format xml; items rows.row; id -id; event kind; data #text")
	p := mustRead(t, r, ok(`<?xml version="1.0"?><rows><row id="7"><kind>k</kind>a</row><row id="8">b</row></rows>`), at(""))
	equal(t, "ids", ids(p), "7 8")
	equal(t, "data", datas(p), "a b")
	equal(t, "type", p.Events[0].Type, "k")
	one := mustRead(t, r, ok(`<rows><row id="9">c</row></rows>`), at("8"))
	equal(t, "ids of a list of one", ids(one), "9")
	none := mustRead(t, r, ok(`<rows/>`), at("9"))
	equal(t, "news of an empty list", none.News, false)
}

func TestXMLIsConvertedFromTheCharsetThatCounts(t *testing.T) {
	t.Parallel()
	const latin1 = "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"
	for _, c := range []struct{ name, xml, header string }{
		{"declared", latin1, "Content-Type: text/xml"},
		{"in the header", "<a>\xe9</a>", "Content-Type: text/xml; charset=latin1"},
		{"in both", latin1, "Content-Type: application/xml; charset=ISO-8859-1"},
		{"the header counts", "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>", "Content-Type: text/xml; charset=utf-8"},
		{"the mark counts", "\uFEFF<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>", ""},
		{"utf-16", "\xff\xfe<\x00a\x00>\x00\xe9\x00<\x00/\x00a\x00>\x00", ""},
		{"utf-8", "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<a>é</a>\n", ""},
	} {
		p := mustRead(t, reader(t, "format xml; data a"), ok(c.xml, c.header), at())
		equal(t, c.name, datas(p), "é")
	}
}

// xmlList is a list as backends write them, in about size bytes.
func xmlList(size int) []byte {
	var b bytes.Buffer
	b.WriteString("<list>")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `<entry id="%d"><name>some name</name><value unit="ms">%d</value><on/></entry>`, i, i*i)
	}
	b.WriteString("</list>")
	return b.Bytes()
}

func TestXMLTakesLittleMemory(t *testing.T) {
	text := xmlList(4 << 20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	out, err := xmlToJSON(text, memoryFor(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int(after.HeapAlloc) - int(before.HeapAlloc); kept > 2*len(text) {
		t.Errorf("%d bytes are kept of %d", kept, len(text))
	}
	runtime.KeepAlive(out)
}

func BenchmarkXML(b *testing.B) {
	text := xmlList(240 << 10)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xmlToJSON(text, memoryFor(len(text))); err != nil {
			b.Fatal(err)
		}
	}
}
