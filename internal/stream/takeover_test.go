//go:build linux

package stream_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// socket is a client's connection, and the answer to the request that it has sent.
type socket struct {
	net.Conn
	tcp    *net.TCPConn
	answer *http.Response
	body   *bufio.Reader
}

// open opens a stream by hand. A receive buffer of 0 bytes is the system's.
func open(t testing.TB, s *testbridge.Server, p testbridge.Path, path string, buffer int) *socket {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if buffer == 0 {
			return nil
		}
		if failed := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer)
		}); failed != nil {
			return failed
		}
		return err
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &socket{Conn: conn, tcp: conn.(*net.TCPConn)}
	if p.TLS {
		c.Conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n", path)
	if c.answer, err = http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	c.body = bufio.NewReader(c.answer.Body)
	return c
}

// line reads the next line that begins with a text.
func (c *socket) line(t testing.TB, begins string) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(testsite.Patience)); err != nil {
		t.Fatal(err)
	}
	for {
		line, err := c.body.ReadString('\n')
		if err != nil {
			t.Fatalf("reading a line %q: %v", begins, err)
		}
		if text, ok := strings.CutPrefix(line, begins); ok {
			return strings.TrimSuffix(text, "\n")
		}
	}
}

func chat(t *testing.T, p testbridge.Path) (*testsite.Chat, *testbridge.Standalone, *testbridge.Server) {
	t.Helper()
	c := testsite.NewChat(time.Minute)
	c.Say("hello")
	h := testbridge.Chat(t, c)
	return c, h, testbridge.Listen(t, h, p)
}

func TestAStreamGoesOnAfterItsHandlerWhereItsConnectionIsTakenOver(t *testing.T) {
	for _, p := range testbridge.Paths {
		t.Run(p.String(), func(t *testing.T) {
			c, h, s := chat(t, p)
			client := open(t, s, p, "/messages", 0)
			client.line(t, "data: hello")
			if !p.Handler {
				select {
				case <-s.Returned:
				case <-time.After(testsite.Patience):
					t.Fatal("the handler has not returned")
				}
			}
			if got := len(s.Returned) > 0; got {
				t.Error("another handler has returned")
			}
			if client.answer.Close == p.Handler || client.answer.TransferEncoding[0] != "chunked" {
				t.Errorf("the answer closes its connection: %t, and is %s", client.answer.Close, client.answer.TransferEncoding)
			}
			for i := range 10 {
				c.Say(fmt.Sprint("line ", i))
				if got, want := client.line(t, "data: "), fmt.Sprint("line ", i); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			h.Bridge.Streams.EndNow()
			client.line(t, "retry: ")
			if rest, err := io.ReadAll(client.body); string(rest) != "\n" || err != nil {
				t.Errorf("behind the last line there are %q, %v", rest, err)
			}
			testsite.Eventually(t, "the client to be gone", func() bool {
				now, ended := clients(h, "stopping")
				return now == 0 && ended == 1
			})
		})
	}
}

func TestStreamsThatAreTakenOverNeedNoGoroutines(t *testing.T) {
	for _, p := range []testbridge.Path{{}, {TLS: true}} {
		t.Run(p.String(), func(t *testing.T) {
			c, _, s := chat(t, p)
			open(t, s, p, "/messages", 0).line(t, "data: hello")
			before := runtime.NumGoroutine()
			var all []*socket
			for range 100 {
				client := open(t, s, p, "/messages", 0)
				client.line(t, "data: hello")
				all = append(all, client)
			}
			testsite.Eventually(t, "the goroutines of the requests to end", func() bool { return runtime.NumGoroutine() < before+20 })
			c.Say("to all")
			for _, client := range all {
				client.line(t, "data: to all")
			}
		})
	}
}

func TestWhatAClientDoesToItsStream(t *testing.T) {
	for name, test := range map[string]struct {
		does  func(c *socket) error
		stays bool
		only  func(p testbridge.Path) bool
	}{
		"sends a little": {
			does:  func(c *socket) error { _, err := c.Write(make([]byte, 1000)); return err },
			stays: true,
		},
		"asks again on the same connection": {
			does: func(c *socket) error {
				_, err := io.WriteString(c, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
				return err
			},
			stays: true,
		},
		"sends much": {
			does: func(c *socket) error { _, err := c.Write(make([]byte, 100<<10)); return err },
			only: func(p testbridge.Path) bool { return !p.Handler }, // net/http leaves it to the socket
		},
		"leaves":          {does: func(c *socket) error { return c.Close() }},
		"closes its side": {does: func(c *socket) error { return c.tcp.CloseWrite() }},
		"resets":          {does: func(c *socket) error { _ = c.tcp.SetLinger(0); return c.tcp.Close() }},
		"says close_notify": {
			does: func(c *socket) error { return c.Conn.(*tls.Conn).CloseWrite() },
			only: func(p testbridge.Path) bool { return p.TLS },
		},
	} {
		for _, p := range testbridge.Paths {
			if test.only != nil && !test.only(p) {
				continue
			}
			t.Run(name+", "+p.String(), func(t *testing.T) {
				c, h, s := chat(t, p)
				good, client := open(t, s, p, "/messages", 0), open(t, s, p, "/messages", 0)
				good.line(t, "data: hello")
				client.line(t, "data: hello")
				if err := test.does(client); err != nil {
					t.Logf("the client: %v", err) // it may have been cut meanwhile
				}
				if !test.stays {
					testsite.Eventually(t, "the stream to end", func() bool {
						now, ended := clients(h, "client_gone")
						return now == 1 && ended == 1
					})
				}
				c.Say("on it goes")
				good.line(t, "data: on it goes")
				if test.stays {
					client.line(t, "data: on it goes")
				}
			})
		}
	}
}

func TestAStalledConnectionIsCutThroughItsSocket(t *testing.T) {
	for _, p := range testbridge.Paths {
		t.Run(p.String(), func(t *testing.T) {
			c, h, s := chat(t, p)
			h.Bridge.Streams.LookEvery(100 * time.Millisecond)
			good, bad := open(t, s, p, "/messages", 0), open(t, s, p, "/unread", 4096)
			good.line(t, "data: hello")
			bad.line(t, "data: hello")
			c.Say(strings.Repeat("x", 3<<20))
			if got := good.line(t, "data: "); len(got) != 3<<20 {
				t.Errorf("got %d bytes", len(got))
			}
			for i := range 3 { // while the other hangs
				c.Say(fmt.Sprint("line ", i))
				if got, want := good.line(t, "data: "), fmt.Sprint("line ", i); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				if now, _ := clients(h, ""); now != 2 {
					t.Errorf("there are %d clients", now)
				}
			}
			h.Bridge.Streams.CutAfter(10)
			testsite.Eventually(t, "the client that does not read to be cut", func() bool {
				now, ended := clients(h, "slow_client")
				return now == 1 && ended == 1
			})
			c.Say("still there")
			good.line(t, "data: still there")
		})
	}
}

func TestAClientThatReadsSlowlyIsNotCut(t *testing.T) {
	t.Parallel()
	for _, p := range testbridge.Paths {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			c, h, s := chat(t, p)
			h.Bridge.Streams.LookEvery(100 * time.Millisecond)
			client := open(t, s, p, "/messages", 0)
			client.line(t, "data: hello")
			h.Bridge.Streams.CutAfter(25)
			c.Say(strings.Repeat("x", 7<<20)) // more than the kernel takes for a client that does not read
			ticker := time.NewTicker(50 * time.Millisecond)
			defer ticker.Stop()
			piece := make([]byte, 10<<10) // 200 KiB a second
			for i := range 100 {
				if _, err := io.ReadFull(client.body, piece); err != nil {
					t.Fatalf("after %d KiB: %v", 10*i, err)
				}
				<-ticker.C
			}
			if now, slow := clients(h, "slow_client"); now != 1 || slow != 0 {
				t.Errorf("there are %d clients, and %d were cut", now, slow)
			}
		})
	}
}

