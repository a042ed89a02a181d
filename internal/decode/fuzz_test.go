package decode

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mmcdole/gofeed"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// fuzzMemory is what reading a text may take in the fuzz targets.
const fuzzMemory = 1 << 20

// FuzzXML checks that what is read is JSON.
func FuzzXML(f *testing.F) {
	f.Add(`<a x="1"><b>t</b><c/><b id="2">x<![CDATA[<]]>&amp; <d/> y </b></a>`)
	f.Add("<a>0<!00>0</a>")
	f.Add("<a>\r\n<!-- x --><?php a ?> q &#10; <b/>  </a>")
	f.Add(`<!DOCTYPE a [<!ENTITY b "bb">]><x:a xmlns:x="urn:x"><x:b>1</x:b><b/></x:a>`)
	f.Fuzz(func(t *testing.T, text string) {
		out, err := XML([]byte(text), fuzzMemory)
		if err != nil {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%.100q is read as %.100q", text, out)
		}
	})
}

// FuzzFeed checks that a feed has the items that gofeed finds in it, or that there is an error.
func FuzzFeed(f *testing.F) {
	f.Add(`<rss version="2.0" xmlns:x="urn:x"><channel><title>T</title><item><guid>2</guid><link>a</link></item><x:item/><item><x:y z="1"/></item></channel><item/></rss>`)
	f.Add(`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://a/"><entry><id>a/../b</id><link href="HTTP://c"/></entry><entry><content type="xhtml"><p>x</p></content></entry></feed>`)
	f.Add(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel/><item><title>a<p>b</item></rdf:RDF>`)
	f.Add(`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"b","authors":[null]},null,{"id":1.10}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		out, err := Feed([]byte(text), fuzzMemory)
		if err != nil {
			return
		}
		var got gofeed.Feed
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%.100q is read as %.100q: %v", text, out, err)
		}
		if got.FeedType == "json" {
			return // in which gofeed panics on null
		}
		if want, err := gofeed.NewParser().ParseString(strings.Trim(text, Space)); err == nil && len(got.Items) != len(want.Items) {
			t.Fatalf("%q is read as %v, by gofeed as %v", text, got, want)
		}
	})
}

// FuzzCSV checks that the JSON of a table has its rows, or that there is an error.
func FuzzCSV(f *testing.F) {
	f.Add("id,text\n1,\"a\nb\"\n2", ',', true)
	f.Add("1|a\r\n2|b|c\n", '|', false)
	f.Fuzz(func(t *testing.T, text string, separator rune, header bool) {
		if separator != 0 && (separator == '"' || separator == '\r' || separator == '\n' || !utf8.ValidRune(separator) || separator == utf8.RuneError) {
			return // a configuration has none of these
		}
		out, err := CSV([]byte(text), fuzzMemory, separator, header)
		if err != nil {
			return
		}
		if !value.ValidJSON(out) || len(out) > fuzzMemory {
			t.Fatalf("%.100q is read as %d bytes, %.100q", text, len(out), out)
		}
		var rows []json.RawMessage
		if err := json.Unmarshal(out, &rows); err != nil || len(rows) > MaxItems {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
	})
}

// FuzzLines checks that the lines and what separates them are the text.
func FuzzLines(f *testing.F) {
	f.Add("a\r\nb\n\n", "")
	f.Add("1|2||", "|")
	f.Fuzz(func(t *testing.T, text, separator string) {
		lines, err := Lines([]byte(text), separator)
		if err != nil {
			return
		}
		if separator == "" {
			text, separator = strings.ReplaceAll(text+"\n", "\r\n", "\n"), "\n"
		} else {
			text += separator
		}
		if joined := string(bytes.Join(lines, []byte(separator))) + separator; joined != text && joined+separator != text {
			t.Fatalf("%q is read as %q", text, lines)
		}
	})
}

// FuzzText checks that text in UTF-8 stays what it is, and that none is longer than three times what it was.
func FuzzText(f *testing.F) {
	f.Add([]byte("caf\xe9"), "text/plain; charset=iso-8859-1")
	f.Add([]byte("\xff\xfeh\x00"), "")
	f.Add([]byte("<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>"), "text/xml")
	f.Fuzz(func(t *testing.T, text []byte, contentType string) {
		for _, got := range [][]byte{Text(text, contentType), Markup(text, contentType)} {
			if len(got) > 3*len(text) {
				t.Fatalf("%d bytes became %d", len(text), len(got))
			}
		}
		if got := Text(text, ""); utf8.Valid(text) && !bytes.Equal(got, text) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// FuzzUnwrap checks that what is wrapped is a part of the text, and that JSON has no wrapping.
func FuzzUnwrap(f *testing.F) {
	for _, text := range []string{`/**/ typeof cb === 'function' && cb({"a":1});`, ")]}',\n[1]", "f()", "for(;;);", `{"a":1}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := Unwrap(text)
		if !bytes.Contains(text, got) || value.ValidJSON(text) && !bytes.Equal(got, text) {
			t.Fatalf("%q is unwrapped as %q", text, got)
		}
		Nature(text)
	})
}
