package upstream

import (
	"net/http"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// Watcher sees the answers that go on, as they come. Its methods are called by the chain that reads the answer.
type Watcher interface {
	// Began is told that the head of an answer has come that goes on.
	Began(status int, header http.Header)
	// Came is told of records that have been read, before the page that is made of them.
	Came(c Came)
	// Alive is told of bytes that complete no record.
	Alive(text []byte)
}

// Came is what records were, for a [Watcher].
type Came struct {
	Records []decode.Record
	Found   page.Found // in all of them
	Page    bool       // a page or an error follows
}
