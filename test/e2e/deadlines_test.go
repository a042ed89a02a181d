package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func init() { caddy.RegisterModule(deadlineCounter{}) }

// deadlineCounter is a listener wrapper that counts the write deadlines of its connections.
type deadlineCounter struct{}

var deadlines struct {
	mu     sync.Mutex
	counts map[string]int // by the client's address
}

func (deadlineCounter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners.count_deadlines", New: func() caddy.Module { return new(deadlineCounter) }}
}

func (*deadlineCounter) UnmarshalCaddyfile(*caddyfile.Dispenser) error { return nil }

func (deadlineCounter) WrapListener(l net.Listener) net.Listener { return countingListener{l} }

type countingListener struct{ net.Listener }

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c}, nil
}

type countingConn struct{ net.Conn }

func (c countingConn) SetWriteDeadline(at time.Time) error {
	deadlines.mu.Lock()
	deadlines.counts[c.RemoteAddr().String()]++
	deadlines.mu.Unlock()
	return c.Conn.SetWriteDeadline(at)
}

func TestStreamsSetNoDeadlinesBehindEncodeAndAccessLog(t *testing.T) {
	deadlines.counts = make(map[string]int)
	const events = 100
	c := testsite.NewChat(time.Minute)
	c.Say("hello")
	config := fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tservers {\n\t\tmetrics\n\t\tlistener_wrappers {\n\t\t\tcount_deadlines\n\t\t}\n\t}\n}\n%s",
		strings.Replace(testsite.ChatSite(testsite.Backend(t, c.ServeHTTP)), "{{site}} {", "{{site}} {\n\tencode zstd gzip\n\tlog {\n\t\toutput file "+filepath.Join(t.TempDir(), "access.log")+"\n\t}\n", 1))
	s := testsite.Run(t, config)

	var local string // the address of the stream's connection
	transport := &http.Transport{DisableCompression: true, MaxConnsPerHost: 1, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			local = c.LocalAddr().String()
		}
		return c, err
	}}
	defer transport.CloseIdleConnections()
	count := func() int {
		deadlines.mu.Lock()
		defer deadlines.mu.Unlock()
		return deadlines.counts[local]
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	// one at least for what is written, and the one by which net/http ends a request
	testsite.Eventually(t, "the deadlines of a request without a stream", func() bool { return count() >= 2 })
	before, connection := count(), local

	client := testsite.SubscribeWith(t, transport, s.URL+"/messages", "Accept-Encoding", "gzip, zstd")
	client.Next()
	if local != connection {
		t.Fatal("the stream has a connection of its own")
	}
	for i := range events {
		c.Say(fmt.Sprint("line ", i))
		if e := client.Next(); e.Data != fmt.Sprint("line ", i) {
			t.Fatalf("got %+v", e) // each has come before the next was said: it was flushed
		}
	}
	if n := count() - before; n > 0 {
		t.Errorf("%d deadlines were set for %d events", n, events)
	}
}
