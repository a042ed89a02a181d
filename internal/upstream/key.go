package upstream

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Key identifies the content of a feed's polls.
type Key [sha256.Size]byte

// keyWriter hashes fields with their lengths, so different lists of fields never hash the same bytes.
type keyWriter struct{ h hash.Hash }

func newKeyWriter() *keyWriter { return &keyWriter{h: sha256.New()} }

func (k *keyWriter) add(kind string, fields ...string) {
	k.text(kind)
	k.length(len(fields))
	for _, f := range fields {
		k.text(f)
	}
}

func (k *keyWriter) text(s string) {
	k.length(len(s))
	k.h.Write([]byte(s))
}

func (k *keyWriter) length(n int) {
	k.h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func (k *keyWriter) sum() (key Key) {
	k.h.Sum(key[:0])
	return key
}
