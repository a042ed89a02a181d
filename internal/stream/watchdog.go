package stream

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

const (
	// Hangs is how long one write may take before its client counts as gone.
	Hangs = 10 * time.Second
	// Unheard is for how long a client may acknowledge nothing of what it was sent before it counts as gone. The kernel waits
	// twice as long before each try, so that there is one in the second half of this time: a network that is away for half of
	// it loses nobody.
	Unheard = 30 * time.Second
	// exitWrite is how long a write may take at exit. Otherwise a client that does not read would delay Caddy
	// for a minute.
	exitWrite = 500 * time.Millisecond
	// maxWrite is the maximum size of one write.
	maxWrite = 64 << 10
	// look is the time between two looks of a watchdog at its streams.
	look = time.Second
	// ExitLooks is how many times more often it checks whether Caddy exits.
	ExitLooks = 10
	// listens is how many looks there are from one time that it asks what clients have acknowledged to the next.
	listens = 5
)

// watchdog monitors the streams of a bridge, so that no stream needs a timer of its own. It wakes streams that
// were silent, for a keep-alive, sets a deadline for writes that hang, and ends streams whose clients have vanished. Its
// goroutine runs while there are streams.
type watchdog struct {
	every     time.Duration // between two looks
	keepalive int32         // in looks
	hangs     int32         // in looks
	unheard   int32         // in looks
	back      *reconnects
	lifetime  time.Duration // of a stream, at most; 0: none

	mu      sync.Mutex
	streams map[*stream]struct{}
	ends    wheel
	looks   int // so many have been
	running bool
	ending  bool // new streams end at once
	exiting bool // with the process
}

// connection is where a stream is written. Its deadline may be set by any goroutine.
type connection interface {
	SetWriteDeadline(at time.Time) error
}

// ear knows what the client at a connection has acknowledged. Any goroutine may ask it.
type ear interface {
	// owes reports whether there is something that was sent and is not acknowledged, and for how long nothing was heard of the client.
	owes() (something bool, silent time.Duration)
}

// stream is the watchdog's view of one client's answer.
type stream struct {
	reader *feed.Reader
	below  connection
	ear    ear // nil: nobody knows

	writes atomic.Uint32 // odd while a write is under way
	seen   uint32        // writes at the last look; the watchdog's own
	quiet  int32         // looks since writes has changed; the watchdog's own
	heard  uint32        // writes when nothing was owed; the watchdog's own
	owing  int32         // looks since when something was owed, and nothing heard; the watchdog's own
	hung   atomic.Bool   // a write was cut off
	lost   atomic.Bool   // the client has vanished
	wait   atomic.Int64  // for how long the client stays away once it is told to go
	due    int64         // the tick of the wheel at which it ends; 0: none
	spoke  int32         // its place there
}

func newWatchdog(plan *config.Plan, back *reconnects) *watchdog {
	return &watchdog{
		back: back, lifetime: plan.Lifetime,
		every: look, keepalive: max(int32(plan.Keepalive/look), 1), hangs: int32(Hangs / look), unheard: int32(Unheard / look),
		streams: make(map[*stream]struct{}), ends: newWheel(look / ExitLooks),
	}
}

// add begins to monitor a stream.
func (d *watchdog) add(s *stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begin(s)
}

// replace monitors a stream in place of another one, of the same client.
func (d *watchdog) replace(old, s *stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end(old)
	d.begin(s)
}

// begin is add with the lock held.
func (d *watchdog) begin(s *stream) {
	d.streams[s] = struct{}{}
	streaming.Add(1)
	switch {
	case d.exiting:
		d.exit(s, time.Now().Add(exitWrite))
	case d.ending:
		end, wait := d.back.moved(len(d.streams))
		s.stop(end + wait)
	case d.lifetime > 0:
		d.ends.set(s, d.lifetime-rand.N(d.lifetime/5+1))
	}
	if !d.running {
		d.running = true
		go d.run()
	}
}

// remove must be called before the stream's handler returns, because its writer must not be used after that.
func (d *watchdog) remove(s *stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end(s)
}

// end is remove with the lock held.
func (d *watchdog) end(s *stream) {
	delete(d.streams, s)
	streaming.Add(-1)
	d.ends.unset(s)
}

func (d *watchdog) run() {
	ticker := time.NewTicker(d.every / ExitLooks)
	defer ticker.Stop()
	for n := 1; ; n++ {
		<-ticker.C
		if caddy.Exiting() {
			d.endNow() // checked here, because a bridge that has left the configuration gets no events
		}
		d.turn()
		if n%ExitLooks == 0 && !d.look() {
			return
		}
	}
}

// turn ends the streams whose time has come.
func (d *watchdog) turn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	reason := feed.Lifetime
	if d.ending {
		reason = feed.Stopping
	}
	for _, s := range d.ends.turn() {
		s.reader.Stop(reason)
	}
}

func (d *watchdog) look() (more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	for s := range d.streams {
		if d.looks%listens == 0 {
			d.listen(s)
		}
		writes := s.writes.Load()
		if writes != s.seen {
			s.seen, s.quiet = writes, 0
			continue
		}
		s.quiet++
		switch writing := writes%2 == 1; {
		case writing && s.quiet >= d.hangs:
			s.cut(time.Now())
		case !writing && s.quiet >= d.keepalive:
			s.reader.Nudge()
		}
	}
	d.running = len(d.streams) > 0
	return d.running
}

// listen ends a stream whose client has vanished.
func (d *watchdog) listen(s *stream) {
	writes := s.writes.Load()
	if s.ear == nil || writes == s.heard {
		return
	}
	switch owes, silent := s.ear.owes(); {
	case !owes:
		s.heard, s.owing = writes, 0
	case silent < listens*d.every:
		s.owing = 0
	case s.owing >= d.unheard: // since it was asked first: what is owed may have been sent just before
		s.lost.Store(true)
		s.reader.Stop(feed.Gone)
		_ = s.below.SetWriteDeadline(time.Now()) // as in cut
	default:
		s.owing += listens
	}
}

// cut ends a write that is under way at the given time.
func (s *stream) cut(at time.Time) {
	s.hung.Store(true)
	s.reader.Stop(feed.Slow)
	_ = s.below.SetWriteDeadline(at) // a writer without deadlines has no peer that hangs
}

// stop ends a stream, whose client then waits for the given time.
func (s *stream) stop(wait time.Duration) {
	s.wait.Store(int64(wait))
	s.reader.Stop(feed.Stopping)
}

// exit ends a stream by the given time.
func (d *watchdog) exit(s *stream, by time.Time) {
	_ = s.below.SetWriteDeadline(by) // as in cut
	s.stop(d.back.crowd(len(d.streams)))
}

// count returns how many streams there are.
func (d *watchdog) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.streams)
}

// endNow ends all streams: the process exits.
func (d *watchdog) endNow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.exiting {
		return
	}
	d.ending, d.exiting = true, true
	by := time.Now().Add(exitWrite)
	for s := range d.streams {
		d.exit(s, by)
	}
}

// endSpread ends all streams over some seconds, so that the clients do not all come back at once.
func (d *watchdog) endSpread() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ending {
		return
	}
	d.ending = true
	for s := range d.streams {
		end, wait := d.back.moved(len(d.streams))
		s.wait.Store(int64(end + wait - d.ends.set(s, end)))
	}
}
