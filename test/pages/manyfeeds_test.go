package pages

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

const (
	manyFeeds = 10_000
	// maxTab is the memory of a tab, in MB.
	maxTab = 150
)

// maxWait is the time to the first row, from the start of the page, and from a key to what it filters. The race detector slows Caddy
// down, which is in this process.
func maxWait() time.Duration {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return 10 * time.Second
	}
	return time.Second
}

func TestTheStatusPageBearsTenThousandFeeds(t *testing.T) {
	site, page := testsite.StatusSite(t)
	upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "7") {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, `[{"id": 1}]`)
	})
	s, _ := testsite.RunWithAdmin(t, "{{site}} {\n\tsse_bridge "+upstream+` {
		interval 1h
		items @this
		id id
		query since {sse.cursor}
		replay 10 1h
		limits {
			feeds 20000
		}
	}
}
`+site)
	haveFeeds(t, s.Addr, manyFeeds)
	c := browser.NewChromium(t, false)
	all := fmt.Sprintf("of %d,%03d feeds", manyFeeds/1000, manyFeeds%1000)

	var waits []time.Duration // to the first row
	for range 3 {
		c.Open(t, "about:blank")
		c.Open(t, page)
		var milliseconds float64
		c.Evaluate(t, `new Promise(done => {
			const look = () => document.querySelector("#feeds td") ? done(performance.now()) : setTimeout(look, 1);
			look();
		})`, &milliseconds)
		waits = append(waits, time.Duration(milliseconds*float64(time.Millisecond)))
		shows(t, c, all)
	}
	t.Logf("the first row is there after %s", waits)
	if best := slices.Min(waits); best > maxWait() {
		t.Errorf("the first row of %d feeds takes %s at best, want %s at most", manyFeeds, best, maxWait())
	}

	// What is typed finds one feed of all.
	c.Evaluate(t, `(() => {
		let longest = 0;
		new PerformanceObserver(list => { for (const task of list.getEntries()) longest = Math.max(longest, task.duration); }).observe({type: "longtask"});
		window.longest = () => longest;
		window.type = text => {
			const input = document.getElementById("filter");
			input.value = text;
			input.dispatchEvent(new Event("input"));
		};
	})()`, new(any))
	var filters []time.Duration
	for _, n := range []int{9999, 1234, 5678} {
		var took float64
		c.Evaluate(t, fmt.Sprintf(`new Promise(done => {
			const began = performance.now();
			type("/%[1]d room");
			const look = () => document.querySelector("#feeds")?.textContent.includes("/%[1]d?") ? done(performance.now() - began) : setTimeout(look, 1);
			look();
		})`, n), &took)
		filters = append(filters, time.Duration(took*float64(time.Millisecond)))
		shows(t, c, "1 to 1 of 1 feed with these words")
	}
	if best := slices.Min(filters); best > maxWait() {
		t.Errorf("a filter takes %s at best, want %s at most", best, maxWait())
	}
	c.Evaluate(t, `type("")`, new(any))
	shows(t, c, "1 to 50 "+all)
	for n := 51; n <= 1001; n += 50 { // a reader who leafs through them
		c.Evaluate(t, `document.getElementById("next").click()`, new(any))
		shows(t, c, fmt.Sprintf("%s to", strings.Replace(strconv.Itoa(n), "1001", "1,001", 1)))
	}
	var longest float64
	c.Evaluate(t, `longest()`, &longest)
	t.Logf("a filter takes %s; the longest task of the page %.0f ms", filters, longest)

	memory := tabMemory(t, chromedp.FromContext(c.Tab).Browser.Process().Pid)
	t.Logf("the tab takes %d MB", memory>>20)
	if memory > maxTab*1_000_000 {
		t.Errorf("with %d feeds the tab takes %d bytes, want %d MB at most", manyFeeds, memory, maxTab)
	}
}

// haveFeeds has a site make feeds, one for each path. No client stays.
func haveFeeds(t *testing.T, addr string, n int) {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				if err := visit(addr, fmt.Sprintf("/a/path/to/messages/%d?room=1", i)); err != nil {
					t.Errorf("visiting feed %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// visit opens a stream, and leaves when it has begun.
func visit(addr, path string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", path, addr); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

// tabMemory returns how many bytes the largest renderer among a browser's processes takes; what it shares with others counts in part.
func tabMemory(t *testing.T, browser int) (most int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", browser))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread has ended
		}
		for pid := range strings.FieldsSeq(string(text)) {
			n, err := strconv.Atoi(pid)
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, tabMemory(t, n), rendererMemory(pid))
		}
	}
	return most
}

// rendererMemory returns how many bytes a process takes; 0: it is not a renderer, or has ended.
func rendererMemory(pid string) int {
	command, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	if err != nil || !bytes.Contains(command, []byte("--type=renderer")) {
		return 0
	}
	rollup, err := os.ReadFile(filepath.Join("/proc", pid, "smaps_rollup"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(rollup)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "Pss:" {
			kib, _ := strconv.Atoi(fields[1])
			return kib << 10
		}
	}
	return 0
}
