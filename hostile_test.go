package ssebridge

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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
	addr := backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Header.Set("Test-Body", string(body))
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Clone(context.Background()))
		fmt.Fprint(w, "hello")
	})
	s := runCaddy(t, "{{site}} {\n\tsse_bridge /feed "+addr+" {\n\t\tinterval 1m\n\t}\n\trespond 404\n}")
	answered := make(map[string]int)
	for _, lines := range smuggled {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		// what follows the head is a body, chunks, or a request of its own, by how one reads it
		fmt.Fprintf(conn, "GET /feed HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s\r\n\r\n0\r\n\r\nGET /feed/canary HTTP/1.1\r\nHost: canary\r\n\r\n", s.addr, lines)
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
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
	eventually(t, "all clients to be gone", func() bool { return clientsOf(t) == 0 })
	subscribe(t, s.url+"/feed").want("hello")
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

// mutated returns an event id made of one that is good by what attackers do to ids.
func mutated(random *rand.Rand) string {
	parts := []string{
		"42", "0~3.Zok5TkMq", "a,b", "!abc", "%", "%0d%0aX-Evil: 1", "\r\nX-Evil: 1", "\n\nevent: evil\ndata: x", "&admin=1", "#", "?", "=", ";", "/../", "/", "\\", "..", "%2e%2e%2f",
		"{env.HOME}", "{sse.cursor}", "{http.request.header.Authorization}", "\x00", "\xff\xfe", "\u2028", "\"}", `{"a":`, "'", "<", "http://evil.example/", "//evil.example", "~", "!", ",", " ", "+", "%zz",
		"18446744073709551616", "-1", "1e9", "null", strings.Repeat("A", 3000),
	}
	var b strings.Builder
	for range 1 + random.IntN(2) {
		part := parts[random.IntN(len(parts))]
		if random.IntN(3) == 0 {
			raw := []byte(part)
			raw[random.IntN(len(raw))] = byte(random.IntN(256))
			part = string(raw)
		}
		b.WriteString(part)
	}
	return b.String()
}

func TestMutatedEventIDsStayValuesOfTheirOwnFeed(t *testing.T) {
	control := func(text string) bool {
		return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
	}
	for _, test := range []struct {
		name  string
		lines []string
		check func(r *http.Request, body string) (id string, isValue bool) // where the id came, and whether as nothing but a value
	}{
		{"in the query", []string{"query since {sse.cursor}"}, func(r *http.Request, _ string) (string, bool) {
			q, err := url.ParseQuery(r.URL.RawQuery)
			others := len(q)
			if q.Has("since") {
				others--
			}
			return q.Get("since"), err == nil && r.URL.Path == "/feed" && len(q["since"]) <= 1 && others == 1 && q.Get("own") == "1" && !strings.ContainsAny(r.RequestURI, "# ")
		}},
		{"in the path", []string{"rewrite /feed/{sse.cursor}/news"}, func(r *http.Request, _ string) (string, bool) {
			if r.RequestURI == "/feed?own=1" {
				return "", true
			}
			path, found := strings.CutPrefix(r.URL.EscapedPath(), "/feed/")
			path, tail := strings.CutSuffix(path, "/news")
			return path, found && tail && !strings.ContainsAny(path, "/?# ") && path != ".." && r.URL.RawQuery == "own=1"
		}},
		{"in the header", []string{"header_up X-Since {sse.cursor}"}, func(r *http.Request, _ string) (string, bool) {
			id := r.Header.Get("X-Since")
			for name := range r.Header {
				if !slices.Contains([]string{"Accept", "Accept-Encoding", "Authorization", "User-Agent", "X-Requested-With", "X-Since"}, name) {
					return id, false
				}
			}
			return id, len(r.Header.Values("X-Since")) <= 1 && r.RequestURI == "/feed?own=1"
		}},
		{"in the body", []string{"method POST", `body {"since":"{sse.cursor}"}`}, func(r *http.Request, body string) (string, bool) {
			var value map[string]string
			if body != "" && (json.Unmarshal([]byte(body), &value) != nil || len(value) != 1) {
				return body, false
			}
			return value["since"], r.RequestURI == "/feed?own=1"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			asked := 0
			b := bridgeOf(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				id, isValue := test.check(r, string(body))
				lines := append(slices.Concat(slices.Collect(maps.Values(r.Header))...), r.RequestURI)
				if test.name != "in the body" {
					lines = append(lines, id)
				}
				if !isValue || slices.ContainsFunc(lines, control) && test.name != "in the query" || control(r.RequestURI) {
					t.Errorf("the upstream got %s %s %q %q", r.Method, r.RequestURI, r.Header, body)
				}
				if id != "" {
					asked++
				}
				fmt.Fprintf(w, `{"items":[{"id":"next","who":%q}]}`, r.Header.Get("Authorization"))
			}, append(test.lines, "interval 1h", "items items", "id id")...)
			ids := soak(250, 2500)
			for i := range ids {
				id, who := mutated(random), fmt.Sprintf("client %d;", i)
				reader, err := b.join(accept(t, b.plan, clientRequest("GET", "/feed?own=1", "", header("Authorization", who), header("Last-Event-ID", id))))
				if err != nil {
					t.Fatal(err)
				}
				// a path with a segment of dots is not asked for, which is a failed poll
				for text := ""; !strings.Contains(text, "who") && !strings.HasPrefix(text, ": "); {
					batch, err := reader.Next()
					if err != nil {
						t.Fatalf("%q: %v", id, err)
					}
					text = string(batch)
					if strings.Contains(text, "who") && !strings.Contains(text, `"`+who+`"`) || strings.Contains(text, "\nevent: evil") {
						t.Errorf("%q: got %q", id, text)
					}
				}
				reader.Close()
			}
			t.Logf("%d of %d ids were asked for", asked, ids)
			if asked < ids/5 {
				t.Error("too few ids are ids for this to tell anything")
			}
		})
	}
}
