package stream

import (
	"crypto/tls"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

const (
	// maxStray is how many bytes a client may send on its stream. They are discarded.
	maxStray = 64 << 10
	// maxTurn is how many bytes a client gets before it is the turn of others.
	maxTurn = 256 << 10
	// maxPieces is how many pieces one write has at most.
	maxPieces = 64
	// maxRecord is the most that is encrypted and written at once. A socket that takes more at all takes so much.
	maxRecord = 4 << 10
	// lastChunk ends a body in the chunked transfer coding (RFC 9112, section 7.1).
	lastChunk = "0\r\n\r\n"
)

// client is a stream whose connection has been taken over. Its methods belong to the sender's goroutine, except for
// Wake, tell, sever, SetWriteDeadline, owes and finish.
type client struct {
	stream
	journal
	owner  owner
	seat   uint32 // at its owner's
	socket int32
	secure *tls.Conn   // over the socket; nil: nothing is encrypted
	line   *accessLine // in the access log
	visit  Visit

	ready   atomic.Bool   // it is in the owner's queue
	news    atomic.Uint32 // what has happened at the socket
	severed atomic.Bool   // it ends now, even if something is left to write
	begun   atomic.Bool   // the connection is the sender's

	left   *backlog // nil: nothing
	end    *ending  // of what is left; nil: the stream goes on
	before int32    // bytes that were written before the connection was taken over
	stray  int32    // bytes that the client has sent
	full   bool     // the socket takes no more for now
	over   bool
}

// backlog is what has been taken from the reader, and the socket has not taken yet.
type backlog struct {
	pieces       [][]byte
	events, size int // with what the socket has taken of them; they count once it has taken all
}

// ending is why a stream ends. The error is the reader's; nil: it has not ended.
type ending struct {
	reason feed.Reason
	err    error
}

// owner serves clients that have something to be done.
type owner interface {
	queue(c *client)
	decline(c *client)
	owes(c *client) (something bool, silent time.Duration)
}

// Wake implements [feed.Waker].
func (c *client) Wake() {
	if !c.ready.Load() && !c.ready.Swap(true) {
		c.owner.queue(c)
	}
}

// tell notes what has happened at the socket.
func (c *client) tell(what uint32) {
	c.news.Or(what)
	c.Wake()
}

// SetWriteDeadline ends the stream at a time, if it has not ended by itself before.
func (c *client) SetWriteDeadline(at time.Time) error {
	if wait := time.Until(at); wait > 0 {
		time.AfterFunc(wait, c.sever)
	} else {
		c.sever()
	}
	return nil
}

// sever ends the stream, whatever is left to write.
func (c *client) sever() {
	c.severed.Store(true)
	c.Wake()
}

// owes implements [ear].
func (c *client) owes() (something bool, silent time.Duration) { return c.owner.owes(c) }

// scratch is what one goroutine needs to serve clients, one after another.
type scratch struct {
	pieces [maxPieces][]byte
	bytes  [maxRecord]byte
}

// serve does what there is to do: it writes what the reader has, as far as the socket takes it. Afterwards over is set if the
// stream has ended, with its reason.
func (c *client) serve(s *scratch, back func(*stream, feed.Reason) time.Duration) {
	if !c.begun.Load() {
		return // it is woken again when it has
	}
	what := c.news.Swap(0)
	switch {
	case c.severed.Load():
		c.close(feed.Gone)
		return
	case what&ended != 0, what&readable != 0 && !c.discard(s):
		c.close(feed.Gone)
		return
	case c.full && what&writable == 0:
		return
	}
	for turn := 0; ; {
		if c.left != nil && !c.resume(s) {
			return
		}
		if c.end != nil {
			c.close(c.end.reason)
			return
		}
		pieces, events, size := c.take(s.pieces[:0], back)
		if len(pieces) == 0 {
			return
		}
		c.writes.Add(1)
		if !c.write(pieces, events, size, s) {
			return
		}
		if turn += size; turn >= maxTurn {
			c.Wake()
			return
		}
	}
}

// take takes from the reader what it has, up to a limit. If that is the end, what ends the stream follows.
func (c *client) take(pieces [][]byte, back func(*stream, feed.Reason) time.Duration) (_ [][]byte, events, size int) {
	for size < maxWrite && len(pieces) < maxPieces-4 {
		text, chunk, err := c.reader.TryNext()
		switch {
		case err != nil:
			c.end = &ending{reasonOf(err), err}
			if wait := back(&c.stream, c.end.reason); wait > 0 {
				text = append(sse.AppendRetry(nil, wait), '\n')
				pieces = appendChunk(pieces, text)
				size += len(text)
			}
			return append(pieces, []byte(lastChunk)), events, size
		case text == nil:
			return pieces, events, size
		case chunk != nil:
			pieces = append(pieces, chunk)
		default:
			pieces = appendChunk(pieces, text)
		}
		events += c.reader.Took()
		size += len(text)
	}
	return pieces, events, size
}

// appendChunk appends a text as a chunk.
func appendChunk(pieces [][]byte, text []byte) [][]byte {
	head := append(strconv.AppendInt(nil, int64(len(text)), 16), "\r\n"...)
	return append(pieces, head, text, head[len(head)-2:])
}

// write writes pieces of so many events and bytes, and keeps what the socket does not take. It reports whether there may be more
// to write now.
func (c *client) write(pieces [][]byte, events, size int, s *scratch) bool {
	rest, err := c.send(pieces, s)
	if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
		c.close(feed.Gone)
		return false
	}
	if len(rest) == 0 {
		c.left, c.full = nil, false
		c.writes.Add(1)
		c.wrote(events, size)
		return true
	}
	c.left, c.full = &backlog{slices.Clone(rest), events, size}, !errors.Is(err, unix.EINTR)
	return !c.full
}

