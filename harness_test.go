package ssebridge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// patience is how long tests wait for what must come. Nothing is asserted of time with it.
const patience = time.Minute

// site is a running Caddy with one site. Caddy is one per process: tests that have a site
// must not run in parallel.
type site struct {
	t    *testing.T
	addr string
	url  string
}

// runCaddy runs Caddy with a Caddyfile, in which {{site}} is the address that the site listens
// on. It stops with the test.
func runCaddy(t *testing.T, caddyfile string) *site {
	t.Helper()
	addr := freeAddr(t)
	s := &site{t: t, addr: addr, url: "http://" + addr}
	s.reload(caddyfile)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return s
}

// reload loads a configuration, as `caddy reload` does.
func (s *site) reload(caddyfile string) {
	s.t.Helper()
	if err := s.load(caddyfile); err != nil {
		s.t.Fatalf("loading the configuration: %v", err)
	}
}

func (s *site) load(caddyfile string) error {
	config, err := adaptSite(strings.ReplaceAll(caddyfile, "{{site}}", s.url))
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

func adaptSite(caddyfile string) ([]byte, error) {
	global := "{\n\tadmin off\n\tpersist_config off\n\tauto_https disable_redirects\n\tlocal_certs\n\tskip_install_trust\n}\n"
	if strings.HasPrefix(strings.TrimSpace(caddyfile), "{\n") {
		global = ""
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(global+caddyfile), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// freeAddr returns an address of loopback that nobody listens on. Its port is below those that systems
// give to who asks for any, as each connection and test server does: nobody takes it meanwhile.
func freeAddr(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.N(12_000))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatalf("looking for a free port: %v", err)
	return ""
}

// backend serves a legacy backend and returns its address.
func backend(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.Listener.Addr().String()
}

// received is one event, as a client reads it from the wire.
type received struct {
	Type, Data, ID string
	Retry          string
}

// subscription is an open stream.
type subscription struct {
	t        *testing.T
	response *http.Response
	cancel   context.CancelFunc
	events   chan received // closed at the end of the stream
	retry    string        // what came after the last event
	mu       sync.Mutex
	comments []string
}

// subscribe opens a stream. Header fields come in pairs; Accept is there.
func subscribe(t *testing.T, url string, header ...string) *subscription {
	t.Helper()
	return subscribeWith(t, http.DefaultTransport, url, header...)
}

func subscribeWith(t *testing.T, transport http.RoundTripper, url string, header ...string) *subscription {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := knock(transport, r)
	if err != nil {
		t.Fatalf("opening the stream: %v", err)
	}
	s := &subscription{t: t, response: resp, cancel: cancel, events: make(chan received, 1<<16)}
	t.Cleanup(s.close)
	go s.read()
	return s
}

// knock makes a request without a body, and again where its connection was lost without an answer: just
// after a reload Caddy may drop those that the old configuration's listener has not yet accepted.
func knock(transport http.RoundTripper, r *http.Request) (resp *http.Response, err error) {
	for range 4 {
		if resp, err = transport.RoundTrip(r); err == nil {
			break
		}
	}
	return resp, err
}

func (s *subscription) close() {
	s.cancel()
	s.response.Body.Close()
}

// read takes in the stream to its end.
func (s *subscription) read() {
	defer close(s.events)
	s.retry = parseStream(s.response.Body, func(e received) { s.events <- e }, func(comment string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.comments = append(s.comments, comment)
	})
}

// parseStream parses a stream by the rules of the HTML standard, section 9.2.6, but keeps the id
// with the event that it came with. It returns the retry that came after the last event.
func parseStream(stream io.Reader, event func(received), comment func(string)) (retry string) {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 64<<20)
	var e received
	var data []string
	for lines.Scan() {
		line := lines.Text()
		field, text, _ := strings.Cut(line, ":")
		text = strings.TrimPrefix(text, " ")
		switch {
		case line == "":
			if data != nil {
				e.Data = strings.Join(data, "\n")
				event(e)
				e = received{}
			}
			data, e.Type, e.ID = nil, "", ""
		case field == "":
			comment(text)
		case field == "event":
			e.Type = text
		case field == "data":
			data = append(data, text)
		case field == "id":
			e.ID = text
		case field == "retry":
			e.Retry = text
		}
	}
	return e.Retry
}

// told reports whether a stream that has ended said last when to come back.
func (s *subscription) told() bool { return s.retry != "" }

// next waits for an event.
func (s *subscription) next() received {
	s.t.Helper()
	select {
	case e, ok := <-s.events:
		if !ok {
			s.t.Fatal("the stream has ended")
		}
		return e
	case <-time.After(patience):
		s.t.Fatal("no event came")
	}
	return received{}
}

// ended waits for the end of the stream.
func (s *subscription) ended() {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, ok := <-s.events:
			if !ok {
				return
			}
		case <-deadline:
			s.t.Fatal("the stream has not ended")
		}
	}
}

// hasComment waits for a comment.
func (s *subscription) hasComment(text string) {
	s.t.Helper()
	eventually(s.t, "the comment "+text, func() bool { return slices.Contains(s.seen(), text) })
}

// seen returns the comments that came so far.
func (s *subscription) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.comments)
}

// eventually waits for a condition of the outside world, where no simulated time reaches.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// chat is a legacy chat backend: `?lastId=N` answers with what came after N, and is held while
// there is nothing.
type chat struct {
	mu    sync.Mutex
	lines []string
	wake  chan struct{}
	polls []*http.Request
	hold  time.Duration
}

func newChat(hold time.Duration) *chat { return &chat{wake: make(chan struct{}), hold: hold} }

func (c *chat) say(lines ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, lines...)
	close(c.wake)
	c.wake = make(chan struct{})
}

func (c *chat) polled() []*http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*http.Request(nil), c.polls...)
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.polls = append(c.polls, r.Clone(context.Background()))
	c.mu.Unlock()
	since := 0
	fmt.Sscan(r.URL.Query().Get("lastId"), &since)
	deadline := time.After(c.hold)
	for {
		c.mu.Lock()
		lines, wake := c.lines, c.wake
		c.mu.Unlock()
		if since < len(lines) || c.hold == 0 {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"messages":[`)
			for i := since; i < len(lines); i++ {
				if i > since {
					fmt.Fprint(w, ",")
				}
				fmt.Fprintf(w, `{"id":%d,"text":%q}`, i+1, lines[i])
			}
			fmt.Fprint(w, `]}`)
			return
		}
		select {
		case <-wake:
		case <-deadline:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-r.Context().Done():
			return
		}
	}
}

// chatSite is the Caddyfile of a site in front of a chat.
func chatSite(upstream string, more ...string) string {
	return fmt.Sprintf(`{{site}} {
	sse_bridge /messages %s {
		long_poll
		items messages
		id id
		data text
		query lastId {sse.cursor}
		%s
	}
	respond 404
}`, upstream, strings.Join(more, "\n\t\t"))
}
