package ssebridge

import (
	"context"
	"fmt"
	"math"
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
)

// standalone is a bridge in a configuration of its own, without Caddy around it.
type standalone struct {
	bridge   *bridge
	instance *instance
}

func newStandalone(b *bridge) *standalone { return &standalone{b, &instance{logger: zap.NewNop()}} }

// chatHandler returns a handler in front of a chat, without Caddy around it.
func chatHandler(t *testing.T, c *chat) *standalone {
	t.Helper()
	b := newTestBridge(t, `"long_poll": "60s", "items": "messages", "id": "id", "data": "text", "query": [{"name": "lastId", "value": "{sse.cursor}"}]`)
	h := newStandalone(b)
	h.instance.routes[aPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		c.ServeHTTP(w, r)
		return r.Context().Err()
	})
	b.add(h.instance)
	return h
}

// serveStream answers one request as Caddy would.
func serveStream(h *standalone, w http.ResponseWriter, r *http.Request) error {
	r.Header.Set("Accept", "text/event-stream")
	return h.bridge.serve(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server)))
}

// fakeClient is a client whose connection is simulated, so that its time can be.
type fakeClient struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the handler has returned
	header http.Header

	mu        sync.Mutex
	writes    []fakeWrite
	status    int
	stalled   bool
	deadlines int
	timer     *time.Timer
	expired   chan struct{}
	returned  time.Time
}

type fakeWrite struct {
	at   time.Time
	text string
}

// openFake lets a client come, whose handler runs until close or the stream's end.
func openFake(t *testing.T, h *standalone, stalled bool) *fakeClient {
	return openRequest(t, h, "/messages", stalled)
}

// openFakeWith lets a client come with header fields, which come in pairs.
func openFakeWith(t *testing.T, h *standalone, header ...string) *fakeClient {
	return openRequest(t, h, "/messages", false, header...)
}

func openRequest(t *testing.T, h *standalone, target string, stalled bool, header ...string) *fakeClient {
	ctx, cancel := context.WithCancel(t.Context())
	c := &fakeClient{cancel: cancel, done: make(chan struct{}), header: make(http.Header), stalled: stalled, expired: make(chan struct{})}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	go func() {
		defer close(c.done)
		if err := serveStream(h, c, r); err != nil {
			t.Errorf("the handler returned %v", err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.returned = time.Now()
	}()
	return c
}

func (c *fakeClient) Header() http.Header { return c.header }
func (c *fakeClient) FlushError() error   { return nil }

func (c *fakeClient) WriteHeader(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *fakeClient) Write(p []byte) (int, error) {
	c.mu.Lock()
	stalled := c.stalled && !strings.HasPrefix(string(p), "retry: ")
	if !stalled {
		c.writes = append(c.writes, fakeWrite{time.Now(), string(p)})
	}
	c.mu.Unlock()
	if stalled {
		<-c.expired
		return 0, os.ErrDeadlineExceeded
	}
	return len(p), nil
}

func (c *fakeClient) SetWriteDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
		panic("a deadline is set after the handler has returned")
	default:
	}
	if c.deadlines++; c.deadlines == 1 {
		c.timer = time.AfterFunc(time.Until(at), func() { close(c.expired) })
	}
	return nil
}

// ended returns when the handler returned, and the zero time if it has not.
func (c *fakeClient) ended() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.returned
}

func (c *fakeClient) written() []fakeWrite {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.writes)
}

// leave closes the client's connection.
func (c *fakeClient) leave() {
	c.cancel()
	<-c.done
}

// pass lets simulated time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// endTest ends a bridge and waits for its watchdog: a goroutine that is left fails the test.
func endTest(t *testing.T, b *bridge) {
	t.Helper()
	at := time.Now()
	if err := b.Destruct(); err != nil || time.Since(at) > 0 {
		t.Errorf("Destruct has blocked for %s and returned %v", time.Since(at), err)
	}
	pass(2 * look)
	b.streams.watch.mu.Lock()
	defer b.streams.watch.mu.Unlock()
	if b.streams.watch.running || len(b.streams.watch.streams) > 0 {
		t.Errorf("the watchdog still looks after %d streams", len(b.streams.watch.streams))
	}
}

func TestTheWatchdogNudgesSilentStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChat(time.Minute)
		c.say("one")
		h := chatHandler(t, c)
		client := openFake(t, h, false)
		pass(40 * time.Second)
		c.say("two")
		synctest.Wait()
		spoken := time.Now()
		pass(200 * time.Second)
		last, comments := client.written()[0].at, 0
		for _, w := range client.written() {
			gap := w.at.Sub(last)
			if last = w.at; w.text == ":\n\n" {
				if comments++; gap < defaultKeepalive {
					t.Errorf("a comment came after %s", gap)
				}
			}
			if gap > 20*time.Second {
				t.Errorf("the stream was silent for %s", gap)
			}
		}
		if time.Since(last) > 20*time.Second || comments < 10 {
			t.Errorf("%d comments, the last %s ago and %s after the last event", comments, time.Since(last), last.Sub(spoken))
		}
		client.leave()
		endTest(t, h.bridge)
	})
}

