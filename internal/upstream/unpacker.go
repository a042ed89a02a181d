package upstream

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// unpacker decodes the bodies of answers. The zero value is ready. It keeps what has decoded one for the next: that
// is larger than most answers.
type unpacker struct{ free sync.Pool }

// inflater decodes one body.
type inflater struct {
	body bytes.Reader
	gzip.Reader
}

// open returns what decodes a body, to be closed even after an error.
func (u *unpacker) open(body []byte) (*inflater, error) {
	z, ok := u.free.Get().(*inflater)
	if !ok {
		z = new(inflater)
	}
	z.body.Reset(body)
	return z, z.Reset(&z.body)
}

// close keeps an inflater, but not the body that it has decoded.
func (u *unpacker) close(z *inflater) {
	z.body.Reset(nil)
	u.free.Put(z)
}

// decompress decodes an answer by its Content-Encoding.
func (u *unpacker) decompress(encoding string, body []byte, limit int64) ([]byte, error) {
	names := strings.FieldsFunc(strings.ToLower(encoding), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	names = slices.DeleteFunc(names, func(name string) bool { return name == "identity" })
	switch strings.Join(names, " ") {
	case "":
		return body, nil
	case "gzip", "x-gzip":
		return u.gunzip(body, limit)
	}
	return nil, fmt.Errorf("the answer has the Content-Encoding %q, which the poll did not ask for", encoding)
}

// gunzip decodes a body. An empty body is an error, because a gzip has at least 18 bytes.
func (u *unpacker) gunzip(body []byte, limit int64) ([]byte, error) {
	if out, ok := u.gunzipAtOnce(body, limit); ok {
		return out, nil
	}
	size, err := u.gunzipTo(io.Discard, body, limit+1) // so that a zip bomb takes no memory
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, errTooLarge
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	_, err = u.gunzipTo(out, body, size)
	return out.Bytes(), err
}

// gunzipAtOnce decodes a body in one step if its trailer has the right length, which is the case if the body
// is one gzip member (RFC 1952, section 2.3.1).
func (u *unpacker) gunzipAtOnce(body []byte, limit int64) (out []byte, ok bool) {
	const trailer, most = 4, 1032 // bytes; one byte of deflate becomes at most 1032 bytes
	if len(body) < trailer {
		return nil, false
	}
	size := int64(binary.LittleEndian.Uint32(body[len(body)-trailer:]))
	if size > min(limit, most*int64(len(body))) {
		return nil, false
	}
	z, err := u.open(body)
	defer u.close(z)
	if err != nil {
		return nil, false
	}
	out = make([]byte, size)
	if _, err := io.ReadFull(z, out); err != nil {
		return nil, false
	}
	n, err := io.Copy(io.Discard, io.LimitReader(z, 1)) // this checks the checksum
	return out, n == 0 && err == nil
}

// gunzipTo decodes at most that many bytes to w, and returns their number.
func (u *unpacker) gunzipTo(w io.Writer, body []byte, most int64) (size int64, err error) {
	z, err := u.open(body)
	defer u.close(z)
	if err == nil {
		size, err = io.Copy(w, io.LimitReader(z, most))
	}
	if err != nil {
		return 0, fmt.Errorf("decoding the answer's gzip: %w", err)
	}
	return size, nil
}
