package ssebridge

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// transports are clients of each version of HTTP, which trust any certificate.
func transports(t *testing.T) map[string]http.RoundTripper {
	insecure := func() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
	one := &http.Transport{TLSClientConfig: insecure()}
	two := &http.Transport{TLSClientConfig: insecure(), ForceAttemptHTTP2: true}
	three := &http3.Transport{TLSClientConfig: insecure(), DisableCompression: true}
	t.Cleanup(func() {
		one.CloseIdleConnections()
		two.CloseIdleConnections()
		three.Close()
	})
	return map[string]http.RoundTripper{"HTTP/1.1": one, "HTTP/2.0": two, "HTTP/3.0": three}
}

// runTLS runs Caddy with a Caddyfile as runCaddy takes it, whose site has TLS, and returns its URL.
func runTLS(t *testing.T, caddyfile string) (site string) {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	site = "https://localhost:" + port
	runCaddy(t, strings.ReplaceAll(caddyfile, "{{site}}", site))
	eventually(t, "the certificate", func() bool {
		conn, err := tls.Dial("tcp", "localhost:"+port, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return site
}

func TestStreamsAreTheSameInAllVersionsOfHTTP(t *testing.T) {
	for _, c := range []struct{ name, options, site string }{
		{"alone", "", ""},
		{"with encode, metrics and access logs", "\tmetrics {\n\t\tper_host\n\t}", "\tlog {\n\t\toutput file {{log}}\n\t}\n\tencode zstd gzip\n\theader X-From caddy\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			chat := newChat(time.Minute)
			access := filepath.Join(t.TempDir(), "access")
			_, options := global(t, c.options)
			site := strings.Replace(chatSite(backend(t, chat.ServeHTTP)), "{{site}} {\n", "{{site}} {\n"+strings.ReplaceAll(c.site, "{{log}}", access), 1)
			url := runTLS(t, options+site) + "/messages"
			for version, transport := range transports(t) {
				said := len(chat.lines)
				stream := subscribeWith(t, transport, url, "Accept-Encoding", "zstd, gzip") // while nothing was said
				got := stream.response
				if got.Proto != version || got.StatusCode != 200 || got.Header.Get("Content-Type") != "text/event-stream" {
					t.Errorf("%s: got %s %s %v", version, got.Proto, got.Status, got.Header)
				}
				if got.Header.Get("Content-Encoding") != "" || got.Header.Get("Connection") != "" {
					t.Errorf("%s: got %v", version, got.Header)
				}
				for range said {
					stream.next()
				}
				chat.say(version + " one")
				id := stream.want(version + " one").ID
				chat.say(version + " two")
				stream.want(version + " two")
				stream.close()
				eventually(t, "the bridge to notice that the client has gone", func() bool { return clientsOf(t) == 0 })
				chat.say(version + " three")

				again := subscribeWith(t, transport, url, "Last-Event-ID", id)
				again.want(version+" two", version+" three")
				again.close()
				eventually(t, "the bridge to notice that the client has gone", func() bool { return clientsOf(t) == 0 })
			}
			for _, r := range chat.polled() {
				if r.Header.Get("X-Forwarded-Proto") != "https" || r.Header.Get("Early-Data") != "" {
					t.Errorf("a poll had %v", r.Header)
				}
			}
			if c.site == "" {
				return
			}
			eventually(t, "the streams in the access log", func() bool {
				content, _ := os.ReadFile(access)
				return strings.Count(string(content), `"status":200`) == 6
			})
		})
	}
}

func TestIdleStreamsAreKeptAliveInAllVersionsOfHTTP(t *testing.T) {
	addr, _ := hanging(t)
	lines, idle := []string{"long_poll"}, 1
	if soak(0, 1) == 0 {
		lines = append(lines, "keepalive 1s")
	} else {
		idle = 6 // of 15 s each
	}
	_, options := global(t)
	url := runTLS(t, options+bridgeSite(addr, lines...))
	streams := make(map[string]*subscription)
	for version, transport := range transports(t) {
		streams[version] = subscribeWith(t, transport, url)
	}
	began := time.Now()
	for n := 1; n <= idle; n++ {
		for version, stream := range streams {
			eventually(t, "a comment over "+version, func() bool { return len(stream.seen()) >= n }) // within 20 s
			if len(stream.events) > 0 {
				t.Fatalf("%s: got %+v", version, stream.next())
			}
		}
	}
	for version, stream := range streams {
		if stream.response.Proto != version || clientsOf(t) != len(streams) {
			t.Errorf("%d streams, one of them over %s", clientsOf(t), stream.response.Proto)
		}
		t.Logf("%s: %d comments in %s", version, len(stream.seen()), time.Since(began).Round(time.Second))
	}
}

// A client that posts is noticed when it goes, too.
func TestAClientWithABodyIsNoticedWhenItGoes(t *testing.T) {
	chat := newChat(time.Minute)
	chat.say("one")
	addr := backend(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or it would not notice that a poll has ended
		chat.ServeHTTP(w, r)
	})
	s := runCaddy(t, chatSite(addr, "method GET", "body a=1"))
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("POST /messages HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nContent-Length: 3\r\n\r\na=2")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the client to be in", func() bool { return clientsOf(t) == 1 })
	conn.Close()
	eventually(t, "the bridge to notice that the client has gone", func() bool { return clientsOf(t) == 0 })
}
