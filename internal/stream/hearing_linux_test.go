package stream_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// vanish has a client hear nothing any more, and answer nothing, as if its network were cut.
func vanish(t *testing.T, conn net.Conn) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	discard := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
	if failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &discard[0]})
	}); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
}

func TestAClientThatHasVanishedIsNoticed(t *testing.T) {
	for _, p := range testbridge.Paths {
		t.Run(p.String(), func(t *testing.T) {
			c, h, s := chat(t, p)
			h.Bridge.Streams.LookEvery(20 * time.Millisecond)
			good, bad := open(t, s, p, "/messages", 0), open(t, s, p, "/messages", 0)
			good.line(t, "data: hello")
			bad.line(t, "data: hello")
			vanish(t, bad.tcp)
			c.Say("is anybody there?")
			good.line(t, "data: is anybody there?")
			goes(t, h)
			c.Say("one is")
			good.line(t, "data: one is")
		})
	}
}

func TestAClientOfHTTP2ThatHasVanishedIsNoticed(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	c.Say("hello")
	h := testbridge.Chat(t, c)
	h.Bridge.Streams.LookEvery(20 * time.Millisecond)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := testbridge.Serve(h, w, r); err != nil {
			t.Error(err)
		}
	}))
	s.EnableHTTP2, s.Config.ConnContext = true, stream.WithConn
	s.StartTLS()
	t.Cleanup(s.Close)
	var conns []net.Conn
	for range 2 {
		transport := s.Client().Transport.(*http.Transport).Clone()
		t.Cleanup(transport.CloseIdleConnections)
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			conns = append(conns, conn)
			return conn, err
		}
		answer, err := (&http.Client{Transport: transport}).Get(s.URL + "/messages")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		body := bufio.NewReader(answer.Body)
		if answer.ProtoMajor != 2 {
			t.Fatalf("got an answer over %s", answer.Proto)
		}
		for line := ""; !strings.HasPrefix(line, "data: hello"); {
			if line, err = body.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
	vanish(t, conns[0])
	c.Say("is anybody there?")
	goes(t, h)
}

// goes waits until one of two clients is gone.
func goes(t *testing.T, h *testbridge.Standalone) {
	t.Helper()
	testsite.Eventually(t, "a client to be gone", func() bool {
		now, gone := clients(h, "client_gone")
		return now == 1 && gone == 1
	})
}
