package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// client follows a feed on one node after another, and checks that every number comes once, and in order.
type client struct {
	id     int
	source *source
	nodes  []*node
	life   time.Duration // of a connection, on average; 0: for ever
	on     *node         // if it stays at one node
	heard  func(delivery)

	mu       sync.Mutex
	last     int // number
	at       string
	lost     int
	repeated int
	streams  int
	told     []string // what was wrong, and what the bridge said
}

// delivery is a number that came on a stream that was there before it was said.
type delivery struct {
	node   *node
	source *source
	said   time.Time
	came   time.Time
}

func (d delivery) delay() time.Duration { return d.came.Sub(d.said) }

var streamTransport = &http.Transport{DisableKeepAlives: true, DisableCompression: true}

// follow goes from node to node until the context ends.
func (c *client) follow(ctx context.Context) {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		if n := c.choose(); n != nil {
			c.listen(ctx, n)
		}
		again.Reset(20*time.Millisecond + rand.N(60*time.Millisecond))
	}
}

// choose returns a node that is there, as a load balancer does.
func (c *client) choose() *node {
	if c.on != nil {
		return c.on
	}
	for _, i := range rand.Perm(len(c.nodes)) {
		if n := c.nodes[i]; n.live.Load() {
			return n
		}
	}
	return nil
}

// listen reads a stream until it breaks, or its time is over.
func (c *client) listen(ctx context.Context, n *node) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.life > 0 {
		defer time.AfterFunc(time.Duration(rand.ExpFloat64()*float64(c.life)), cancel).Stop()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.addr+c.source.path, nil)
	if err != nil {
		panic(err) // the address is that of a listener
	}
	r.Host = "chat.test" // what clients ask for is a part of what makes a feed
	r.Header.Set("Accept", "text/event-stream")
	c.mu.Lock()
	if c.at != "" {
		r.Header.Set("Last-Event-ID", c.at)
	}
	c.streams++
	c.mu.Unlock()
	resp, err := streamTransport.RoundTrip(r)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.note("%s answered %s", n.name, resp.Status)
		return
	}
	opened := time.Now()
	testsite.ParseStream(resp.Body, func(e testsite.Received) { c.take(n, opened, e) }, func(string) {})
}

// take checks an event.
func (c *client) take(n *node, opened time.Time, e testsite.Received) {
	now := time.Now()
	var item struct {
		N int `json:"n"`
	}
	if e.Type != "" {
		c.note("%s said %s %s", n.name, e.Type, e.Data)
		return
	}
	if err := json.Unmarshal([]byte(e.Data), &item); err != nil {
		c.note("%s sent %q: %v", n.name, e.Data, err)
		return
	}
	c.mu.Lock()
	before, id := c.last, c.at
	c.last, c.at = max(c.last, item.N), e.ID
	repeats := before > 0 && item.N <= before
	gap := before > 0 && item.N > before+1 && c.source.kind != document
	if repeats {
		c.repeated++
	}
	if gap {
		c.lost += item.N - before - 1
	}
	c.mu.Unlock()
	switch {
	case repeats:
		c.note("%d came after %d (%q after %q)", item.N, before, e.ID, id)
	case gap:
		c.note("%d came after %d (%q after %q): %d were lost", item.N, before, e.ID, id, item.N-before-1)
	case before > 0:
		// whoever has a document is behind from its next version on
		if said := c.source.when(before + 1); opened.Before(said) {
			c.heard(delivery{n, c.source, said, now})
		}
	}
}

func (c *client) note(format string, a ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprintf("%s client %d of %s: %s", time.Now().Format(clock), c.id, c.source.path, fmt.Sprintf(format, a...))
	c.told = append(c.told, text)
}

// has reports whether the client has the newest number.
func (c *client) has() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last >= c.source.newest()
}
