package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// What reading a text may take in the tests, and in those of limits.
const (
	testMemory  = 16 << 20
	limitMemory = 1 << 20
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
		got, err := XML([]byte(c.xml), testMemory)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s is read as %s (%v), want %s", c.name, c.xml, got, err, c.want)
		}
		if !value.ValidJSON(got) {
			t.Errorf("%s: %s is no JSON", c.name, got)
		}
	}
}

func TestXMLIsRefusedByItsLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, xml, want string }{
		{"depth", strings.Repeat("<a>", 100_000), "deeper than 1000"},
		{"closed depth", strings.Repeat("<a>", 1001) + strings.Repeat("</a>", 1001), "deeper than 1000"},
		{"brackets", strings.Repeat("<", 1<<20), "XML that is broken"},
		{"brackets in a row", "<a>" + strings.Repeat("[", 256<<10), "XML that ends early"},
		{"entities", `<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>`, "entities of its own"},
		{"attributes", "<a" + strings.Repeat(` b=""`, 20_000) + "/>", "a tag or a text is very long"},
		{"a name", "<" + strings.Repeat("a", 512<<10) + "/>", "a tag or a text is very long"},
		{"a comment", "<a><!--" + strings.Repeat(" ", 512<<10) + "--></a>", "a tag or a text is very long"},
		{"elements", "<a>" + strings.Repeat("<b/>", 100_000) + "</a>", "very many elements"},
		{"names", "<a>" + repeated("<b%d/>", 10_000) + "</a>", "very many elements"},
		{"text", "<a>" + strings.Repeat(strings.Repeat("x", 64<<10)+"<b/>", 14) + "</a>", "very much text"},
		{"a character that none may have", "<a>" + strings.Repeat("&#1;", 16) + "</a>", "XML that is broken"},
		{"JSON", "<a>" + strings.Repeat(strings.Repeat("\\", 64<<10)+"<b/>", 7) + "</a>", "very large as JSON"},
		{"HTML", "<!DOCTYPE html><html><body/></html>", "HTML where XML was expected"},
		{"JSON", `{"a":1}`, "where XML was expected"},
		{"text", "not now", "text where XML was expected"},
		{"end", "<a><b>", "XML that ends early"},
		{"end of a tag", "<a><b", "XML that ends early"},
		{"end of a comment", "<a/><!-- ", "XML that ends early"},
		{"nothing", "<!-- -->", "or no element"},
		{"text beside", "<a/>x", "beside its one element"},
		{"two", "<a/><b/>", "beside its one element"},
		{"mismatch", "<a></b>", "do not match"},
		{"unopened", "</a>", "do not match"},
	} {
		if out, err := XML([]byte(c.xml), limitMemory); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.100s, %v; want %q", c.name, out, err, c.want)
		}
	}
}

func repeated(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestXMLElementsOfOneNameMayStandApartAtAllLevels(t *testing.T) {
	t.Parallel()
	const levels = 900
	text := strings.Repeat("<b><d/><c/>", levels) + strings.Repeat("x", 64<<10) + strings.Repeat("<d/></b>", levels)
	out, err := XML([]byte(text), testMemory)
	if err != nil || !bytes.HasPrefix(out, []byte(`{"b": {"d":["",""],"c":"","b":{"d":["",""],`)) || !json.Valid(out) {
		t.Errorf("%.100s, %v", out, err)
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
	text := xmlList(1 << 20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	out, err := XML(text, testMemory)
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
		if _, err := XML(text, testMemory); err != nil {
			b.Fatal(err)
		}
	}
}
