package decode

import (
	"errors"
	"net/http"
)

// ErrRecordTooLarge is a record, or the beginning of one, that is larger than the limit of a [Framer].
var ErrRecordTooLarge = errors.New("a record is larger than `limits response` allows")

// Record is one piece of an answer that goes on.
type Record struct {
	// Body is its text; nil where it has only fields.
	Body []byte
	// Header are its fields, by canonical names; nil for none. A part of a multipart answer has its header.
	// An event of an event stream has Id, Event and Retry, as far as they are given. A call has its name
	// as Call.
	Header http.Header
}

// Framer cuts an answer that goes on into records, each as soon as it is complete. How the answer is
// divided into chunks does not change them. It holds no more than its limit in bytes of a record that is
// not complete, and reads each byte once.
type Framer interface {
	// Push takes the next bytes of the answer, and returns the records that they complete. These have
	// memory of their own: p may be used again. Records that are returned beside an error are good. After
	// an error it takes nothing more, and returns the same error. No error has a word of the answer in it.
	Push(p []byte) ([]Record, error)
	// Last returns the records that the end of an answer completes; nil if none is sure to be whole. Nothing is pushed
	// after it.
	Last() []Record
	// Partial reports whether the answer has come to within a record.
	Partial() bool
}
