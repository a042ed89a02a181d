package stream

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

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
