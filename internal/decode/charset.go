package decode

import (
	"bytes"
	"io"
	"mime"
	"regexp"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

var byteOrderMark = []byte("\uFEFF")

// marks are the byte order marks, and the encodings that they show; nil for UTF-8.
var marks = [...]struct {
	text     []byte
	encoding encoding.Encoding
}{
	{byteOrderMark, nil},
	{[]byte{0xFE, 0xFF}, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
	{[]byte{0xFF, 0xFE}, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
}

// declaration is an XML declaration, with the encoding that it names.
var declaration = regexp.MustCompile(`^[ \t\r\n]*<\?xml[ \t\r\n][^>]{0,200}?\?>`)

var declaredEncoding = regexp.MustCompile(`[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]*)["']`)

// Text converts text to UTF-8: from the encoding that a byte order mark shows, or else the Content-Type
// names. Text in UTF-8, in an encoding that nobody names or knows, or in another than is named is
// returned as it is, with its mark. What it returns may be three times as long, and no memory is bounded.
func Text(text []byte, contentType string) []byte {
	converted, _ := convert(text, contentType)
	return converted
}

// Markup is [Text] for XML, whose own declaration counts where neither a byte order mark nor the
// Content-Type says what the text is encoded in (RFC 7303, section 3). The mark and the declaration are
// taken off: they are not true of the result.
func Markup(text []byte, contentType string) []byte {
	converted, told := convert(text, contentType)
	converted = bytes.TrimPrefix(converted, byteOrderMark)
	found := declaration.FindIndex(converted)
	if found == nil {
		return converted
	}
	if m := declaredEncoding.FindSubmatch(converted[:found[1]]); m != nil && !told {
		if enc := encodingOf(string(m[1])); enc != nil && !isUTF16(enc) {
			return toUTF8(converted[found[1]:], enc)
		}
	}
	return converted[found[1]:]
}

// convert is [Text]; told is false if neither a mark nor the Content-Type says what the encoding is.
func convert(text []byte, contentType string) (_ []byte, told bool) {
	enc, told := encodingFor(text, contentType)
	if enc == nil {
		return text, told
	}
	return toUTF8(text, enc), true
}

// encodingFor returns what a text that begins so is encoded in; nil for UTF-8, and for what nobody names or knows.
// told is false if neither a byte order mark nor the Content-Type says what the encoding is.
func encodingFor(beginning []byte, contentType string) (_ encoding.Encoding, told bool) {
	for _, m := range marks {
		if bytes.HasPrefix(beginning, m.text) {
			return m.encoding, true
		}
	}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["charset"] == "" {
		return nil, false
	}
	return encodingOf(params["charset"]), true
}

// toUTF8 converts text. It goes through it twice, since a buffer that grows is held up to
// three times. Three bytes are the most that a character of another encoding's one byte takes.
func toUTF8(text []byte, enc encoding.Encoding) []byte {
	size, err := io.Copy(io.Discard, enc.NewDecoder().Reader(bytes.NewReader(text)))
	if err != nil {
		return text
	}
	converted := make([]byte, size)
	if _, err := io.ReadFull(enc.NewDecoder().Reader(bytes.NewReader(text)), converted); err != nil {
		return text
	}
	return bytes.TrimPrefix(converted, byteOrderMark)
}

// isUTF16 reports whether an encoding is UTF-16. Where ASCII could be read, the text is not in it, whatever it says: .NET
// declares it in text that is sent in UTF-8. The HTML standard takes it for UTF-8 too (section 13.2.3.2).
func isUTF16(enc encoding.Encoding) bool {
	name, err := htmlindex.Name(enc)
	return err == nil && (name == "utf-16le" || name == "utf-16be")
}

// encodingOf returns the encoding that is called so, or nil for UTF-8 and for none.
func encodingOf(name string) encoding.Encoding {
	enc, err := htmlindex.Get(strings.Trim(name, `'" `))
	if err != nil || enc == unicode.UTF8 || enc == encoding.Replacement {
		return nil
	}
	return enc
}
