package upstream

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// live is where the records of an answer that goes on come out, while the upstream's handlers write it. A handler
// waits until the records that it has written before are taken.
type live struct {
	ctx     context.Context // of the request
	cancel  func(cause error)
	reading page.Config
	accepts func(status int) bool
	limit   int // bytes of a record

	begun   chan struct{}        // closed when the head of an answer has come that goes on
	records chan []decode.Record // that came together
	life    chan []byte          // something came that completes no record, if only a comment; what it is, if watched
	watched bool
	done    chan struct{} // of the last request; closed when its handlers have returned

	framer decode.Framer // from begun on; belongs to the handlers until done
	broken error         // why it could not go on; with done
	resp   page.Response // of an answer that does not go on; with done
	err    error         // with done
}

func newLive(ctx context.Context, p *Request) *live {
	l := &live{
		reading: p.Plan.Page, accepts: p.Reader.Accepts, limit: int(p.Plan.Limits.Response),
		begun: make(chan struct{}), records: make(chan []decode.Record, 1), life: make(chan []byte, 1),
	}
	ending := newEnding(ctx)
	l.ctx, l.cancel = ending.ctx, ending.because
	return l
}

// going reports whether the answer has begun, and goes on.
func (l *live) going() bool {
	select {
	case <-l.begun:
		return true
	default:
		return false
	}
}

// head takes the head of an answer, and reports whether it goes on.
func (l *live) head(a *Answer) bool {
	if !l.accepts(a.Status) || a.bodyless() {
		return false
	}
	if l.framer, l.broken = l.frame(a.sent); l.broken != nil {
		l.framer = brokenFramer{l.broken}
	}
	close(l.begun)
	return true
}

// frame returns what cuts an answer into records.
func (l *live) frame(header http.Header) (decode.Framer, error) {
	if encoding := strings.Join(header.Values("Content-Encoding"), ", "); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, fmt.Errorf("the answer has the Content-Encoding %q, which the poll did not ask for", encoding)
	}
	contentType := header.Get("Content-Type")
	switch l.reading.Format {
	case page.EventStream: // it is always UTF-8 (HTML standard, 9.2.5)
		return decode.NewEventFramer(l.limit), nil
	case page.Multipart: // each part has a charset of its own
		return decode.NewPartFramer(contentType, l.limit)
	case page.Lines:
		return decode.NewCharsetFramer(decode.NewLineFramer(l.reading.Separator, l.limit), contentType), nil
	case page.Scripts:
		return decode.NewCharsetFramer(decode.NewCallFramer(l.limit), contentType), nil
	}
	return decode.NewCharsetFramer(decode.NewJSONFramer(l.limit), contentType), nil
}

// write takes bytes of the answer.
func (l *live) write(p []byte) (int, error) {
	records, err := l.framer.Push(p)
	if len(records) == 0 {
		l.alive(p)
	} else {
		select {
		case l.records <- records:
		case <-l.ctx.Done():
			return 0, context.Cause(l.ctx)
		}
	}
	if err != nil {
		l.broken = err
		return 0, err
	}
	return len(p), nil
}

// alive says that something has come.
func (l *live) alive(p []byte) {
	var text []byte
	if l.watched {
		text = bytes.Clone(p)
	}
	select {
	case l.life <- text:
	default: // it is known already
	}
}

// serve makes a request, whose answer is a. It returns the head of an answer that goes on, and any other answer
// whole.
func (l *live) serve(a *Answer, request func() (page.Response, error)) (page.Response, error) {
	done := make(chan struct{}) // an answer before this one was a redirect
	l.done = done
	go func() {
		defer close(done)
		l.resp, l.err = request()
	}()
	select {
	case <-l.begun:
	case <-l.done:
		if !l.going() { // else it is over by now, and has records
			return l.resp, l.err
		}
	}
	return page.Response{Status: a.Status, Header: a.sent}, nil
}

// last returns the records that the end of the answer completes.
func (l *live) last() []decode.Record {
	if l.broken != nil || l.err != nil {
		return nil
	}
	return l.framer.Last()
}

// brokenFramer stands for the framer of an answer that cannot be cut into records.
type brokenFramer struct{ err error }

// Push implements [decode.Framer].
func (f brokenFramer) Push([]byte) ([]decode.Record, error) { return nil, f.err }

// Last implements [decode.Framer].
func (f brokenFramer) Last() []decode.Record { return nil }

// Partial implements [decode.Framer].
func (f brokenFramer) Partial() bool { return false }
