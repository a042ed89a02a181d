// Package oracles compares what this module reads and writes with what others make of the same.
package oracles

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/clbanning/mxj/v2"
	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
)

// memory is what reading a text may take.
const memory = 1 << 20

// The shape is that of mxj, which people know, except in mixed content, of which mxj loses a part.
func TestXMLHasTheShapeOfMxj(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"<a/>", "<a>x</a>", `<a b="c"/>`, `<a b="c">x</a>`, "<a><b/><b/></a>", "<a><b>1</b><c>2</c><b>3</b></a>",
		`<r><row id="1"><n>1.10</n></row><row id="2"><n/><n><m k=""/></n></row></r>`, "<a><b><c><d>1</d><d>2</d></c><c/></b></a>",
		`<QueueMessagesList><QueueMessage><MessageId>x</MessageId><DequeueCount>1</DequeueCount></QueueMessage></QueueMessagesList>`,
		`<body rid="1" xmlns="http://jabber.org/protocol/httpbind"><message xmlns="jabber:client"><body>hi</body></message></body>`,
	} {
		want, err := mxj.NewMapXml([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out, err := decode.XML([]byte(text), memory)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, map[string]any(want)) {
			t.Errorf("%s is read as %v, by mxj as %v", text, got, want)
		}
	}
}

// inText finds a directive such as <!x>, a processing instruction, or a CDATA section, that does not stand first. mxj loses text beside it.
var inText = regexp.MustCompile(`(?s)<.*<(![^-]|\?)`)

// FuzzXMLHasTheShapeOfMxj checks that what is read is what mxj reads, except where mxj loses a part: of text with
// elements, directives, processing instructions or CDATA sections beside it.
func FuzzXMLHasTheShapeOfMxj(f *testing.F) {
	f.Add(`<a x="1"><b>t</b><c/><b id="2">x<![CDATA[<]]>&amp; <d/> y </b></a>`)
	f.Add("<a>0<!00>0</a>")
	f.Add("<a>0<?A?>00</a>")
	f.Add("<a>\r\n<!-- x --><?php a ?> q &#10; <b/>  </a>")
	f.Add(`<!DOCTYPE a [<!ENTITY b "bb">]><x:a xmlns:x="urn:x"><x:b>1</x:b><b/></x:a>`)
	f.Fuzz(func(t *testing.T, text string) {
		out, err := decode.XML([]byte(text), memory)
		if err != nil {
			return
		}
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%.100q is read as %.100q: %v", text, out, err)
		}
		want, err := mxj.NewMapXml([]byte(text))
		if err == nil && !mixed(got) && !inText.MatchString(text) && !reflect.DeepEqual(got, map[string]any(want)) {
			t.Fatalf("%q is read as %v, by mxj as %v", text, got, want)
		}
	})
}

// mixed reports whether text stands beside elements somewhere in v.
func mixed(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, mixed)
	case map[string]any:
		for name, member := range v {
			if _, text := v["#text"]; text && name[0] != '-' && name != "#text" || mixed(member) {
				return true
			}
		}
	}
	return false
}
