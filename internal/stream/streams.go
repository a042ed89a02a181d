// Package stream writes event streams to clients: headers, batches of events and keep-alives. It sets
// deadlines for clients that do not read, and tells clients whose streams end when to come back.
package stream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// Streams are all event streams of a bridge.
type Streams struct {
	*shared
	takeover takeover
}

// Source is where the events of a stream come from, for logs. Streams of one feed share it.
type Source struct {
	Logger *zap.Logger
	Bridge string // its name
	Feed   string // its id
}

// New returns the streams of a bridge that has none yet. accessLog returns the logger of Caddy's HTTP app in the newest
// configuration.
func New(plan *config.Plan, accessLog func() *zap.Logger) *Streams {
	back := newReconnects(plan.Retry)
	of := &shared{accessLog: accessLog, back: back, watch: newWatchdog(plan, back), counts: newCounters()}
	return &Streams{shared: of, takeover: takeover{of: of}}
}

// SetHeader sets the header of an event stream.
func SetHeader(header http.Header) {
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no") // for an nginx in front
}

// Visit is a client's stay. It is left once, when its stream has ended.
type Visit interface {
	Leave()
}

// Serve writes a reader's events until the reader or the client ends, and then has the client leave. It returns before that if it
// has taken the connection over.
func (a *Streams) Serve(w http.ResponseWriter, r *http.Request, reader *feed.Reader, of *Source, visit Visit) {
	taken := false
	defer func() {
		if !taken {
			visit.Leave()
		}
	}()
	disarm(r)
	SetHeader(w.Header())
	c := a.takeover.candidate(r, reader, of, visit)
	s := &stream{reader: reader, below: http.NewResponseController(innermost(w))}
	if c != nil {
		w.Header().Set("Connection", "close") // RFC 9112, section 9.6
		s = &c.stream
	}
	a.watch.add(s)
	w.WriteHeader(http.StatusOK)
	j := newJournal(a.counts, of)
	control := http.NewResponseController(w)
	// this line belongs to the first event, but is sent at once
	first := sse.AppendRetry(nil, a.back.usual())
	err := s.write(w, first, control, c != nil || !reader.Pending())
	j.wrote(0, len(first))
	if c != nil && err == nil {
		c.journal = j
		if taken = a.takeover.handOver(c, w, r); taken {
			a.counts.taken.Add(1)
			return
		}
	}
	if c != nil {
		a.watch.remove(s)
		a.takeover.decline(c)
		s = &stream{reader: reader, below: http.NewResponseController(innermost(w))}
		a.watch.add(s)
	}
	defer a.watch.remove(s)
	stop := context.AfterFunc(r.Context(), func() { reader.Stop(feed.Gone) })
	defer stop()
	for err == nil {
		var batch []byte
		if batch, err = reader.Next(); err != nil {
			break
		}
		if err = s.write(w, batch, control, !reader.Pending()); err == nil {
			j.wrote(reader.Took(), len(batch))
		}
	}
	reason := a.finish(w, control, s, err)
	j.closed(reason, err)
	noteAccess(r, j.noted(reason)...)
}

// TurnAway answers a client that gets no stream now. It comes back after the given multiple of the usual wait.
// An error status would close its EventSource for good.
func (a *Streams) TurnAway(w http.ResponseWriter, r *http.Request, reason string, times int) {
	noteAccess(r, zap.String("sse_reason", reason))
	SetHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	wait := a.back.usual() * time.Duration(times)
	notice := sse.AppendEvent(sse.AppendRetry(nil, wait), "bridge.busy", fmt.Appendf(nil, `{"reason":%q}`, reason), "")
	_, _ = w.Write(notice) // an error means that the client is gone
}

// Reject counts a client that gets no stream, by its reason.
func (a *Streams) Reject(reason string) { a.counts.rejected.add(reason) }

// EndSpread ends all streams, spread over time. New streams end at once.
func (a *Streams) EndSpread() { a.watch.endSpread() }

// finish ends a stream, and returns the reason. It tells the client when to come back.
func (a *Streams) finish(w http.ResponseWriter, control *http.ResponseController, s *stream, err error) feed.Reason {
	reason := feed.Gone
	if end := (*feed.End)(nil); errors.As(err, &end) {
		reason = end.Reason
	} else if s.hung.Load() {
		reason = feed.Slow
	}
	if wait := a.wait(s, reason); wait > 0 {
		// the client may be gone, which does not matter
		_ = s.write(w, append(sse.AppendRetry(nil, wait), '\n'), control, true)
	}
	return reason
}

// Totals returns the present totals.
func (a *Streams) Totals() Totals {
	return Totals{
		Opened: a.counts.opened.Load(), Taken: a.counts.taken.Load(), Deliveries: a.counts.deliveries.Load(), Bytes: a.counts.bytes.Load(),
		Ended: a.counts.ended.load(), Rejected: a.counts.rejected.load(),
	}
}