func TestAClientThatDoesNotReadIsCutAndNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChat(time.Minute)
		c.say("line 0")
		h := chatHandler(t, c)
		good := openFake(t, h, false)
		synctest.Wait()
		bad := openFake(t, h, true)
		synctest.Wait()
		stalled := time.Now()
		for i := 1; i <= 20; i++ {
			c.say(fmt.Sprint("line ", i))
			synctest.Wait()
			writes := good.written()
			if w := writes[len(writes)-1]; !w.at.Equal(time.Now()) || !strings.Contains(w.text, fmt.Sprintf("data: line %d\n", i)) {
				t.Fatalf("line %d has not come at once: the last write is %+v", i, w)
			}
			pass(time.Second)
		}
		if after := bad.ended().Sub(stalled); after < 10*time.Second || after > 12*time.Second {
			t.Errorf("the client that does not read was cut after %s, want 10 to 12 s", after)
		}
		if !good.ended().IsZero() || good.deadlines > 0 {
			t.Errorf("the other client's stream ended at %s, with %d deadlines", good.ended(), good.deadlines)
		}
		good.leave()
		endTest(t, h.bridge)
	})
}

func TestAtExitEachStreamHasHalfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChat(time.Minute)
		c.say("one")
		h := chatHandler(t, c)
		good, bad := openFake(t, h, false), openFake(t, h, true)
		pass(time.Second)
		at := time.Now()
		h.bridge.streams.watch.endNow()
		lateGood, lateBad := openFake(t, h, false), openFake(t, h, true)
		pass(5 * time.Second)
		for _, test := range []struct {
			name   string
			client *fakeClient
			want   time.Duration
		}{
			{"a client that reads", good, 0},
			{"one that does not", bad, exitWrite},
			{"one that comes now", lateGood, 0},
			{"one that comes now and does not read", lateBad, exitWrite},
		} {
			ended := test.client.ended()
			if ended.IsZero() || ended.Sub(at) > test.want {
				t.Errorf("%s: the stream ended at %s, %s after the exit began, want %s", test.name, ended, ended.Sub(at), test.want)
			}
			writes := test.client.written()
			if last := writes[len(writes)-1].text; test.want == 0 && !endsWithRetry.MatchString("\n"+last) {
				t.Errorf("%s: the last write is %q", test.name, last)
			}
		}
		endTest(t, h.bridge)
	})
}

func TestABridgeThatGoesEndsItsStreamsOneByOne(t *testing.T) {
	for name, stops := range map[string]bool{
		"its configuration stops": true,
		"its configuration fails": false, // when it has had clients already
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkSpread(t, stops) })
		})
	}
}

func checkSpread(t *testing.T, stops bool) {
	c := newChat(time.Minute)
	c.say("one")
	h := chatHandler(t, c)
	var clients []*fakeClient
	for range 50 {
		clients = append(clients, openFake(t, h, false))
	}
	gone := openFake(t, h, false)
	pass(time.Second)
	at := time.Now()
	comeAndGo := func() {
		late := openFake(t, h, false)
		synctest.Wait()
		if !late.ended().Equal(at) {
			t.Error("a client that comes later is kept")
		}
	}
	if stops {
		h.bridge.stopping(h.instance)
		comeAndGo()
	}
	h.bridge.remove(h.instance)
	if err := h.bridge.Destruct(); err != nil {
		t.Error(err)
	}
	if blocked := time.Since(at); blocked > 0 {
		t.Errorf("the end of the bridge has blocked for %s", blocked)
	}
	comeAndGo()
	gone.leave()
	pass(spread)
	perSecond := make(map[int]int)
	for _, client := range clients {
		ended := client.ended()
		if ended.IsZero() {
			t.Fatal("a stream has not ended")
		}
		perSecond[int(ended.Sub(at)/time.Second)]++
		writes := client.written()
		if last := writes[len(writes)-1].text; !endsWithRetry.MatchString("\n" + last) {
			t.Errorf("the last write is %q", last)
		}
	}
	for second := range int(spread / time.Second) {
		if n := perSecond[second]; n == 0 || n > len(clients)/2 {
			t.Errorf("%d of %d streams ended in second %d: %v", n, len(clients), second, perSecond)
		}
	}
	endTest(t, h.bridge)
}

func TestAStalledConnectionIsCutThroughItsSocket(t *testing.T) {
	c := newChat(time.Minute)
	c.say("hello")
	h := chatHandler(t, c)
	defer h.bridge.Destruct()
	h.bridge.streams.watch.every, h.bridge.streams.watch.hangs = 100*time.Millisecond, math.MaxInt32
	returned := make(chan string, 2)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := serveStream(h, w, r)
		returned <- fmt.Sprint(r.URL.Path, " ", err)
	}))
	defer func() {
		up.CloseClientConnections()
		up.Close()
	}()
	good := subscribe(t, up.URL+"/messages")
	good.next()
	openUnread(t, up.URL+"/unread")
	c.say(strings.Repeat("x", 3<<20))
	if e := good.next(); len(e.Data) != 3<<20 {
		t.Errorf("got %d bytes", len(e.Data))
	}
	for i := range 3 { // while the other hangs
		c.say(fmt.Sprint("line ", i))
		if e := good.next(); e.Data != fmt.Sprint("line ", i) || len(returned) > 0 {
			t.Errorf("got %+v; %d streams have ended", e, len(returned))
		}
	}
	h.bridge.streams.watch.mu.Lock()
	h.bridge.streams.watch.hangs = 10 // looks
	h.bridge.streams.watch.mu.Unlock()
	select {
	case path := <-returned:
		if path != "/unread <nil>" {
			t.Errorf("%s has ended", path)
		}
	case <-time.After(patience):
		t.Fatal("the client that does not read was not cut")
	}
	c.say("still there")
	if e := good.next(); e.Data != "still there" {
		t.Errorf("got %+v", e)
	}
	good.close()
	<-returned
}
