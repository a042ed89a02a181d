package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// readers are many clients that read all that comes.
type readers struct {
	t    *testing.T
	ends []chan string // the last of each stream
	last []string      // what it was, once it has been checked
}

// open opens n streams and waits until each has had an event.
func (r *readers) open(url string, n int) {
	r.t.Helper()
	transport := &http.Transport{DisableCompression: true}
	r.t.Cleanup(transport.CloseIdleConnections)
	opened := make(chan error, n)
	for range n {
		end := make(chan string, 1)
		r.ends = append(r.ends, end)
		go func() {
			req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, nil)
			if err != nil {
				panic(err) // the URL is the test's own
			}
			req.Header.Set("Accept", "text/event-stream")
			resp, err := testsite.Knock(transport, req)
			if err != nil {
				opened <- err
				return
			}
			defer resp.Body.Close()
			lines := bufio.NewReader(resp.Body)
			for line := ""; err == nil && !strings.HasPrefix(line, "id: "); {
				line, err = lines.ReadString('\n')
			}
			opened <- err
			rest, err := io.ReadAll(lines)
			if err != nil {
				rest = fmt.Appendf(rest, " and the error %v", err)
			}
			end <- string(rest)
		}()
	}
	for range n {
		if err := <-opened; err != nil {
			r.t.Fatalf("opening a stream: %v", err)
		}
	}
}

// check waits for the ends of all streams. Each must have been told when to come back.
func (r *readers) check() {
	r.t.Helper()
	wrong := 0
	for _, end := range r.ends {
		select {
		case got := <-end:
			r.last = append(r.last, got)
			if !testsite.EndsWithRetry.MatchString(got) {
				if wrong++; wrong <= 3 {
					r.t.Errorf("a stream ended so: %q", got[max(0, len(got)-200):])
				}
			}
		case <-time.After(testsite.Patience):
			r.t.Fatal("a stream has not ended")
		}
	}
	if wrong > 0 {
		r.t.Errorf("%d streams of %d ended wrongly", wrong, len(r.ends))
	}
}

// spread checks that the clients do not come back all at once: with so few of them, a fifth in one
// second is allowed.
func (r *readers) spread() {
	r.t.Helper()
	var back []time.Duration
	for _, end := range r.last {
		if wait := testsite.EndsWithRetry.FindStringSubmatch(end); wait != nil {
			d, err := time.ParseDuration(wait[1] + "ms")
			if err != nil {
				r.t.Fatal(err)
			}
			back = append(back, d)
		}
	}
	if n := testsite.Crowd(back); 5*n > len(back) {
		r.t.Errorf("%d of %d clients are told to come back in the same second", n, len(back))
	}
}

// exitSite is a site with a chat and with a document of 3 MB.
func exitSite(upstream string, more ...string) string {
	return strings.Replace(testsite.ChatSite(upstream, more...), "respond 404", "sse_bridge /big "+upstream+"\n\trespond 404", 1)
}

// soonest is how long an exit may take.
const soonest = 2 * time.Second

// soon checks that an exit takes no longer, by the time in which the machine lets the process and its clients run. Threads of theirs may
// still have waited for a processor, but not three times. A process that is held up may cut streams off: how they end is checked of an
// exit that is not.
func soon(t *testing.T, exits func() (e exit, check func())) {
	t.Helper()
	late := 0
	for range 5 {
		e, check := exits()
		t.Logf("exited after %s, of which it ran for %s", e.took, e.ran)
		switch {
		case e.ran > soonest:
			if late++; late == 3 {
				t.Fatalf("three times Caddy took too long to exit, the last time %s, want at most %s", e.ran, soonest)
			}
		case !e.held():
			check()
			return
		}
	}
	t.Log("the machine is too busy to tell how streams end")
}

func TestSIGTERMEndsAllStreamsSoon(t *testing.T) {
	streams := testsite.Soak(120, 1000)
	for _, test := range []struct {
		name   string
		reload func(p *process, upstream string, r *readers)
	}{
		{"at once", func(*process, string, *readers) {}},
		{"after reloads that leave the bridge alone", func(p *process, upstream string, r *readers) {
			for range 2 {
				p.reload(exitSite(upstream) + "\n" + strings.Replace(p.url, "127.0.0.1", "unrelated.example", 1) + " {\n\trespond ok\n}")
				r.open(p.url+"/messages", streams/3)
				p.reload(exitSite(upstream))
			}
		}},
		{"after a reload that changes the bridge", func(p *process, upstream string, r *readers) {
			p.reload(exitSite(upstream, "retry 5s"))
			r.open(p.url+"/messages", streams/3)
		}},
		{"after a reload that removes the bridge", func(p *process, _ string, _ *readers) {
			p.reload("{{site}} {\n\trespond 404\n}")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testsite.NewChat(time.Minute)
			c.Say("hello")
			big := strings.Repeat("x", 3<<20)
			up := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/big" {
					io.WriteString(w, big)
					return
				}
				c.ServeHTTP(w, r)
			})
			soon(t, func() (exit, func()) {
				p := startCaddy(t, exitSite(up))
				r := &readers{t: t}
				r.open(p.url+"/messages", streams)
				testsite.OpenUnread(t, p.url+"/big")
				test.reload(p, up, r)
				return p.terminate(), func() {
					r.check()
					r.spread()
				}
			})
		})
	}
}

// TestSIGTERMEndsStreamsThatNobodyReadsOverTLS leaves out an HTTP/3 client that does not read: Caddy
// waits until it has closed its connection.
func TestSIGTERMEndsStreamsThatNobodyReadsOverTLS(t *testing.T) {
	big := strings.Repeat("x", 7<<20) // more than a client takes in unread
	up := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			io.WriteString(w, big)
			return
		}
		io.WriteString(w, "hello")
	})
	soon(t, func() (exit, func()) { return exitOverTLS(t, up) })
}

// exitOverTLS has a Caddy exit with clients of each version of HTTP, and returns what checks their streams.
func exitOverTLS(t *testing.T, up string) (e exit, check func()) {
	t.Helper()
	_, port, err := net.SplitHostPort(testport.Free(t))
	if err != nil {
		t.Fatal(err)
	}
	site := "https://localhost:" + port
	p := startCaddy(t, "{{site}} {\n\trespond 404\n}\n"+site+" {\n\ttls internal\n\tsse_bridge "+up+"\n}")
	testsite.Eventually(t, "the certificate", func() bool {
		conn, err := tls.Dial("tcp", "localhost:"+port, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	good := make(map[string]*testsite.Subscription)
	for version, transport := range transports(t) {
		good[version] = testsite.SubscribeWith(t, transport, site)
		good[version].Want("hello")
	}
	for version, transport := range transports(t) {
		if version == "HTTP/3.0" {
			continue
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+"/big", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		unread, err := transport.RoundTrip(r)
		if err != nil || unread.Proto != version {
			t.Fatalf("%s: %+v, %v", version, unread, err)
		}
		t.Cleanup(func() { unread.Body.Close() })
		if _, err := unread.Body.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	return p.terminate(), func() {
		for version, stream := range good {
			stream.Ended()
			if !stream.Told() {
				t.Errorf("%s: the stream ended without a word", version)
			}
		}
	}
}
