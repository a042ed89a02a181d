package ssebridge

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// streams are all event streams of a bridge.
type streams struct {
	watch  *watchdog
	back   *reconnects
	counts *streamCounters
}

func newStreams(plan *compiled) *streams {
	back := newReconnects(plan.retry)
	return &streams{back: back, watch: newWatchdog(plan, back), counts: newStreamCounters()}
}

func streamHeader(header http.Header) {
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no") // for an nginx in front
}

// serve writes what a reader brings until one of the two ends.
func (a *streams) serve(w http.ResponseWriter, r *http.Request, reader *feed.Reader, j *journal) {
	disarm(r)
	s := &stream{reader: reader, control: http.NewResponseController(innermost(w))}
	control := http.NewResponseController(w)
	a.watch.add(s)
	defer a.watch.remove(s)
	stop := context.AfterFunc(r.Context(), func() { reader.Stop(feed.Gone) })
	defer stop()

	streamHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	// the line is part of the first event, but need not wait for it
	batch := sse.AppendRetry(nil, a.back.usual())
	var err error
	for {
		if err = s.write(w, batch, control, !reader.Pending()); err != nil {
			break
		}
		j.wrote(reader.Took(), len(batch))
		if batch, err = reader.Next(); err != nil {
			break
		}
	}
	j.closed(r, a.finish(w, control, s, err), err)
}

// finish ends a stream, and returns why: what the client can still read tells it when to come back.
func (a *streams) finish(w http.ResponseWriter, control *http.ResponseController, s *stream, err error) feed.Reason {
	reason := feed.Gone
	if end := (*feed.End)(nil); errors.As(err, &end) {
		reason = end.Reason
	} else if s.hung.Load() {
		reason = feed.Slow
	}
	if wait := a.wait(s, reason); wait > 0 {
		// the client may be gone by now, which is no matter
		_ = s.write(w, append(sse.AppendRetry(nil, wait), '\n'), control, true)
	}
	return reason
}

// wait returns for how long the client of a stream that ended stays away; 0 leaves what it was
// told at the beginning.
func (a *streams) wait(s *stream, reason feed.Reason) time.Duration {
	switch reason {
	case feed.Stopping:
		return max(time.Duration(s.wait.Load()), time.Millisecond)
	case feed.Refused, feed.Ended: // all of the feed at once
		return a.back.crowd(a.watch.count())
	case feed.Lifetime:
		return a.back.usual()
	}
	return 0
}
