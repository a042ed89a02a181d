package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
)

// canonicalHash returns the same bytes for equal JSON, whatever its white space, the order of its keys
// and the escapes in its strings. Numbers count as they are written (1.10 is not 1.1), and each of several
// equal keys in one object. text is valid JSON.
//
// It builds no tree, which takes up to forty times the memory of the text: the hash of an object is
// the sum of those of its members, which needs no order.
func canonicalHash(text []byte) []byte {
	c := canonicalizer{text: text}
	h := sha256.New()
	c.value(h, 0)
	return h.Sum(nil)
}

type canonicalizer struct {
	text    []byte
	at      int
	members []hash.Hash // of the member that is read, for each object that is open
	sum     [sha256.Size]byte
	char    [utf8.UTFMax]byte
}

// value writes the value at c.at to h and goes behind it.
func (c *canonicalizer) value(h hash.Hash, objects int) {
	c.space()
	switch start := c.at; c.text[start] {
	case '{':
		c.object(h, objects)
	case '[':
		c.at++
		h.Write(c.text[start:c.at])
		for c.space(); c.text[c.at] != ']'; c.space() {
			if c.text[c.at] == ',' {
				c.at++
				h.Write(comma)
			}
			c.value(h, objects)
		}
		h.Write(c.text[c.at : c.at+1])
		c.at++
	case '"':
		c.string(h)
	default:
		for c.at < len(c.text) && strings.IndexByte(decode.Space+",]}", c.text[c.at]) < 0 {
			c.at++
		}
		h.Write(c.text[start:c.at])
	}
}

var comma = []byte(",")

// object writes a brace and the sum of the hashes of the members, modulo 2²⁵⁶.
func (c *canonicalizer) object(h hash.Hash, objects int) {
	var total [sha256.Size / 8]uint64
	if objects == len(c.members) {
		c.members = append(c.members, sha256.New())
	}
	member := c.members[objects]
	c.at++
	for c.space(); c.text[c.at] != '}'; c.space() {
		if c.text[c.at] == ',' {
			c.at++
			c.space()
		}
		member.Reset()
		c.string(member)
		c.space()
		c.at++ // the colon
		c.value(member, objects+1)
		member.Sum(c.sum[:0])
		var carry uint64
		for i := range total {
			total[i], carry = bits.Add64(total[i], binary.LittleEndian.Uint64(c.sum[8*i:]), carry)
		}
	}
	c.at++
	for i, n := range total {
		binary.LittleEndian.PutUint64(c.sum[8*i:], n)
	}
	h.Write(c.text[c.at-1 : c.at])
	h.Write(c.sum[:])
}

// string writes the string at c.at, with its quotes and without escapes but of quotes and backslashes.
func (c *canonicalizer) string(h hash.Hash) {
	start := c.at
	c.at++
	for {
		n := bytes.IndexAny(c.text[c.at:], `"\`)
		if c.at += n; c.text[c.at] == '"' {
			c.at++
			h.Write(c.text[start:c.at])
			return
		}
		escaped := c.text[c.at+1]
		i := strings.IndexByte(`/bfnrtu`, escaped)
		if i < 0 { // a quote or backslash, which can be written in no other way but as \u
			c.at += 2
			continue
		}
		h.Write(c.text[start:c.at])
		c.at += 2
		if escaped == 'u' {
			h.Write(c.unicode())
		} else {
			h.Write([]byte("/\b\f\n\r\t"[i : i+1]))
		}
		start = c.at
	}
}

// unicode returns the character whose four digits stand at c.at, and goes behind it. Half a
// surrogate pair is U+FFFD.
func (c *canonicalizer) unicode() []byte {
	r := codeUnit(c.text[c.at:])
	c.at += 4
	if utf16.IsSurrogate(r) {
		low := rune(0)
		if rest := c.text[c.at:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
			low = codeUnit(rest[2:])
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			c.at += 6
		}
	}
	if r == '"' || r == '\\' {
		return append(c.char[:0], '\\', byte(r))
	}
	return utf8.AppendRune(c.char[:0], r)
}

// codeUnit returns the code unit of UTF-16 that is written in the first four digits.
func codeUnit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16)
	return rune(n)
}

func (c *canonicalizer) space() {
	for c.at < len(c.text) && strings.IndexByte(decode.Space, c.text[c.at]) >= 0 {
		c.at++
	}
}
