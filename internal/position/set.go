package position

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// Digest is the SHA-256 of one item of a set: of its id and of what it says.
type Digest [sha256.Size]byte

// CompareDigests compares two digests as numbers, for [slices.SortFunc].
func CompareDigests(a, b Digest) int {
	if x, y := binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(b[:]); x != y {
		return cmp.Compare(x, y)
	}
	return bytes.Compare(a[:], b[:])
}

// SetHash returns the id of a set: 96 bits over the digests of its items, in ascending order. So the order in which
// an upstream lists them does not count. It is as hard to find two sets with one id as two documents: a mere sum of
// the digests would need no order, but who can choose thousands of items finds sets with equal sums
// (Wagner, "A Generalized Birthday Problem", CRYPTO 2002).
func SetHash(digests []Digest) string {
	h := newHash("items")
	for i := range digests {
		h.Write(digests[i][:])
	}
	return hashID(h)
}

// Steps names the places within the change from one set to another. The zero value is at none.
type Steps struct {
	before string
	done   int
	sum    Digest
}

// StepsFrom returns the steps that lead away from the set with that id.
func StepsFrom(before string) Steps { return Steps{before: before} }

// Next takes one more event of the change, with the digest of its item, and returns the id of the place after
// it: that of the set before, how many events were taken, and a fingerprint of all of these.
func (s *Steps) Next(typ string, item Digest) string {
	h := sha256.New()
	h.Write(s.sum[:])
	h.Write(item[:])
	h.Write([]byte(typ))
	h.Sum(s.sum[:0])
	s.done++
	var print Print
	copy(print[:], s.sum[:])
	return s.before + "~" + strconv.Itoa(s.done) + "." + print.String()
}
