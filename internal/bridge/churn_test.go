package bridge

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// churn is a bridge with clients that come with ids of all sorts to a few dozen paths, and go again.
type churn struct {
	bridge  *Bridge
	here    sync.RWMutex // read-held by clients
	clients sync.WaitGroup
	done    chan struct{}
}

// TestTenMinutesOfRealChurnTakeNoMoreThanTheFirst is in real time: simulated timers that were stopped keep
// what they hold.
func TestTenMinutesOfRealChurnTakeNoMoreThanTheFirst(t *testing.T) {
	if testsite.Soak(0, 1) == 0 {
		t.Skip("it takes ten minutes: make soak runs it")
	}
	born := time.Now()
	b := bridgeOf(t, func(w http.ResponseWriter, r *http.Request) {
		now, since := int(time.Since(born)/(100*time.Millisecond)), 0
		if id := r.URL.Query().Get("since"); id != "" {
			since, _ = strconv.Atoi(id)
		}
		_, _ = io.WriteString(w, `{"items":[`)
		for n, between := max(since, now-50)+1, ""; n <= now; n, between = n+1, "," {
			fmt.Fprintf(w, `%s{"id":%d,"text":"%0500d"}`, between, n, n)
		}
		_, _ = io.WriteString(w, `]}`)
	}, "interval 100ms", "items items", "id id", "query since {sse.cursor}", "replay 64")
	c := &churn{bridge: b, done: make(chan struct{})}
	for range 100 {
		c.clients.Go(func() { c.comeAndGo(t, born) })
	}
	var level int
	for minute := 1; minute <= 10; minute++ {
		<-time.After(time.Minute)
		heap := c.measure(t)
		t.Logf("%d KB in use after %d minutes", heap>>10, minute)
		if level == 0 {
			level = heap
		}
		if heap > level+level/10 {
			t.Errorf("after %d minutes the heap has %d bytes, after the first %d", minute, heap, level)
		}
	}
	close(c.done)
	c.clients.Wait()
	testsite.Eventually(t, "the end of all feeds", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.feeds.byKey) == 0 && len(b.feeds.about.all()) == 0 && len(b.feeds.polls) == 0
	})
	if n := b.config.Budget.Used(); n != 0 {
		t.Errorf("%d bytes in logs when nobody is there", n)
	}
}

// comeAndGo is one client after another.
func (c *churn) comeAndGo(t *testing.T, born time.Time) {
	for {
		select {
		case <-c.done:
			return
		default:
			c.visit(t, born)
		}
	}
}

// visit is one client. Some come with an id that is known, or too old, or made up.
func (c *churn) visit(t *testing.T, born time.Time) {
	c.here.RLock()
	defer c.here.RUnlock()
	request := testsite.ClientRequest("GET", fmt.Sprint("/messages/", rand.IntN(60)), "")
	if now := int(time.Since(born) / (100 * time.Millisecond)); rand.IntN(2) > 0 {
		request.Header.Set("Last-Event-ID", [...]string{
			strconv.Itoa(now), strconv.Itoa(rand.IntN(now + 1)), strconv.Itoa(1_000_000 + rand.IntN(1_000_000)), "made up",
		}[rand.IntN(4)])
	}
	r, _, err := c.bridge.join(requestOf(t, c.bridge.plan, request))
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	leaves := time.AfterFunc(time.Duration(rand.IntN(2000))*time.Millisecond, func() { r.Stop(feed.Gone) })
	defer leaves.Stop()
	for err == nil {
		_, err = r.Next()
	}
}

// measure returns the bytes of the heap in use while nobody is here. What all logs count together is what
// each counts.
func (c *churn) measure(t *testing.T) int {
	c.here.Lock()
	defer c.here.Unlock()
	testsite.Eventually(t, "logs that hold what is counted for all", func() bool {
		c.bridge.mu.Lock()
		defer c.bridge.mu.Unlock()
		var held int64
		for f := range c.bridge.feeds.polls {
			held += f.Status().LogBytes
		}
		return held == c.bridge.config.Budget.Used()
	})
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
