package ssebridge

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

func init() { caddy.RegisterModule(deadlineCounter{}) }

// countingWriter counts what a response writer is asked to do.
type countingWriter struct {
	http.ResponseWriter
	deadlines, flushes int
}

func (w *countingWriter) SetWriteDeadline(time.Time) error {
	w.deadlines++
	return nil
}

func (w *countingWriter) FlushError() error {
	w.flushes++
	return nil
}

// underIdleTimeout wraps a writer as Caddy's server does.
func underIdleTimeout(w http.ResponseWriter, http2 bool) (http.ResponseWriter, *http.Request) {
	iw := &caddyhttp.IdleTimeoutWriter{
		ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		Ctrl:                  http.NewResponseController(w),
		Deadline:              caddyhttp.IdleDeadline{Start: time.Now(), Timeout: time.Minute},
		Logger:                zap.NewNop(),
		ClearBetweenWrites:    http2,
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	return iw, r.WithContext(caddyhttp.ContextWithIdleTimeouts(r.Context(), nil, iw))
}

func TestDisarmedWritesSetNoDeadlines(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, disarmed := range []bool{false, true} {
			t.Run(fmt.Sprintf("HTTP/2 %t, disarmed %t", http2, disarmed), func(t *testing.T) {
				inner := &countingWriter{ResponseWriter: httptest.NewRecorder()}
				w, r := underIdleTimeout(inner, http2)
				if disarmed {
					disarm(r)
				}
				control := http.NewResponseController(&caddyhttp.ResponseWriterWrapper{ResponseWriter: w})
				for range 10 {
					if _, err := io.WriteString(w, "data: x\n\n"); err != nil {
						t.Fatal(err)
					}
					if err := control.Flush(); err != nil {
						t.Fatal(err)
					}
				}
				if none := inner.deadlines == 0; none != disarmed {
					t.Errorf("%d deadlines were set", inner.deadlines)
				}
				if inner.flushes != 10 {
					t.Errorf("%d flushes got through, want 10", inner.flushes)
				}
			})
		}
	}
}

func TestDisarmNeedsNoIdleTimeout(t *testing.T) {
	disarm(httptest.NewRequest(http.MethodGet, "/", nil)) // `write_idle_timeout -1`
}

func TestInnermostIsTheServersOwnWriter(t *testing.T) {
	types := make(chan string, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(own http.ResponseWriter, _ *http.Request) {
		w, _ := underIdleTimeout(own, false)
		w = &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}
		w = caddyhttp.NewResponseRecorder(w, nil, nil)
		if innermost(w) != own {
			t.Errorf("innermost found a %T, want a %T", innermost(w), own)
		}
		types <- fmt.Sprintf("%T", innermost(w))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	for _, http2 := range []bool{true, false} {
		client.Transport.(*http.Transport).ForceAttemptHTTP2 = http2
		if !http2 {
			client.Transport.(*http.Transport).CloseIdleConnections()
			client.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"http/1.1"}
		}
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := <-types; !strings.HasPrefix(got, "*http.") {
			t.Errorf("over %s it is a %s", resp.Proto, got)
		}
	}
}

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
	c := newChat(time.Minute)
	c.say("hello")
	config := fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tservers {\n\t\tmetrics\n\t\tlistener_wrappers {\n\t\t\tcount_deadlines\n\t\t}\n\t}\n}\n%s",
		strings.Replace(chatSite(backend(t, c.ServeHTTP)), "{{site}} {", "{{site}} {\n\tencode zstd gzip\n\tlog {\n\t\toutput file "+filepath.Join(t.TempDir(), "access.log")+"\n\t}\n", 1))
	s := runCaddy(t, config)

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
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/messages", nil)
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
	eventually(t, "the deadlines of a request without a stream", func() bool { return count() >= 2 })
	before, connection := count(), local

	client := subscribeWith(t, transport, s.url+"/messages", "Accept-Encoding", "gzip, zstd")
	client.next()
	if local != connection {
		t.Fatal("the stream has a connection of its own")
	}
	for i := range events {
		c.say(fmt.Sprint("line ", i))
		if e := client.next(); e.Data != fmt.Sprint("line ", i) {
			t.Fatalf("got %+v", e) // each has come before the next was said: it was flushed
		}
	}
	if n := count() - before; n > 0 {
		t.Errorf("%d deadlines were set for %d events", n, events)
	}
}
