// Package testbridge runs bridges without Caddy for tests. The connections of its clients are simulated, so
// that their time can be simulated too.
package testbridge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// Standalone is a bridge in a configuration of its own, without Caddy around it.
type Standalone struct {
	Bridge   *bridge.Bridge
	Instance *bridge.Instance
}

func New(b *bridge.Bridge) *Standalone {
	return &Standalone{b, &bridge.Instance{Logger: zap.NewNop(), Routes: make(map[upstream.Kind]caddyhttp.Handler)}}
}

// Chat returns a bridge in front of a chat, without Caddy around it.
// It has more JSON fields if some are given.
func Chat(t testing.TB, c *testsite.Chat, more ...string) *Standalone {
	t.Helper()
	b := Bridge(t, strings.Join(append(more, `"long_poll": "60s", "items": "messages", "id": "id", "data": "text", "query": [{"name": "lastId", "value": "{sse.cursor}"}]`), ", "))
	h := New(b)
	h.Instance.Routes[upstream.KindPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		c.ServeHTTP(w, r)
		return r.Context().Err()
	})
	b.Add(h.Instance)
	return h
}

// Serve answers one request as Caddy would.
func Serve(h *Standalone, w http.ResponseWriter, r *http.Request) error {
	return serveIn(new(caddyhttp.Server), h, w, r)
}

// serveIn answers one request as the given server of Caddy would.
func serveIn(server *caddyhttp.Server, h *Standalone, w http.ResponseWriter, r *http.Request) error {
	r.Header.Set("Accept", "text/event-stream")
	return h.Bridge.Serve(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, server))
}

// Client is a client whose connection is simulated, so that its time can be.
type Client struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the handler has returned
	header http.Header

	mu        sync.Mutex
	writes    []Write
	Status    int
	stalled   bool
	Deadlines int
	timer     *time.Timer
	expired   chan struct{}
	returned  time.Time
}

type Write struct {
	At   time.Time
	Text string
}

// Open lets a client come, whose handler runs until close or the stream's end.
func Open(t *testing.T, h *Standalone, stalled bool) *Client {
	return openRequest(t, h, "/messages", stalled)
}

// OpenWith lets a client come with header fields, which come in pairs.
func OpenWith(t *testing.T, h *Standalone, header ...string) *Client {
	return openRequest(t, h, "/messages", false, header...)
}

func openRequest(t *testing.T, h *Standalone, target string, stalled bool, header ...string) *Client {
	ctx, cancel := context.WithCancel(t.Context())
	c := &Client{cancel: cancel, done: make(chan struct{}), header: make(http.Header), stalled: stalled, expired: make(chan struct{})}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	go func() {
		defer close(c.done)
		if err := Serve(h, c, r); err != nil {
			t.Errorf("the handler returned %v", err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.returned = time.Now()
	}()
	return c
}

func (c *Client) Header() http.Header { return c.header }

func (c *Client) FlushError() error { return nil }

func (c *Client) WriteHeader(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Status = status
}

func (c *Client) Write(p []byte) (int, error) {
	c.mu.Lock()
	stalled := c.stalled && !strings.HasPrefix(string(p), "retry: ")
	if !stalled {
		c.writes = append(c.writes, Write{time.Now(), string(p)})
	}
	c.mu.Unlock()
	if stalled {
		<-c.expired
		return 0, os.ErrDeadlineExceeded
	}
	return len(p), nil
}

func (c *Client) SetWriteDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
		panic("a deadline is set after the handler has returned")
	default:
	}
	if c.Deadlines++; c.Deadlines == 1 {
		c.timer = time.AfterFunc(time.Until(at), func() { close(c.expired) })
	}
	return nil
}

// Ended returns when the handler returned, and the zero time if it has not.
func (c *Client) Ended() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.returned
}

func (c *Client) Written() []Write {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.writes)
}

// Leave closes the client's connection.
func (c *Client) Leave() {
	c.cancel()
	<-c.done
}

// Pass lets simulated time pass.
func Pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// End ends a bridge and waits for its watchdog: a goroutine that is left fails the test.
func End(t *testing.T, b *bridge.Bridge) {
	t.Helper()
	at := time.Now()
	if err := b.Destruct(); err != nil || time.Since(at) > 0 {
		t.Errorf("Destruct has blocked for %s and returned %v", time.Since(at), err)
	}
	Pass(2 * time.Second) // by then a watchdog has seen that it may go
	if n := b.Tally().Clients; n > 0 {
		t.Errorf("%d clients are left", n)
	}
}

// IsBusy reports whether a client was turned away softly: EventSource comes back by itself.
func (c *Client) IsBusy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Status == http.StatusOK && c.header.Get("Content-Type") == "text/event-stream" && !c.returned.IsZero() &&
		len(c.writes) == 1 && strings.HasPrefix(c.writes[0].Text, "retry: ") && strings.Contains(c.writes[0].Text, "\nevent: bridge.busy\n")
}

// Bridge returns a bridge of the given JSON fields, and an upstream.
func Bridge(t testing.TB, fields string) *bridge.Bridge {
	t.Helper()
	plan, err := testplan.JSON(t, fields).Compile()
	if err != nil {
		t.Fatal(err)
	}
	return bridge.New(plan)
}
