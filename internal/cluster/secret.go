package cluster

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// wireVersion is changed with anything that changes what is told, or the ids in it: nodes of different versions do not
// hear each other.
const wireVersion = "1"

const (
	// packed is the size from which messages are compressed.
	packed = 32 << 10
	// unpacked bounds a message after that, in bytes.
	unpacked = 64 << 20
)

// The first byte of a message, in the clear.
const (
	asItIs byte = iota + 1
	inZstd
)

// secret is what only nodes know that have a client with the very same request: where they talk, and the key to it.
type secret struct {
	topic string // 32 hexadecimal digits
	key   [32]byte
}

// newSecret derives the secret of a feed (RFC 5869). bridge names the configuration of its bridge.
func newSecret(bridge string, feed []byte) (s secret, err error) {
	topic, err := hkdf.Key(sha256.New, feed, []byte(bridge), "sse_bridge cluster topic "+wireVersion, 16)
	if err != nil {
		return s, fmt.Errorf("deriving the topic of a feed: %w", err)
	}
	key, err := hkdf.Key(sha256.New, feed, []byte(bridge), "sse_bridge cluster key "+wireVersion, len(s.key))
	if err != nil {
		return s, fmt.Errorf("deriving the key of a feed: %w", err)
	}
	copy(s.key[:], key)
	s.topic = hex.EncodeToString(topic)
	return s, nil
}

// aead returns the cipher. It is not kept: it is larger than all else that an idle feed needs.
func (s *secret) aead() cipher.AEAD {
	block, err := aes.NewCipher(s.key[:])
	if err != nil {
		panic(err) // the key has a length that AES knows
	}
	sealer, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size that GCM needs
	}
	return sealer
}

// seal encrypts a message with AES-256-GCM (NIST SP 800-38D) and a random nonce.
func (s *secret) seal(message []byte, p *packer) []byte {
	form := asItIs
	if len(message) >= packed {
		form, message = inZstd, p.pack.EncodeAll(message, nil)
	}
	return s.aead().Seal([]byte{form}, nil, message, []byte{form}) //nolint:gosec // the AEAD makes a random nonce itself
}

var (
	errForm = errors.New("the message has a form that this version does not know")
	errSeal = errors.New("the message was sealed with another key")
)

// open decrypts a message. What it returns shares no memory with what was sealed.
func (s *secret) open(sealed []byte, p *packer) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != asItIs && sealed[0] != inZstd {
		return nil, errForm
	}
	message, err := s.aead().Open(nil, nil, sealed[1:], sealed[:1])
	if err != nil {
		return nil, errSeal
	}
	if sealed[0] == inZstd {
		if message, err = p.unpack.DecodeAll(message, nil); err != nil {
			return nil, fmt.Errorf("unpacking a message: %w", err)
		}
	}
	return message, nil
}

// packer compresses large messages. It is never closed: messages may still be heard after the last subscription has
// ended, and without a stream it has no goroutine.
type packer struct {
	pack   *zstd.Encoder
	unpack *zstd.Decoder
}

func newPacker() *packer {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		panic(err) // the options are constants
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(unpacked))
	if err != nil {
		panic(err) // likewise
	}
	return &packer{pack, unpack}
}

// newID returns the id of a node that has just started.
func newID() (id nodeID) {
	_, _ = rand.Read(id[:]) // it never fails
	return id
}
