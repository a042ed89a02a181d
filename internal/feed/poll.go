package feed

import (
	"context"
	"net/http"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Ask is what a chain wants to know with one poll.
type Ask struct {
	First      bool              // a client's own first request: no edit of a cursor applies
	From       position.Position // where to go on
	Carry      *page.Carry       // what the page has to decide, from where From says; nil: nothing
	Set        *page.Set         // of the answer before; nil: it is no set, or not known
	Validators page.Validators   // of the answer that is known, where a conditional poll may do
	Number     int               // how many polls the chain has made before
	Count      int               // how many requests its session has made before
	Chain      string            // a UUID, the same for all polls of a chain
	Session    *Session          // only of this chain
	Held       bool              // the upstream is expected to hold the poll until there is news
	Aside      bool              // it only asks a question: of a stream, an answer of its own that does not go on
	Ring       bool              // the last answer was the newest: wait for a sign of news first, where there is one
	// Reached is called when the poll has been sent, and when the head of a good answer has come. Until
	// the poll returns, that is all that is known of an upstream that holds it. nil: it does not matter.
	Reached func(Stage)
}

// Stage is how far a poll has come.
type Stage int

// The stages of a poll.
const (
	Sent  Stage = iota // the upstream has it, or will in a moment
	Begun              // the head of an answer has come that is not an error
)

// Session is the state that the polls of one chain share. Only they use it, one after another.
type Session struct {
	Jar http.CookieJar // the cookies that the upstream set
	// Opened are the cursors that the requests before the first poll have got, by their names. It is
	// nil where there were none yet, and again when the chain starts over or the upstream fails in a
	// way that a new session may fix. The map is replaced, and never changed.
	Opened map[string]string
	ID     string // a UUID, another one each time that it is opened; empty if nothing opens it
	Epoch  string // which run of the upstream opened it; empty if unknown
	Deaf   bool   // the request that waits for a sign of news has failed
	Live   Live   // nil before the first poll
	// Then is what the last answer calls for once it is in the log, before the next poll, such as its
	// acknowledgement. Its errors are those of a poll. nil: nothing.
	Then func(ctx context.Context) error
}

// Live is what a session is for who makes its requests.
type Live interface {
	// Close gives the session up, when its chain has ended. It does not block.
	Close()
}

// Poll asks the upstream once and reads its answer. Its error is a [*page.Refusal], a
// [*page.Error], or one that only says that no answer came.
//
// Where answers go on, it returns the next page of the one that it has, if that has come as far as the position
// that it is asked from. Then the context is that of all pages. The error may be [*Closed].
type Poll func(ctx context.Context, ask Ask) (page.Page, error)

// Polled is what a chain has made of one poll, for Config.Polled.
type Polled struct {
	Ask  Ask
	Page page.Page // as it went to the readers; zero with an error
	Err  error
	News bool // the readers got something, or the cursor has moved

	Next Ask           // what the next poll asks, unless a client changes that
	Wait time.Duration // until then
	Why  Why
	Over bool // no poll follows
}
