package stream

import (
	"errors"
	"net/http"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// Handled is a stream that the handler of its request writes.
type Handled struct {
	stream
	journal
	of      *shared
	w       http.ResponseWriter
	flusher flusher
	visit   Visit
	first   error // of the first write
}

// Follow writes the reader's events until the reader or the client ends, and then has the client leave. Few and small frames
// are below its writes, so that the goroutine's stack is no larger than that of any other handler that writes.
func (h *Handled) Follow(r *http.Request) {
	defer h.leave()
	gone, err := r.Context().Done(), h.first
	for err == nil {
		var batch []byte
		if batch, err = h.reader.NextUntil(gone); err != nil {
			break
		}
		if err = h.write(batch, !h.reader.Pending()); err == nil {
			h.wrote(h.reader.Took(), len(batch))
		}
	}
	h.end(r, err)
}

// write writes a batch, and flushes it if nothing follows. It writes a long batch in pieces, so that the watchdog can distinguish
// a client that reads slowly from one that does not read.
func (h *Handled) write(batch []byte, flush bool) error {
	for {
		piece := batch[:min(len(batch), maxWrite)]
		batch = batch[len(piece):]
		h.writes.Add(1)
		_, err := h.w.Write(piece)
		if err == nil && flush && len(batch) == 0 {
			err = h.flusher.FlushError()
		}
		h.writes.Add(1)
		if err != nil || len(batch) == 0 {
			return err
		}
	}
}

// end tells the client and the operator of the end.
func (h *Handled) end(r *http.Request, err error) {
	reason := h.finish(err)
	h.closed(reason, err)
	noteAccess(r, h.noted(reason)...)
}

// leave has the client leave.
func (h *Handled) leave() {
	h.of.watch.remove(&h.stream)
	h.visit.Leave()
}

// finish ends a stream, and returns the reason. It tells the client when to come back.
func (h *Handled) finish(err error) feed.Reason {
	reason := feed.Gone
	if end := (*feed.End)(nil); errors.As(err, &end) {
		reason = end.Reason
	} else if h.hung.Load() {
		reason = feed.Slow
	}
	if wait := h.of.wait(&h.stream, reason); wait > 0 {
		// the client may be gone, which does not matter
		_ = h.write(append(sse.AppendRetry(nil, wait), '\n'), true)
	}
	return reason
}
