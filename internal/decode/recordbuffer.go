package decode

import "net/http"

// smallRecord is up to which size records share the memory of their chunk, and how much a [recordBuffer]
// may keep for later. A larger one that arrives in several chunks is not copied again.
const smallRecord = 4 << 10

// recordBuffer collects the bytes of the record that is arriving, and the records that a chunk completes.
// These share one allocation, as far as they are small.
type recordBuffer struct {
	limit   int
	held    []byte // of the record that is not complete, while this chunk has no memory
	chunk   []byte // the memory of this chunk's records; nil before the first one is complete
	start   int    // where in chunk the record begins that is not complete
	shared  int    // the first one of records whose body is in chunk
	records []Record
	err     error
}

// bytes returns what has arrived of the record that is not complete.
func (b *recordBuffer) bytes() []byte {
	if b.chunk != nil {
		return b.chunk[b.start:]
	}
	return b.held
}

func (b *recordBuffer) len() int {
	if b.chunk != nil {
		return len(b.chunk) - b.start
	}
	return len(b.held)
}

// add appends to the record that is arriving. More than the limit is [ErrRecordTooLarge].
func (b *recordBuffer) add(p []byte) error {
	if len(p) > b.limit-b.len() {
		return ErrRecordTooLarge
	}
	if b.chunk != nil {
		b.chunk = append(b.chunk, p...)
	} else {
		b.held = append(b.held, p...)
	}
	return nil
}

// addByte is add of one byte.
func (b *recordBuffer) addByte(c byte) error {
	if b.len() >= b.limit {
		return ErrRecordTooLarge
	}
	if b.chunk != nil {
		b.chunk = append(b.chunk, c)
	} else {
		b.held = append(b.held, c)
	}
	return nil
}

// drop forgets what has arrived of a record.
func (b *recordBuffer) drop() {
	switch {
	case b.chunk != nil:
		b.chunk = b.chunk[:b.start]
	case cap(b.held) > 2*smallRecord:
		b.held = nil
	default:
		b.held = b.held[:0]
	}
}

// complete makes a record of the bytes from and to of those that have arrived, and begins the next one.
// rest is how many bytes of the chunk are still to be read.
func (b *recordBuffer) complete(from, to int, header http.Header, rest int) {
	if b.chunk == nil && len(b.held) < smallRecord {
		b.chunk = append(make([]byte, 0, len(b.held)+rest), b.held...)
		b.held, b.start, b.shared = b.held[:0], 0, len(b.records)
	}
	var body []byte
	if b.chunk != nil {
		body = b.chunk[b.start+from : b.start+to : b.start+to]
		b.start = len(b.chunk)
	} else {
		body, b.held = b.held[from:to:to], nil
	}
	b.records = append(b.records, Record{Body: body, Header: header})
}

// completeFields makes a record that has fields only.
func (b *recordBuffer) completeFields(header http.Header) {
	b.records = append(b.records, Record{Header: header})
}

// end ends a chunk with what has come of reading it. It returns the records that the chunk completed, and
// keeps what is not complete.
func (b *recordBuffer) end(err error) ([]Record, error) {
	records := b.records
	if b.err, b.records = err, nil; b.chunk == nil {
		return records, err
	}
	b.held = append(b.held, b.chunk[b.start:]...)
	b.share(records[b.shared:])
	b.chunk = nil
	return records, err
}

// share gives records less memory together if most of the chunk's is for none of them: who keeps one of
// them keeps all.
func (b *recordBuffer) share(records []Record) {
	size := 0
	for _, r := range records {
		size += len(r.Body)
	}
	if size > cap(b.chunk)/2 {
		return
	}
	memory := make([]byte, 0, size)
	for i, r := range records {
		if r.Body != nil {
			from := len(memory)
			memory = append(memory, r.Body...)
			records[i].Body = memory[from:len(memory):len(memory)]
		}
	}
}
