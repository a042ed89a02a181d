package e2e

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
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
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
	_, port, err := net.SplitHostPort(testport.Free(t))
	if err != nil {
		t.Fatal(err)
	}
	site = "https://localhost:" + port
	testsite.Run(t, strings.ReplaceAll(caddyfile, "{{site}}", site))
	testsite.Eventually(t, "the certificate", func() bool {
		conn, err := tls.Dial("tcp", "localhost:"+port, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return site
}

func TestStreamsAreTheSameInAllVersionsOfHTTP(t *testing.T) {
	for _, c := range []struct{ name, options, Site string }{
		{"alone", "", ""},
		{"with encode, metrics and access logs", "\tmetrics {\n\t\tper_host\n\t}", "\tlog {\n\t\toutput file {{log}}\n\t}\n\tencode zstd gzip\n\theader X-From caddy\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			chat := testsite.NewChat(time.Minute)
			access := filepath.Join(t.TempDir(), "access")
			_, options := global(t, c.options)
			site := strings.Replace(testsite.ChatSite(testsite.Backend(t, chat.ServeHTTP)), "{{site}} {\n", "{{site}} {\n"+strings.ReplaceAll(c.Site, "{{log}}", access), 1)
			url := runTLS(t, options+site) + "/messages"
			for version, transport := range transports(t) {
				said := len(chat.Lines)
				stream := testsite.SubscribeWith(t, transport, url, "Accept-Encoding", "zstd, gzip") // while nothing was said
				got := stream.Response
				if got.Proto != version || got.StatusCode != 200 || got.Header.Get("Content-Type") != "text/event-stream" {
					t.Errorf("%s: got %s %s %v", version, got.Proto, got.Status, got.Header)
				}
				if got.Header.Get("Content-Encoding") != "" || got.Header.Get("Connection") != "" {
					t.Errorf("%s: got %v", version, got.Header)
				}
				for range said {
					stream.Next()
				}
				chat.Say(version + " one")
				id := stream.Want(version + " one").ID
				chat.Say(version + " two")
				stream.Want(version + " two")
				stream.Close()
				testsite.Eventually(t, "the bridge to notice that the client has gone", func() bool { return clientsOf(t) == 0 })
				chat.Say(version + " three")

				again := testsite.SubscribeWith(t, transport, url, "Last-Event-ID", id)
				again.Want(version+" two", version+" three")
				again.Close()
				testsite.Eventually(t, "the bridge to notice that the client has gone", func() bool { return clientsOf(t) == 0 })
			}
			for _, r := range chat.Polled() {
				if r.Header.Get("X-Forwarded-Proto") != "https" || r.Header.Get("Early-Data") != "" {
					t.Errorf("a poll had %v", r.Header)
				}
			}
			if c.Site == "" {
				return
			}
			testsite.Eventually(t, "the streams in the access log", func() bool {
				content, _ := os.ReadFile(access)
				return strings.Count(string(content), `"status":200`) == 6
			})
		})
	}
}

func TestIdleStreamsAreKeptAliveInAllVersionsOfHTTP(t *testing.T) {
	addr, _ := testsite.Hanging(t)
	lines, idle := []string{"long_poll"}, 1
	if testsite.Soak(0, 1) == 0 {
		lines = append(lines, "keepalive 1s")
	} else {
		idle = 6 // of 15 s each
	}
	_, options := global(t)
	url := runTLS(t, options+testsite.BridgeSite(addr, lines...))
	streams := make(map[string]*testsite.Subscription)
	for version, transport := range transports(t) {
		streams[version] = testsite.SubscribeWith(t, transport, url)
	}
	began := time.Now()
	for n := 1; n <= idle; n++ {
		for version, stream := range streams {
			testsite.Eventually(t, "a comment over "+version, func() bool { return len(stream.Seen()) >= n }) // within 20 s
			if len(stream.Events) > 0 {
				t.Fatalf("%s: got %+v", version, stream.Next())
			}
		}
	}
	for version, stream := range streams {
		if stream.Response.Proto != version || clientsOf(t) != len(streams) {
			t.Errorf("%d streams, one of them over %s", clientsOf(t), stream.Response.Proto)
		}
		t.Logf("%s: %d comments in %s", version, len(stream.Seen()), time.Since(began).Round(time.Second))
	}
}

// A client that posts is noticed when it goes, too.
func TestAClientWithABodyIsNoticedWhenItGoes(t *testing.T) {
	chat := testsite.NewChat(time.Minute)
	chat.Say("one")
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or it would not notice that a poll has ended
		chat.ServeHTTP(w, r)
	})
	s := testsite.Run(t, testsite.ChatSite(addr, "method GET", "body a=1"))
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("POST /messages HTTP/1.1\r\nHost: " + s.Addr + "\r\nAccept: text/event-stream\r\nContent-Length: 3\r\n\r\na=2")); err != nil {
		t.Fatal(err)
	}
	testsite.Eventually(t, "the client to be in", func() bool { return clientsOf(t) == 1 })
	conn.Close()
	testsite.Eventually(t, "the bridge to notice that the client has gone", func() bool { return clientsOf(t) == 0 })
}
