package position

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
)

// Print is a fingerprint of 48 bits over a raw item and the two before it on its page.
// It finds a place within a page again after the page has grown, shrunk or moved.
type Print [6]byte

// String is the eight characters of base64url (RFC 4648, section 5) that stand in an id.
func (p Print) String() string { return base64.RawURLEncoding.EncodeToString(p[:]) }

func parsePrint(s string) (Print, error) {
	var p Print
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(p) || len(s) != base64.RawURLEncoding.EncodedLen(len(p)) { // it skips CR and LF
		return p, fmt.Errorf("%q is not a fingerprint", s)
	}
	copy(p[:], b)
	return p, nil
}

// Prints makes the fingerprints of a page's raw items, oldest first. The zero value is
// at the start of a page.
type Prints struct{ last [3][sha256.Size]byte }

// Next takes the next raw item and returns its fingerprint.
func (p *Prints) Next(item []byte) Print {
	p.last[0], p.last[1], p.last[2] = p.last[1], p.last[2], sha256.Sum256(item)
	h := sha256.New()
	for i := range p.last {
		h.Write(p.last[i][:])
	}
	var out Print
	var sum [sha256.Size]byte
	copy(out[:], h.Sum(sum[:0]))
	return out
}

// Hash returns the id of a document: 96 bits over its event type and data.
func Hash(typ string, data []byte) string {
	h := newHash(typ)
	h.Write(data)
	return hashID(h)
}

// newHash returns a hash that has taken a type.
func newHash(typ string) hash.Hash {
	h := sha256.New()
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(typ)))
	h.Write(n[:])
	h.Write([]byte(typ))
	return h
}

// hashID returns the id that is made of a hash: 16 characters of base64url (RFC 4648, section 5).
func hashID(h hash.Hash) string { return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12]) }