// send writes pieces as far as the socket takes them, and returns the others.
func (c *client) send(pieces [][]byte, s *scratch) (rest [][]byte, err error) {
	var n int
	switch {
	case c.secure != nil:
		return c.encrypt(pieces, s)
	case len(pieces) == 1:
		n, err = unix.Write(int(c.socket), pieces[0])
	default:
		n, err = unix.Writev(int(c.socket), pieces)
	}
	return behind(pieces, max(n, 0)), err
}

// encrypt writes pieces as records of TLS, as long as the socket takes one more without waiting, and returns the others.
func (c *client) encrypt(pieces [][]byte, s *scratch) (rest [][]byte, err error) {
	for len(pieces) > 0 {
		switch takes, err := c.takes(); {
		case err != nil:
			return pieces, err
		case !takes:
			return pieces, unix.EAGAIN
		}
		record := pieces[0][:min(len(pieces[0]), maxRecord)]
		if len(pieces) > 1 && len(record) < maxRecord {
			record = join(s.bytes[:0], pieces)
		}
		if _, err := c.secure.Write(record); err != nil {
			return pieces, err
		}
		pieces = behind(pieces, len(record))
	}
	return nil, nil
}

// join joins pieces, as far as the destination holds them.
func join(dst []byte, pieces [][]byte) []byte {
	for _, p := range pieces {
		dst = append(dst, p[:min(len(p), cap(dst)-len(dst))]...)
	}
	return dst
}

// takes reports whether the socket takes a record at once. A socket that can be written to at all has a third of its
// buffer free; if it has not, it is told when it can be written to again.
func (c *client) takes() (bool, error) {
	list := [1]unix.PollFd{{Fd: c.socket, Events: unix.POLLOUT}}
	for {
		_, err := unix.Poll(list[:], 0)
		if !errors.Is(err, unix.EINTR) {
			return list[0].Revents&unix.POLLOUT != 0, err
		}
	}
}

// closes reports whether what a client has sent is an alert of TLS, such as close_notify: no other record that clients send
// is as short, and TLS 1.3 hides what it is (RFC 8446, sections 5.2 and 6).
func closes(record []byte) bool {
	const alert, hidden, hiddenAlert = 21, 23, 2 + 1 + 16
	if len(record) < 5 {
		return false
	}
	length := int(record[3])<<8 | int(record[4])
	return record[0] == alert || record[0] == hidden && length == hiddenAlert
}

// resume writes what was left, and reports whether the socket has taken all of it.
func (c *client) resume(s *scratch) bool {
	c.writes.Add(2) // it is not hanging
	for c.left != nil {
		if !c.write(append(s.pieces[:0], c.left.pieces...), c.left.events, c.left.size, s) {
			return false
		}
	}
	return true
}

// behind returns what follows the first n bytes of pieces, which it changes.
func behind(pieces [][]byte, n int) [][]byte {
	for len(pieces) > 0 && n >= len(pieces[0]) {
		n -= len(pieces[0])
		pieces = pieces[1:]
	}
	if n > 0 {
		pieces[0] = pieces[0][n:]
	}
	return pieces
}

// discard reads what the client sends, which nobody wants. It returns false if the client has left, or sends too much.
func (c *client) discard(s *scratch) bool {
	for c.stray <= maxStray {
		n, err := unix.Read(int(c.socket), s.bytes[:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return true
		case errors.Is(err, unix.EINTR):
		case err != nil, n == 0:
			return false
		}
		c.stray += int32(max(n, 0))
		if c.secure != nil && closes(s.bytes[:max(n, 0)]) {
			return false
		}
	}
	return false
}

// reasonOf returns the reason of an end.
func reasonOf(err error) feed.Reason {
	if end := (*feed.End)(nil); errors.As(err, &end) {
		return end.Reason
	}
	return feed.Gone
}

// close ends the stream at once.
func (c *client) close(reason feed.Reason) {
	slow := c.hung.Load() && (c.end == nil || c.left != nil) // and it has not got everything meanwhile
	if slow {
		reason = feed.Slow
	}
	if slow || c.lost.Load() {
		// what the kernel holds for the client would stay for minutes otherwise
		_ = unix.SetsockoptLinger(int(c.socket), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	if c.secure != nil && c.severed.Load() {
		_ = c.secure.NetConn().Close() // without a goodbye
	}
	if c.over, c.left = true, nil; c.end == nil {
		c.end = new(ending)
	}
	c.end.reason = reason
}

// finish tells of the end of the stream. It may take long, since a log may.
func (c *client) finish(of *shared) {
	defer of.watch.remove(&c.stream) // an exit waits for it
	defer c.visit.Leave()
	defer func() {
		if v := recover(); v != nil {
			c.Logger.Error("ending a stream panicked", zap.Any("panic", v), zap.StackSkip("stack", 2))
		}
	}()
	if c.secure != nil {
		_ = c.secure.Close() // says goodbye, if the socket takes that; the client is gone, or has got everything
	}
	c.closed(c.end.reason, c.end.err)
	c.line.write(of.accessLog, c.counts.clock()-c.since, c.bytes-int64(c.before), c.noted(c.end.reason)...)
}
