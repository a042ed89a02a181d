package stream

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// browser returns the fields of Caddy's line of a stream of a browser, one of several kinds.
func browser(i int) []zapcore.Field {
	r, _ := http.NewRequest(http.MethodGet, fmt.Sprintf("https://chat.example/rooms/%d/messages?since=%d", i%100, i), nil)
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = fmt.Sprintf("203.0.%d.%d:%d", i>>8&255, i&255, 1024+i)
	for name, value := range map[string]string{
		"Accept": "text/event-stream", "Accept-Encoding": "gzip, deflate, br, zstd", "Accept-Language": []string{"en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8"}[i%2],
		"Cache-Control": "no-cache", "Connection": "keep-alive", "Cookie": fmt.Sprintf("session=%064d", i), "Last-Event-Id": fmt.Sprintf("v1.%030d", i),
		"Referer": "https://chat.example/rooms", "Sec-Ch-Ua": `"Chromium";v="141", "Not?A_Brand";v="8"`, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin",
		"User-Agent": fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 130+i%10),
	} {
		r.Header.Set(name, value)
	}
	r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: "chat.example"}
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: fmt.Sprintf("203.0.%d.%d", i>>8&255, i&255)}))
	return caddys(r)
}

// program returns the fields of Caddy's line of a stream of a program that says no more than it must, such as curl.
func program(i int) []zapcore.Field {
	r, _ := http.NewRequest(http.MethodGet, "http://chat.example/messages", nil)
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = fmt.Sprintf("127.0.%d.1:%d", i&1, 20_000+i)
	r.Header = http.Header{"Accept": {"text/event-stream"}, "User-Agent": {"curl/8.14.1"}}
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: fmt.Sprintf("127.0.%d.1", i&1)}))
	return caddys(r)
}

// numbered returns the fields of Caddy's line of such a stream whose site gives each response an id.
func numbered(i int) []zapcore.Field {
	fields := program(i)
	fields[len(fields)-1].Interface.(caddyhttp.LoggableHTTPHeader).Header.Set("X-Request-Id", fmt.Sprintf("%036d", i))
	return fields
}

// caddys returns the fields of Caddy's line of a request.
func caddys(r *http.Request) []zapcore.Field {
	header := http.Header{"Server": {"Caddy"}, "Connection": {"close"}}
	SetHeader(header)
	return []zapcore.Field{
		zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r}),
		zap.Int("bytes_read", 0), zap.String("user_id", ""), zap.Duration("duration", time.Millisecond), zap.Int("size", 10), zap.Int("status", 200),
		zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: header}),
	}
}

// entry is what Caddy's logger says of a line.
func entry() zapcore.Entry {
	return zapcore.Entry{LoggerName: "http.log.access.log0", Message: "handled request", Time: time.Now()}
}

func TestALineThatWaitsTakesLittleMemory(t *testing.T) {
	for name, test := range map[string]struct {
		fields func(i int) []zapcore.Field
		most   uint64 // bytes
	}{
		"browser": {browser, 200},
		"program": {program, 90},
		"ids":     {numbered, 130},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 10_000
			all := make([]*accessLine, n)
			used := func() uint64 {
				for range 4 { // what was interned is forgotten one after another
					runtime.GC()
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			before := used()
			for i := range all {
				all[i] = new(accessLine)
				all[i].keep(entry(), test.fields(i))
			}
			each := (used() - before) / n
			t.Logf("%d bytes each, %d of them the first's own", each, len(all[0].own))
			if each > test.most {
				t.Errorf("a line takes %d bytes, want at most %d", each, test.most)
			}
			runtime.KeepAlive(all)
		})
	}
}

func BenchmarkAccessLineKeep(b *testing.B) {
	e, fields := entry(), browser(1)
	b.ReportAllocs()
	for b.Loop() {
		new(accessLine).keep(e, fields)
	}
}

func BenchmarkAccessLineWrite(b *testing.B) {
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zapcore.DebugLevel))
	line := new(accessLine)
	line.keep(entry(), browser(1))
	b.ReportAllocs()
	for b.Loop() {
		line.write(func() *zap.Logger { return logger }, time.Minute, 100)
	}
}

// BenchmarkCaddysLine is what Caddy does for such a line.
func BenchmarkCaddysLine(b *testing.B) {
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zapcore.DebugLevel))
	fields := browser(1)
	b.ReportAllocs()
	for b.Loop() {
		logger.WithLazy(fields[0]).Info("handled request", fields[1:]...)
	}
}

func TestInternedHeadersAreShared(t *testing.T) {
	var lines [2]accessLine
	for i := range lines {
		lines[i].keep(entry(), browser(20*i))
	}
	if lines[0].shape != lines[1].shape || lines[0].own == lines[1].own {
		t.Error("clients of the same browser share nothing")
	}
}
