// Package stream writes event streams to clients: headers, batches of events and keep-alives. It sets
// deadlines for clients that do not read, and tells clients whose streams end when to come back.
package stream

import (
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/aside"
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// Streams are all event streams of a bridge.
type Streams struct {
	*shared
	takeover takeover
	starts   bool // clients that resume are told that their stream begins
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
	return &Streams{shared: of, takeover: takeover{of: of}, starts: plan.Notices.Start}
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

// Open begins a reader's stream. It returns nil if it has taken the connection over: then the stream goes on by itself, and has the
// client leave at its end. Otherwise [Handled.Follow] does both.
func (a *Streams) Open(w http.ResponseWriter, r *http.Request, reader *feed.Reader, of *Source, visit Visit) *Handled {
	var h *Handled
	aside.Run(func() { // handlers in front may go deep to write a header
		opened := false
		defer func() {
			if !opened {
				visit.Leave()
			}
		}()
		h = a.begin(w, r, reader, of, visit)
		opened = true
	})
	return h
}

// begin writes the header of a stream, and what comes first. It returns nil if it has taken the connection over.
func (a *Streams) begin(w http.ResponseWriter, r *http.Request, reader *feed.Reader, of *Source, visit Visit) *Handled {
	disarm(r)
	tune(r)
	SetHeader(w.Header())
	h := &Handled{of: a.shared, w: w, flusher: flusherOf(w), visit: visit}
	h.reader, h.below, h.ear = reader, deadlinesOf(w), earOf(r)
	c, goesOn := a.takeover.candidate(r, reader, of, visit), false
	a.watch.add(&h.stream) // until the connection is taken over, the deadlines of the handler's writer count
	defer func() {
		if !goesOn { // a handler in front has panicked
			a.watch.remove(&h.stream)
			a.takeover.decline(c)
		}
	}()
	if c != nil {
		w.Header().Set("Connection", "close") // RFC 9112, section 9.6
	}
	w.WriteHeader(http.StatusOK)
	h.journal = newJournal(a.counts, of)
	// what belongs to the first event is sent at once
	first := a.opening(r, reader.LastID(), a.back.usual())
	h.first = h.write(first, c != nil || !reader.Pending())
	h.wrote(0, len(first))
	if c != nil {
		if h.first == nil && a.takeover.handOver(c, h, r) {
			a.counts.taken.Add(1)
			goesOn = true
			return nil
		}
		a.takeover.decline(c)
	}
	goesOn = true
	return h
}

// TurnAway answers a client that gets no stream now, and has seen the event with lastID. It comes back after the given multiple
// of the usual wait. An error status would close its EventSource for good.
func (a *Streams) TurnAway(w http.ResponseWriter, r *http.Request, lastID, reason string, times int) {
	noteAccess(r, zap.String("sse_reason", reason))
	SetHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	wait := a.back.usual() * time.Duration(times)
	notice := sse.AppendEvent(a.opening(r, lastID, wait), "bridge.busy", fmt.Appendf(nil, `{"reason":%q}`, reason), "")
	_, _ = w.Write(notice) // an error means that the client is gone
}

// Reject counts a client that gets no stream, by its reason.
func (a *Streams) Reject(reason string) { a.counts.rejected.add(reason) }

// RejectOver counts a client that gets no stream because of one of the limits.
func (a *Streams) RejectOver(limit string) {
	a.counts.rejected.add(RejectedLimit)
	a.counts.over.add(limit)
}

// EndSpread ends all streams, spread over time. New streams end at once.
func (a *Streams) EndSpread() { a.watch.endSpread() }

// Totals returns the present totals.
func (a *Streams) Totals() Totals {
	return Totals{
		Opened: a.counts.opened.Load(), Taken: a.counts.taken.Load(), Deliveries: a.counts.deliveries.Load(), Bytes: a.counts.bytes.Load(),
		Ended: a.counts.ended.load(), Rejected: a.counts.rejected.load(), Over: a.counts.over.load(),
	}
}