func TestAnEventThatIsNotWrittenAsAWholeIsNotCounted(t *testing.T) {
	for _, p := range testbridge.Paths {
		t.Run(p.String(), func(t *testing.T) {
			c := testsite.NewChat(time.Minute)
			c.Say("hello")
			h := testbridge.Chat(t, c)
			core, logs := observer.New(zapcore.InfoLevel)
			h.Instance.Logger = zap.New(core)
			s := testbridge.Listen(t, h, p)
			h.Bridge.Streams.LookEvery(100 * time.Millisecond)
			client := open(t, s, p, "/messages", 4096)
			client.line(t, "data: hello")
			c.Say(strings.Repeat("x", 7<<20))
			h.Bridge.Streams.CutAfter(10)
			testsite.Eventually(t, "the client that does not read to be cut", func() bool {
				now, ended := clients(h, "slow_client")
				return now == 0 && ended == 1
			})
			if tally := h.Bridge.Tally(); tally.Deliveries != 1 || tally.Bytes > 1000 {
				t.Errorf("counted are %d events and %d bytes", tally.Deliveries, tally.Bytes)
			}
			ends := logs.FilterMessage("stream ended").All()
			if len(ends) != 1 || ends[0].ContextMap()["events"] != int64(1) || ends[0].ContextMap()["bytes"].(int64) > 1000 {
				t.Errorf("the log says %+v", ends)
			}
		})
	}
}

func TestAtExitAStalledConnectionHasHalfASecond(t *testing.T) {
	for _, p := range testbridge.Paths {
		t.Run(p.String(), func(t *testing.T) {
			c, h, s := chat(t, p)
			good, bad := open(t, s, p, "/messages", 0), open(t, s, p, "/messages", 4096)
			good.line(t, "data: hello")
			bad.line(t, "data: hello")
			c.Say(strings.Repeat("x", 3<<20))
			good.line(t, "data: ")
			clock, began := testclock.New(t), time.Now()
			h.Bridge.Streams.EndNow()
			good.line(t, "retry: ")
			testsite.Eventually(t, "both to be gone", func() bool {
				now, _ := clients(h, "")
				return now == 0
			})
			if took := time.Since(began); took < stream.ExitWrite || clock.Now() > stream.ExitWrite+5*time.Second {
				t.Errorf("the exit has waited for %s", took)
			}
		})
	}
}

