package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// longTag is how long a tag is whose memory counts: names and attributes are held up to four times
// while they are read.
const longTag = 16 << 10

var errXML = errors.New("broken XML")

// xmlReader goes through a document. encoding/xml reads the tags; the text between them, which
// it would hold several times, goes to the writer in pieces of the document.
type xmlReader struct {
	text []byte
	at   int
	tags *xml.Decoder // reads the tag at text[at:], and no byte further
}

func newXMLReader(text []byte) *xmlReader {
	r := &xmlReader{text: text}
	r.tags = xml.NewDecoder(r)
	r.tags.Entity = xml.HTMLEntity // each is a character or two; a document's own are never expanded
	return r
}

// ReadByte implements [io.ByteReader], without which the decoder would read ahead.
func (r *xmlReader) ReadByte() (byte, error) {
	if r.at == len(r.text) {
		return 0, io.EOF
	}
	r.at++
	return r.text[r.at-1], nil
}

// Read implements [io.Reader], and is not called.
func (r *xmlReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// line returns the line that the reader is on.
func (r *xmlReader) line() int { return bytes.Count(r.text[:r.at], []byte("\n")) + 1 }

// copyTo gives w all tags and all text. Comments, instructions and declarations are passed over.
func (r *xmlReader) copyTo(w *xmlWriter) error {
	for r.at < len(r.text) {
		rest := r.text[r.at:]
		skipped := 0
		switch {
		case rest[0] != '<':
			i := bytes.IndexByte(rest, '<')
			if i < 0 {
				i = len(rest)
			}
			r.at += i
			if err := copyText(w, rest[:i]); err != nil {
				return err
			}
			continue
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			rest = rest[len("<![CDATA["):]
			i := bytes.Index(rest, []byte("]]>"))
			if i < 0 {
				return errXML
			}
			r.at += len("<![CDATA[") + i + len("]]>")
			if err := copyCharacters(w, rest[:i]); err != nil {
				return err
			}
			continue
		case bytes.HasPrefix(rest, []byte("<!--")):
			skipped = len(rest) - len(after(rest[len("<!--"):], "-->"))
		case bytes.HasPrefix(rest, []byte("<?")):
			skipped = len(rest) - len(after(rest, "?>"))
		case bytes.HasPrefix(rest, []byte("<!")):
			skipped = declarationEnd(rest)
		}
		if skipped > 0 {
			if r.at += skipped; r.text[r.at-1] != '>' {
				return errXML
			}
			continue
		}
		if n, _, _ := tag(rest[1:]); rest[n] != '>' {
			return errXML
		} else if n > longTag {
			if err := w.afford(4*n, "a tag is very long"); err != nil {
				return err
			}
		}
		for tags := 1; tags > 0; tags-- {
			tag, err := r.tags.RawToken()
			if err != nil {
				return errXML
			}
			if _, opens := tag.(xml.StartElement); opens && r.text[r.at-2] == '/' {
				tags++ // an element without content is closed without another byte
			}
			if err := w.tag(tag); err != nil {
				return err
			}
		}
	}
	return nil
}

// declarationEnd returns how long the declaration is that text begins with, and those in it.
func declarationEnd(text []byte) int {
	var quote byte
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '<' && bytes.HasPrefix(text[i:], []byte("<!--")):
			i = len(text) - len(after(text[i+len("<!--"):], "-->")) - 1
		case c == '<':
			depth++
		case c == '>':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// copyText gives w text in which entities and references to characters are replaced.
func copyText(w *xmlWriter, text []byte) error {
	if bytes.Contains(text, []byte("]]>")) {
		return errXML
	}
	for {
		plain, rest, found := bytes.Cut(text, []byte("&"))
		if err := copyCharacters(w, plain); err != nil || !found {
			return err
		}
		name, _, ended := bytes.Cut(rest[:min(len(rest), maxReference)], []byte(";"))
		character := reference(string(name))
		if !ended || character == "" {
			return errXML
		}
		if err := w.content([]byte(character)); err != nil {
			return err
		}
		text = text[len(plain)+len("&")+len(name)+len(";"):]
	}
}

// maxReference is how long a reference may be: the longest of HTML's entities has eight letters.
const maxReference = 32

// reference returns the text that a reference stands for, and nothing where there is none.
func reference(name string) string {
	digits, numeric := "", false
	if len(name) > 1 && name[0] == '#' {
		digits, numeric = name[1:], true
	}
	if !numeric {
		if name == "apos" { // which HTML does not have
			return "'"
		}
		return xml.HTMLEntity[name]
	}
	base := 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || !inXML(rune(n)) {
		return ""
	}
	return string(rune(n))
}

// copyCharacters gives w text as it is, but for the ends of its lines, which are one character
// (XML 1.0, section 2.11).
func copyCharacters(w *xmlWriter, text []byte) error {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 || !inXML(r) {
			return errXML
		}
		i += n
	}
	for {
		line, rest, found := bytes.Cut(text, []byte("\r"))
		if err := w.content(line); err != nil || !found {
			return err
		}
		if len(rest) == 0 || rest[0] != '\n' {
			if err := w.content([]byte("\n")); err != nil {
				return err
			}
		}
		text = rest
	}
}

// inXML reports whether a document may hold the character (XML 1.0, section 2.2).
func inXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
}
