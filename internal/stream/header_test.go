//go:build linux

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// inFront serves a bridge behind a handler, which gets the request's connection.
func inFront(t *testing.T, p testbridge.Path, handler func(h *testbridge.Standalone, conn *net.TCPConn, w http.ResponseWriter, r *http.Request)) (*testbridge.Standalone, net.Conn) {
	t.Helper()
	c := testsite.NewChat(time.Minute)
	c.Say("hello")
	h := testbridge.Chat(t, c)
	type connKey struct{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(h, r.Context().Value(connKey{}).(*net.TCPConn), w, r)
	}))
	s.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if ctx = context.WithValue(ctx, connKey{}, conn); p.Handler {
			return ctx
		}
		return stream.WithConn(ctx, conn)
	}
	s.Start()
	t.Cleanup(s.Close)
	h.Bridge.Streams.LookEvery(100 * time.Millisecond)
	h.Bridge.Streams.CutAfter(10)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, "GET /messages HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
	return h, conn
}

// fill writes to a connection until its socket takes no more.
func fill(conn *net.TCPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("getting the descriptor: %w", err)
	}
	for range 20 { // the kernel still moves some of it to the client
		time.Sleep(10 * time.Millisecond)
		full := error(nil)
		if err := raw.Control(func(fd uintptr) {
			for _, size := range []int{64 << 10, 1} {
				for full = nil; full == nil; {
					_, full = unix.Write(int(fd), make([]byte, size))
				}
			}
		}); err != nil {
			return fmt.Errorf("using the descriptor: %w", err)
		}
		if !errors.Is(full, unix.EAGAIN) {
			return fmt.Errorf("filling the socket: %w", full)
		}
	}
	return nil
}

func TestAClientThatDoesNotReadTheHeaderIsCut(t *testing.T) {
	for _, p := range []testbridge.Path{{}, {Handler: true}} {
		t.Run(p.String(), func(t *testing.T) {
			h, _ := inFront(t, p, func(h *testbridge.Standalone, conn *net.TCPConn, w http.ResponseWriter, r *http.Request) {
				if err := fill(conn); err != nil { // as the answer to the request before does
					t.Error(err)
				}
				if err := testbridge.Serve(h, w, r); err != nil {
					t.Error(err)
				}
			})
			testsite.Eventually(t, "the client to be cut", func() bool {
				now, ended := clients(h, "slow_client")
				return now == 0 && ended == 1
			})
		})
	}
}

// panicking is the writer of a handler in front that panics.
type panicking struct{ http.ResponseWriter }

func (panicking) WriteHeader(int) { panic(http.ErrAbortHandler) }

func (p panicking) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func TestAPanicInFrontClosesTheConnection(t *testing.T) {
	for _, p := range []testbridge.Path{{}, {Handler: true}} {
		t.Run(p.String(), func(t *testing.T) {
			h, conn := inFront(t, p, func(h *testbridge.Standalone, _ *net.TCPConn, w http.ResponseWriter, r *http.Request) {
				_ = testbridge.Serve(h, panicking{w}, r)
			})
			if err := conn.SetReadDeadline(time.Now().Add(testsite.Patience)); err != nil {
				t.Fatal(err)
			}
			if said, err := io.ReadAll(conn); len(said) > 0 || err != nil {
				t.Errorf("read %q, %v, want the end", said, err)
			}
			if now, _ := clients(h, ""); now != 0 {
				t.Errorf("there are %d clients", now)
			}
			if n := h.Bridge.Streams.Watched(); n != 0 {
				t.Errorf("%d streams are watched", n)
			}
		})
	}
}