func TestAllThatIsSaidArrivesHoweverSlowlyAClientReads(t *testing.T) {
	for _, p := range testbridge.Paths {
		t.Run(p.String(), func(t *testing.T) {
			c, h, s := chat(t, p)
			h.Bridge.Streams.LookEvery(time.Second) // and cut nobody, however long its turn is in coming
			random := rand.New(rand.NewPCG(3, uint64(len(p.String()))))
			var all []*socket
			for range 8 {
				client := open(t, s, p, "/messages", 4096)
				client.line(t, "data: hello")
				all = append(all, client)
			}
			var said []string
			for i := range 30 {
				said = append(said, fmt.Sprint(i, " ", strings.Repeat("x", random.IntN(100_000))))
			}
			go func() {
				for _, text := range said {
					c.Say(text)
				}
			}()
			for _, client := range all { // one after another, so that the others are written to again and again
				for i, want := range said {
					if got := client.line(t, "data: "); got != want {
						t.Fatalf("event %d: got %.30q of %d bytes, want %.30q of %d", i, got, len(got), want, len(want))
					}
				}
			}
		})
	}
}

func TestWithoutDescriptorsAStreamIsWrittenByItsHandler(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	c.Say("hello")
	h := testbridge.Chat(t, c)
	core, logs := observer.New(zapcore.WarnLevel)
	h.Instance.Logger = zap.New(core)
	first := testbridge.Listen(t, h, testbridge.Path{})
	open(t, first, testbridge.Path{}, "/messages", 0).line(t, "data: hello") // the backend is polled

	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	limit := func(to uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: to, Max: before.Max}); err != nil {
			t.Errorf("limiting the descriptors: %v", err)
		}
	}
	returned := make(chan bool, 2)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit(3)
		defer limit(before.Cur)
		if err := testbridge.Serve(h, w, r); err != nil {
			t.Error(err)
		}
		returned <- true
	}))
	s.Config.ConnContext = stream.WithConn
	s.Start()
	defer s.Close()
	var all []*socket
	for range 2 {
		client := open(t, &testbridge.Server{Server: s}, testbridge.Path{}, "/messages", 0)
		client.line(t, "data: hello")
		limit(before.Cur)
		all = append(all, client)
	}
	c.Say("by their handlers")
	for _, client := range all {
		client.line(t, "data: by their handlers")
		client.Close()
	}
	<-returned
	<-returned
	if list := logs.FilterMessageSnippet("cannot be taken over").All(); len(list) != 1 {
		t.Errorf("the operator is told %d times", len(list))
	} else if said := fmt.Sprint(list[0].ContextMap()["error"]); !strings.Contains(said, "duplicating the connection's descriptor: too many open files") {
		t.Errorf("the operator is told: %s", said)
	}
}

func TestAClientThatDoesNotReadTheEndIsSlow(t *testing.T) {
	for _, p := range testbridge.Paths {
		t.Run(p.String(), func(t *testing.T) {
			h := testbridge.New(testbridge.Bridge(t, `"long_poll": "60s", "items": "messages", "id": "id", "data": "text", "end": [{"value": "over"}], "query": [{"name": "lastId", "value": "{sse.cursor}"}]`))
			said := make(chan string)
			h.Instance.Routes[upstream.KindPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
				select {
				case answer := <-said:
					_, err := io.WriteString(w, answer)
					return err
				case <-r.Context().Done():
					return r.Context().Err()
				}
			})
			h.Bridge.Add(h.Instance)
			s := testbridge.Listen(t, h, p)
			h.Bridge.Streams.LookEvery(100 * time.Millisecond)
			say := func(id, size int, over bool) {
				said <- fmt.Sprintf(`{"messages":[{"id":%d,"text":%q}],"over":%t}`, id, strings.Repeat("x", size), over)
			}
			go say(1, 1, false)
			client := open(t, s, p, "/messages", 4096)
			client.line(t, "data: x")
			say(2, 20<<10, false)
			testsite.Eventually(t, "the event to be written", func() bool { return h.Bridge.Tally().Deliveries == 2 })
			say(3, 60<<10, true) // with the end behind it, which the system has no room for
			h.Bridge.Streams.CutAfter(10)
			testsite.Eventually(t, "the client that does not read to be cut", func() bool {
				now, _ := clients(h, "")
				return now == 0
			})
			if _, slow := clients(h, "slow_client"); slow != 1 {
				t.Errorf("the streams ended so: %+v", h.Bridge.Tally().Ended)
			}
		})
	}
}
