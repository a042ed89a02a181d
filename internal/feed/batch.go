package feed

const (
	// chunkHead is how long the head of a chunk is: a size of eight hexadecimal digits, and the end of the line.
	chunkHead = 8 + len(lineEnd)
	lineEnd   = "\r\n"
)

// batch is what one page adds to a log, as clients get it. All clients share its bytes.
type batch struct {
	text  []byte // text/event-stream
	chunk []byte // the text as one chunk of the chunked transfer coding (RFC 9112, section 7.1)
}

// newChunk returns a buffer for a text of that size at least, which is appended to it. The head comes with [seal].
func newChunk(size int) []byte { return make([]byte, chunkHead, chunkHead+size+len(lineEnd)) }

// seal makes a batch of what newChunk returned, with the text behind it.
func seal(b []byte) batch {
	end := len(b)
	const digits = "0123456789abcdef"
	for i, size := chunkHead-len(lineEnd)-1, end-chunkHead; i >= 0; i-- {
		b[i] = digits[size&0xf]
		size >>= 4
	}
	copy(b[chunkHead-len(lineEnd):], lineEnd)
	b = append(b, lineEnd...)
	return batch{text: b[chunkHead:end:end], chunk: b}
}

// sealed makes a batch of a text that is not in a chunk yet.
func sealed(text []byte) batch { return seal(append(newChunk(len(text)), text...)) }
