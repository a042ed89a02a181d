//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// listener is a client of a crowd, in little memory. It comes back as EventSource does, and sooner.
type listener struct {
	addr  *atomic.Pointer[string]
	last  atomic.Int64 // the newest id
	leave func() bool  // whether it leaves now, to come back
}

// follow follows until stop is closed. It returns an error if something was lost or came twice.
func (f *listener) follow(stop <-chan struct{}) error {
	for {
		if err := f.stay(stop); err != nil {
			return err
		}
		select {
		case <-stop:
			return nil
		case <-time.After(rand.N(500 * time.Millisecond)):
		}
	}
}

// stay follows one stream, and closes it halfway if the client leaves.
func (f *listener) stay(stop <-chan struct{}) error {
	conn, err := net.Dial("tcp", *f.addr.Load())
	if err != nil {
		return nil // a reload may drop a connection that is not accepted yet
	}
	defer conn.Close()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-stop:
			conn.Close()
		case <-ended:
		}
	}()
	id := ""
	if last := f.last.Load(); last > 0 {
		id = fmt.Sprintf("Last-Event-ID: %d\r\n", last)
	}
	fmt.Fprintf(conn, "GET /messages HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s\r\n", *f.addr.Load(), id)
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil)
	if err != nil {
		return nil
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(make([]byte, 512), 64<<10)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event: bridge.reset") {
			return fmt.Errorf("a client is told of a gap after event %d", f.last.Load())
		}
		text, ok := strings.CutPrefix(lines.Text(), "id: ")
		if !ok {
			continue
		}
		if id, err := strconv.ParseInt(text, 10, 64); err != nil || id != f.last.Load()+1 {
			return fmt.Errorf("event %s came after event %d", text, f.last.Load())
		}
		if f.last.Add(1); f.leave() {
			return nil
		}
	}
	return nil
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// hadGoroutines has so many goroutines start and end: Go keeps a little of each for ever.
func hadGoroutines(n int) {
	var all sync.WaitGroup
	end := make(chan struct{})
	for range n {
		all.Go(func() { <-end })
	}
	close(end)
	all.Wait()
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestACrowdLosesNothingThroughCutsAndReloads has a crowd of clients that come and go, while the configuration is reloaded, with
// other blocks and with another block.
func TestACrowdLosesNothingThroughCutsAndReloads(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	size := min(testsite.Soak(200, 10_000), int(files.Cur)/2-300) // each is a descriptor here and one at the site
	lasts := time.Duration(testsite.Soak(4, 600)) * time.Second
	every := time.Duration(testsite.Soak(20, 500)) * time.Millisecond
	c := testsite.NewChat(time.Minute)
	up := testsite.Backend(t, c.ServeHTTP)
	site := func(unrelated int) string { // without idle connections, which Caddy keeps for two minutes
		return strings.Replace(testsite.LifeSite(up, unrelated), "reverse_proxy "+up, "reverse_proxy "+up+" {\ntransport http {\nkeepalive off\n}\n}", 1)
	}
	s := testsite.Run(t, site(0))
	addr := new(atomic.Pointer[string])
	addr.Store(&s.Addr)
	warm := testsite.Subscribe(t, s.URL+"/messages")
	c.Say("line 1")
	warm.Next()
	warm.Close()
	testsite.Eventually(t, "the first client to be gone", func() bool { return bridge.All()[0].Tally().Clients == 0 })
	hadGoroutines(5 * size)
	files0, goroutines0, bytes0 := descriptors(t), runtime.NumGoroutine(), inUse()

	stop, all := make(chan struct{}), make([]*listener, size)
	var running sync.WaitGroup
	for i := range all {
		f := &listener{addr: addr, leave: func() bool { return rand.IntN(200) == 0 }}
		all[i] = f
		running.Go(func() {
			if err := f.follow(stop); err != nil {
				t.Error(err)
			}
		})
	}
	finish := c.Publish(every)
	lines := func() int {
		c.Mu.Lock()
		defer c.Mu.Unlock()
		return len(c.Lines)
	}
	began := time.Now()
	for i := 1; time.Since(began) < lasts && !t.Failed(); i++ {
		config := site(i % 3)
		if i%5 == 0 { // the block itself has changed: its streams end, spread over some seconds
			config = strings.Replace(config, "long_poll", fmt.Sprintf("keepalive %ds\n\t\tlong_poll", 20+i), 1)
		}
		s.Reload(config)
		upTo := lines() + int(lasts/20/every)
		testsite.Eventually(t, "more events before the next reload", func() bool { return lines() >= upTo })
	}
	said := int64(finish())
	t.Cleanup(func() {
		behind := make(map[int64]int)
		for _, f := range all {
			behind[said-f.last.Load()]++
		}
		if t.Failed() {
			t.Logf("so many clients have so many events to get: %v", behind)
		}
	})
	testsite.Eventually(t, "all that was said to reach everybody", func() bool {
		for _, f := range all {
			if f.last.Load() < said && !t.Failed() {
				return false
			}
		}
		return true
	})
	t.Logf("%d clients, %d events, %d descriptors and %d goroutines for both sides", size, said, descriptors(t), runtime.NumGoroutine())
	close(stop)
	running.Wait()
	testsite.Eventually(t, "the streams to be gone", func() bool {
		n := int64(0)
		for _, b := range bridge.All() {
			n += b.Tally().Clients
		}
		return n == 0
	})
	testsite.Eventually(t, "as many descriptors as before", func() bool { return descriptors(t) <= files0+10 })
	testsite.Eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines0+20 })
	all = nil
	c.Mu.Lock()
	c.Polls = nil // the backend's own, as the lines are
	c.Mu.Unlock()
	if grown := int64(inUse()) - int64(bytes0); grown > 4<<20+said*1000 {
		t.Errorf("%d bytes are left, of %d clients and %d events", grown, size, said)
	}
}
