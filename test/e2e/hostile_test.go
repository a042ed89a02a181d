package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// smuggled are header lines by which a request becomes another one, or two, somewhere on its way.
var smuggled = []string{
	"Transfer-Encoding: chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: chunked, identity",
	"Transfer-Encoding: identity", "X: x\nTransfer-Encoding: chunked", "Content-Length: 5", "Content-Length: +5", "Content-Length: 0005", "Content-Length: 5, 5",
	"Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: -1", "Content-Length : 5", "X-A: b\r\n folded: canary",
	"Connection: Authorization", "Connection: close, X-Requested-With", "Connection: upgrade\r\nUpgrade: websocket", "Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
	"Keep-Alive: timeout=1", "Proxy-Connection: close", "Proxy-Authorization: Basic canary", "Te: trailers", "Trailer: Authorization", "Upgrade: TLS/1.0",
	"Expect: 100-continue", "Expect: canary", "Host: canary.example", "X-Forwarded-Host: canary", "X-Forwarded-For: 127.0.0.1, canary", "Forwarded: for=canary",
	"X-Original-Url: /canary", "X-Rewrite-Url: /canary", "X-Http-Method-Override: DELETE", "Range: bytes=0-0", "If-None-Match: canary", "Via: 1.1 canary",
	"Max-Forwards: 0", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "X-Nul: a\x00b", "X-Cr: a\rX-B: canary", "Content-Type: canary/x\r\n\tX: y",
}

func TestHeadersThatSmuggleReachNoUpstream(t *testing.T) {
	var mu sync.Mutex
	var seen []*http.Request
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Header.Set("Test-Body", string(body))
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Clone(context.Background()))
		fmt.Fprint(w, "hello")
	})
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge /feed "+addr+" {\n\t\tinterval 1m\n\t}\n\trespond 404\n}")
	answered := make(map[string]int)
	for _, lines := range smuggled {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		// what follows the head is a body, chunks, or a request of its own, by how one reads it
		fmt.Fprintf(conn, "GET /feed HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s\r\n\r\n0\r\n\r\nGET /feed/canary HTTP/1.1\r\nHost: canary\r\n\r\n", s.Addr, lines)
		if err := conn.SetDeadline(time.Now().Add(testsite.Patience)); err != nil {
			t.Fatal(err)
		}
		stream := bufio.NewReader(conn)
		resp, err := http.ReadResponse(stream, nil)
		for err == nil && resp.StatusCode == http.StatusContinue {
			resp, err = http.ReadResponse(stream, nil)
		}
		if err != nil {
			t.Fatalf("%q: %v", lines, err)
		}
		if answered[resp.Status]++; resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%q: got %v", lines, resp.Header)
		}
		conn.Close()
	}
	t.Logf("%d requests were answered so: %v", len(smuggled), answered)
	testsite.Eventually(t, "all clients to be gone", func() bool { return clientsOf(t) == 0 })
	testsite.Subscribe(t, s.URL+"/feed").Want("hello")
	mu.Lock()
	defer mu.Unlock()
	allowed := []string{
		"Accept", "Content-Length", "User-Agent", "X-Requested-With", "Accept-Encoding", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Test-Body", "Content-Type",
	}
	for _, r := range seen {
		if r.RequestURI != "/feed" || r.Method != http.MethodGet || r.Host == "canary" {
			t.Errorf("the upstream got %s %s of %s", r.Method, r.RequestURI, r.Host)
		}
		for name, values := range r.Header {
			canary := strings.Contains(strings.Join(values, ""), "canary") && name != "Test-Body" && name != "Content-Type"
			if canary && name == "X-Forwarded-Host" && r.Host == values[0] {
				continue // the host that the client asked for is its own choice
			}
			if canary || !slices.Contains(allowed, name) {
				t.Errorf("%s: %q went upstream", name, values)
			}
		}
	}
}
