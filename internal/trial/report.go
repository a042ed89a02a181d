// Package trial explains polls and their answers: it is the output of `caddy sse-bridge try`. It makes no
// requests; it gets those that were made, and their answers.
package trial

import (
	"net/http"
	"strings"
	"time"
)

// Report is one poll, and what became of it. It is written as one line of JSON, in which times are
// milliseconds.
type Report struct {
	Poll      int        `json:"poll"`                // from 1
	Stage     Stage      `json:"stage,omitempty"`     // of an answer that goes on; Poll is then its number
	Exchanges []Exchange `json:"exchanges,omitempty"` // the poll is the last one; steps and redirects come before it
	Records   *Piece     `json:"records,omitempty"`
	Found     []Finding  `json:"found,omitempty"`
	News      bool       `json:"news"`
	Events    []Event    `json:"events,omitempty"`
	Cursor    string     `json:"cursor,omitempty"`  // the event id of the position after the records
	Notices   []string   `json:"notices,omitempty"` // what else clients get, and what is odd
	End       string     `json:"end,omitempty"`     // how an answer that goes on has ended, if that is no error
	Error     string     `json:"error,omitempty"`
	Hint      string     `json:"hint,omitempty"` // why nothing came of the answer, and what to do
	Next      *Next      `json:"next,omitempty"` // nil where no poll follows
}

// Stage is what a report says of an answer that goes on.
type Stage string

// The stages.
const (
	Begun   Stage = "begun"   // its head has come
	Records Stage = "records" // records have come
	Alive   Stage = "alive"   // something has come that completes no record
	Ended   Stage = "ended"
)

// Piece is what has come at once of an answer that goes on.
type Piece struct {
	Count   int           `json:"count"` // how many records; 0: it completes none
	Size    int           `json:"size"`  // in bytes
	Start   string        `json:"start,omitempty"`
	Blank   bool          `json:"-"` // there is nothing to show
	After   time.Duration `json:"-"` // since something came before
	AfterMS int64         `json:"after_ms"`
}

// Failed reports whether the poll brought nothing to read.
func (r *Report) Failed() bool { return r.Error != "" }

// Exchange is one request and its answer.
type Exchange struct {
	Step    string        `json:"step,omitempty"` // "open" or "wait"; empty for the poll itself
	Request Request       `json:"request"`
	To      string        `json:"to,omitempty"`     // the address that reverse_proxy chose
	Answer  *Answer       `json:"answer,omitempty"` // nil where none came
	Error   string        `json:"error,omitempty"`
	Took    time.Duration `json:"-"`
	TookMS  int64         `json:"took_ms"`
}

// Request is what the upstream is asked.
type Request struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header http.Header `json:"header,omitempty"` // without what is the same in all polls
	Body   string      `json:"body,omitempty"`
}

// Answer is what the upstream answers.
type Answer struct {
	Status int         `json:"status"`
	Type   string      `json:"type,omitempty"` // the Content-Type
	Size   int         `json:"size"`           // in bytes, decoded from its Content-Encoding
	Start  string      `json:"start,omitempty"`
	Header http.Header `json:"-"`

	Unended bool `json:"unended,omitempty"` // it has not ended in time
	GoesOn  bool `json:"goes_on,omitempty"` // only its head has come: it goes on
}

// Finding is what one field of the configuration has found in the answer.
type Finding struct {
	What  string `json:"what"`  // as in a Caddyfile: "items messages"
	Found string `json:"found"` // "3 (ids 1 … 3)"; empty for nothing
}

// Event is what clients get.
type Event struct {
	ID   string `json:"id,omitempty"`
	Type string `json:"event,omitempty"`
	Data string `json:"data"`
}

// Next is the poll that follows.
type Next struct {
	Wait    time.Duration `json:"-"`
	WaitMS  int64         `json:"wait_ms"`
	Why     string        `json:"why"` // a word of feed.Why
	Because string        `json:"because"`
	Cursor  string        `json:"cursor,omitempty"` // the event id of the position
	Request *Request      `json:"request,omitempty"`
}

// shared are the header fields that are the same in all polls.
var shared = []string{"Accept", "Accept-Encoding", "Cache-Control", "User-Agent", "X-Requested-With"}

// Telling returns a header without the fields that are the same in all polls. A value that is not
// the usual one stays.
func Telling(h, usual http.Header) http.Header {
	told := h.Clone()
	for _, name := range shared {
		if h.Get(name) == usual.Get(name) {
			delete(told, name)
		}
	}
	return told
}

// Start returns the beginning of a body, on one line.
func Start(body []byte) string { return clip(strings.TrimSpace(oneLine(string(body)))) }

// Mask masks the secrets of all requests of a report. What the upstream answers stays.
func (r *Report) Mask(s Secrets) {
	for i := range r.Exchanges {
		r.Exchanges[i].Request = r.Exchanges[i].Request.Mask(s)
		r.Exchanges[i].Error = MaskURL(s.mask(r.Exchanges[i].Error))
	}
	r.Error, r.Hint = MaskURL(s.mask(r.Error)), MaskURL(s.mask(r.Hint))
	if r.Next != nil && r.Next.Request != nil {
		next := r.Next.Request.Mask(s)
		r.Next.Request = &next
	}
}
