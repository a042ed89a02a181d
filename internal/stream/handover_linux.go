package stream

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// crowd is how many streams each sender has before there is another one, up to one for each processor.
const crowd = 200

// takeover takes connections over from Caddy's server, so that their streams need no goroutine.
type takeover struct {
	of   *shared
	told atomic.Bool // the operator knows that one could not be taken over

	mu      sync.Mutex
	senders []*sender // of the streams that there are
}

// candidate returns a client for a stream whose connection may be taken over, and nil for any other. It must be given
// to handOver or to decline.
func (t *takeover) candidate(r *http.Request, reader *feed.Reader, of *Source, visit Visit) *client {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	socket, secure := socketOf(r)
	switch {
	case socket == nil || server == nil || r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.Method != http.MethodGet:
		return nil
	case !defersAccess(r):
		return nil
	case r.ContentLength != 0: // Caddy sets deadlines for the rest of a body after the handler has returned
		return nil
	case server.WriteTimeout > 0: // which is the server's to keep
		return nil
	case r.Context().Done() == nil: // nobody would say when the handlers have returned
		return nil
	}
	c := &client{stream: stream{reader: reader}, secure: secure, visit: visit}
	c.below, c.ear = c, c
	if err := t.watch(c, socket); err != nil {
		if t.told.CompareAndSwap(false, true) {
			of.Logger.Warn("the connection of a stream cannot be taken over, so the stream takes more memory; this is said once",
				zap.String("bridge", of.Bridge), zap.Error(err))
		}
		return nil
	}
	return c
}

// watch gives a client a descriptor of its own of a connection, and a sender that watches it.
func (t *takeover) watch(c *client, conn syscall.Conn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("getting the connection's descriptor: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if c.secure != nil {
			c.socket = int32(fd) // the connection stays, and is closed by the client
			return
		}
		own, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		c.socket, failed = int32(own), err
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("duplicating the connection's descriptor: %w", err)
	}
	if err := t.seat(c); err != nil {
		if c.secure == nil {
			_ = unix.Close(int(c.socket)) // nothing was written to it
		}
		return fmt.Errorf("watching the connection: %w", err)
	}
	return nil
}

// seat gives a client to the sender with the fewest, or to a new one.
func (t *takeover) seat(c *client) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		t.senders = slices.DeleteFunc(t.senders, func(s *sender) bool { return s.size() == 0 }) // it has ended
		var least *sender
		for _, s := range t.senders {
			if least == nil || s.size() < least.size() {
				least = s
			}
		}
		if least == nil || least.size() >= crowd && len(t.senders) < runtime.GOMAXPROCS(0) {
			var err error
			if least, err = newSender(t.of); err != nil {
				return err
			}
			t.senders = append(t.senders, least)
		}
		if taken, err := least.take(c); taken || err != nil {
			return err
		}
	}
}

// decline gives back what candidate has taken.
func (*takeover) decline(c *client) {
	if c != nil {
		c.owner.decline(c)
	}
}

// handOver takes over the connection of a stream whose header is written. It reports whether it has: then the request's handler
// returns at once.
func (t *takeover) handOver(c *client, h *Handled, r *http.Request) bool {
	own, ok := unwrapped(h.w)
	if !ok || h.w.Header().Get("Transfer-Encoding") != "" { // `identity` has net/http send no chunks
		return false
	}
	conn, buffered, err := http.NewResponseController(own).Hijack()
	if err != nil {
		return false
	}
	c.journal = h.journal
	c.stray, c.before, c.line = int32(buffered.Reader.Buffered()), int32(c.bytes), deferAccess(r)
	t.of.watch.replace(&h.stream, &c.stream)
	// net/http cancels this context when Caddy's server has returned, after all handlers
	context.AfterFunc(r.Context(), func() {
		if c.secure == nil {
			_ = conn.Close() // the client has a descriptor of its own
		} else {
			_ = conn.SetDeadline(time.Time{}) // a handler may have set one after the connection was taken over
		}
		c.since = c.counts.clock() // Caddy says in the access log how long it took until now
		c.begun.Store(true)
		c.reader.HandOver(c)
	})
	return true
}

// connKey is where a request's context has its connection.
type connKey struct{}

// Prepare prepares a server for connections that are taken over: its requests keep their connections, and its access log
// waits for the end of their streams. It is called while the server is provisioned.
func Prepare(server *caddyhttp.Server) {
	deferLines(server)
	server.RegisterConnContext(func(ctx context.Context, conn net.Conn) context.Context {
		if ctx.Value(connKey{}) != nil {
			return ctx // of another block
		}
		return WithConn(ctx, conn)
	})
}

// WithConn returns a request's context with its connection, which may be taken over.
func WithConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}
