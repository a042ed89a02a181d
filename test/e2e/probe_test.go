package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func init() {
	caddy.RegisterModule(probe{})
	caddy.RegisterModule(saboteur{})
	for directive, module := range map[string]caddyhttp.MiddlewareHandler{"probe": probe{}, "sabotage": saboteur{}} {
		httpcaddyfile.RegisterHandlerDirective(directive, func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
			h.Next()
			return module, nil
		})
	}
	httpcaddyfile.RegisterDirectiveOrder("probe", httpcaddyfile.After, "encode")
	httpcaddyfile.RegisterDirectiveOrder("sabotage", httpcaddyfile.After, "file_server")
}

// probe is a handler that lets its request pass and counts it, for each configuration apart.
type probe struct{ generation int }

// probes counts what has passed the probes of each configuration, oldest first.
var probes struct {
	mu     sync.Mutex
	passed []int
}

func resetProbes() {
	probes.mu.Lock()
	defer probes.mu.Unlock()
	probes.passed = nil
}

func probed() []int {
	probes.mu.Lock()
	defer probes.mu.Unlock()
	return slices.Clone(probes.passed)
}

func (probe) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.probe", New: func() caddy.Module { return new(probe) }}
}

func (p *probe) Provision(caddy.Context) error {
	probes.mu.Lock()
	defer probes.mu.Unlock()
	p.generation = len(probes.passed)
	probes.passed = append(probes.passed, 0)
	return nil
}

func (p probe) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	probes.mu.Lock()
	if p.generation < len(probes.passed) {
		probes.passed[p.generation]++
	}
	probes.mu.Unlock()
	return next.ServeHTTP(w, r)
}

// saboteur is a handler whose configuration fails to load, after sabotage has returned.
type saboteur struct{}

var sabotage = func() error { return nil }

func (saboteur) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sabotage", New: func() caddy.Module { return new(saboteur) }}
}

func (saboteur) Provision(caddy.Context) error { return sabotage() }

func (saboteur) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(w, r)
}

// Interface guards
var (
	_ caddy.Provisioner = (*probe)(nil)
	_ caddy.Provisioner = saboteur{}
)

// follower is a client that comes back with its last event id, as EventSource does.
type follower struct {
	url string

	mu       sync.Mutex
	ids      []string
	opened   int         // streams
	ended    []time.Time // streams
	refused  int         // requests that got no stream
	problems []string
}

func follow(t *testing.T, url string) *follower {
	f := &follower{url: url}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			select {
			case <-time.After(f.stream(ctx)):
			case <-ctx.Done():
			}
		}
	}()
	return f
}

// stream reads one stream to its end and returns when to come back.
func (f *follower) stream(ctx context.Context) (retry time.Duration) {
	retry = 100 * time.Millisecond
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		panic(err) // the URL is the test's own
	}
	r.Header.Set("Accept", "text/event-stream")
	if last := f.last(); last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || resp.StatusCode != http.StatusOK {
		f.refused++
		if err == nil {
			resp.Body.Close()
		}
		return retry
	}
	defer resp.Body.Close()
	f.opened++
	lines := bufio.NewScanner(resp.Body)
	last := ""
	for f.scan(lines) {
		field, text, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "":
			continue
		case "id":
			f.ids = append(f.ids, text)
		case "event":
			f.problems = append(f.problems, "got the event "+text)
		case "retry":
			ms, _ := strconv.Atoi(text)
			retry = time.Duration(ms) * time.Millisecond
		}
		last = field
	}
	if ctx.Err() == nil {
		f.ended = append(f.ended, time.Now())
		if err := lines.Err(); err != nil || last != "retry" {
			f.problems = append(f.problems, fmt.Sprintf("a stream ended with %q and the error %v", last, err))
		}
	}
	return retry
}

func (f *follower) scan(lines *bufio.Scanner) bool {
	f.mu.Unlock()
	defer f.mu.Lock()
	return lines.Scan()
}

func (f *follower) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ids) == 0 {
		return ""
	}
	return f.ids[len(f.ids)-1]
}

// state returns how many streams the follower has opened, how many of them have ended, and
// how often it was refused.
func (f *follower) state() (opened, ended, refused int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened, len(f.ended), f.refused
}

// has waits for the last of n events and checks that each has come once and in order.
func (f *follower) has(t *testing.T, n int) {
	t.Helper()
	testsite.Eventually(t, "the last event", func() bool { return f.last() == strconv.Itoa(n) })
	f.mu.Lock()
	defer f.mu.Unlock()
	checkSequence(t, f.ids, n)
	for _, problem := range f.problems {
		t.Error(problem)
	}
}

func checkSequence(t *testing.T, ids []string, n int) {
	t.Helper()
	for i, id := range ids {
		if want := strconv.Itoa(i + 1); id != want {
			t.Errorf("event %d of %d has the id %s: %v", i+1, n, id, ids[max(0, i-3):min(len(ids), i+4)])
			return
		}
	}
	if len(ids) != n {
		t.Errorf("got %d events, want %d", len(ids), n)
	}
}

// ourGoroutines returns the stacks of all goroutines that run the code of this module, or were
// started by it, but for that of its tests.
func ourGoroutines() []string {
	root := testsite.Root() + "/"
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	var ours []string
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		for line := range strings.Lines(stack) {
			place, isPlace := strings.CutPrefix(line, "\t"+root)
			if isPlace && !strings.Contains(place, "_test.go:") && !strings.HasPrefix(place, "internal/testsite/") && !strings.HasPrefix(place, "internal/testclock/") {
				ours = append(ours, stack)
				break
			}
		}
	}
	return ours
}

// noneLeft waits until no goroutine of this module is left, for less than a chain lingers.
func noneLeft(t *testing.T) {
	t.Helper()
	clock := testclock.New(t)
	testsite.Eventually(t, "the end of all goroutines", func() bool {
		left := ourGoroutines()
		if len(left) > 0 && clock.Now() > config.DefaultLinger-time.Second/2 {
			t.Fatalf("%d goroutines are left:\n%s", len(left), strings.Join(left[:min(5, len(left))], "\n\n"))
		}
		return len(left) == 0
	})
}
