package servers

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// netdata is a Netdata that measures nothing but a gauge that is sent to it. Alarms of it are raised at 1, 2 and so on.
type netdata struct {
	*testsite.Component
	t       *testing.T
	program string
	folder  string
	gauge   string // its address
}

const netdataAlarms = 8

func startNetdata(t *testing.T) *netdata {
	t.Helper()
	n := &netdata{t: t, program: testsite.NeedServer(t, "netdata", "netdata-core"), folder: t.TempDir(), gauge: testport.Free(t)}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	addr := testport.Free(t)
	_, gauge, _ := net.SplitHostPort(n.gauge)
	config := strings.NewReplacer("{{folder}}", n.folder, "{{user}}", who.Username, "{{addr}}", addr, "{{gauge}}", gauge).Replace(`
[global]
	run as user = {{user}}
	process scheduling policy = keep
	OOM score = keep
[directories]
	config = {{folder}}/config
	stock config = {{folder}}/config
	health config = {{folder}}/config/health.d
	stock health config = {{folder}}/config/health.d
	log = {{folder}}/state
	cache = {{folder}}/cache
	lib = {{folder}}/state
	lock = {{folder}}/state
	home = {{folder}}/state
	plugins = {{folder}}/plugins
[db]
	mode = ram
	retention = 60
[logs]
	debug log = none
	error log = stderr
	access log = none
[plugins]
	timex = no
	idlejitter = no
	tc = no
	proc = no
	diskspace = no
	cgroups = no
	netdata monitoring = no
	netdata monitoring extended = no
	statsd = yes
[ml]
	enabled = no
[web]
	bind to = {{addr}}
[statsd]
	bind to = udp:127.0.0.1:{{gauge}}
[health]
	run at least every seconds = 1
	script to execute on alarm = /bin/true
`)
	var alarms strings.Builder
	for i := range netdataAlarms {
		fmt.Fprintf(&alarms, `
 alarm: level_%d
    on: statsd_level.gauge
lookup: max -1s unaligned of gauge
 every: 1s
  warn: $this >= %d
  info: event %d
    to: silent
`, i+1, i+1, i+1)
	}
	for _, folder := range []string{"config/health.d", "cache", "state", "plugins"} {
		if err := os.MkdirAll(filepath.Join(n.folder, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for file, text := range map[string]string{
		"netdata.conf":                              config,
		"config/health.d/level.conf":                alarms.String(),
		"config/.opt-out-from-anonymous-statistics": "",
	} {
		if err := os.WriteFile(filepath.Join(n.folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n.start(addr)
	return n
}

// start waits until all alarms know that there is no reason for them.
func (n *netdata) start(addr string) {
	n.t.Helper()
	n.Component = testsite.RunComponent(n.t, n.folder, nil, n.program, "-D", "-c", filepath.Join(n.folder, "netdata.conf"))
	n.Listens(n.t, addr)
	before := n.newest()
	n.reach(0, func() bool { return n.count("CLEAR", before) == netdataAlarms })
}

// reach sets the gauge until what it is to bring about has come: Netdata forgets one that it is not told of again.
func (n *netdata) reach(level int, done func() bool) {
	n.t.Helper()
	conn, err := net.Dial("udp", n.gauge)
	if err != nil {
		n.t.Fatal(err)
	}
	defer conn.Close()
	testsite.Eventually(n.t, fmt.Sprint("alarms of the level ", level), func() bool {
		fmt.Fprintf(conn, "level:%d|g\n", level)
		return done()
	})
}

// log returns the log after an id.
func (n *netdata) log(after string) gjson.Result {
	n.t.Helper()
	return gjson.Parse(testsite.Post(n.t, "GET", "http://"+n.Addr+"/api/v1/alarm_log?after="+after, "", ""))
}

// newest returns the id of the newest entry, or none.
func (n *netdata) newest() string { return n.log("0").Get("0.unique_id").Raw }

// count returns how many entries there are of a status after an id.
func (n *netdata) count(status, after string) int {
	return len(n.log(after).Get(fmt.Sprintf("#(status==%q)#", status)).Array())
}

func TestNetdataAlarmsAreResumedAtEveryEvent(t *testing.T) {
	n := startNetdata(t)
	caddyfile := recipeSite(t, "netdata-alarm-log", n.Addr, "interval 10s", "interval 50ms", "\tevent status\n", "")
	s := testsite.Run(t, caddyfile)
	before := n.newest()
	raise := func(i int) { n.reach(i, func() bool { return n.count("WARNING", before) == i }) }
	live := func(i int) bool { return i%4 == 0 }
	absent := func(i int) {
		if i%2 == 0 {
			s.Move(caddyfile, i)
		}
	}
	testsite.Cuts{Site: s, Path: "/api/v1/alarm_log?after=" + before, Name: "info", Publish: raise, Live: live, Absent: absent}.Follow(t, 5)
}

func TestANetdataThatIsRestartedGoesOn(t *testing.T) {
	n := startNetdata(t)
	s := testsite.Run(t, recipeSite(t, "netdata-alarm-log", n.Addr, "interval 10s", "interval 50ms"))
	url := s.URL + "/api/v1/alarm_log?after=" + n.newest()
	before := n.newest()
	n.reach(3, func() bool { return n.count("WARNING", before) == 3 })
	there, away := testsite.Subscribe(t, url), testsite.Subscribe(t, url)
	var last string
	for range 3 {
		last = there.Next().ID
		away.Next()
	}
	away.Close()
	n.Stop()
	n.start(n.Addr)
	for who, stream := range map[string]*testsite.Subscription{"that was there": there, "that comes back": testsite.Subscribe(t, url, "Last-Event-ID", last)} {
		n.wantLog(stream, who, last)
	}
}

// wantLog waits for all entries after an id.
func (n *netdata) wantLog(stream *testsite.Subscription, who, after string) {
	n.t.Helper()
	entries := n.log(after).Array()
	for _, entry := range slices.Backward(entries) {
		want, when := entry.Get("unique_id").Raw, entry.Get("when").Raw
		if e := stream.Next(); e.ID != want || gjson.Get(e.Data, "when").Raw != when {
			n.t.Fatalf("a client %s gets %+v, want the entry %s of %s", who, e, want, when)
		}
	}
}

// The text of an entry is what was said when its alarm was raised. All alarms are over before they are raised again.
func meetAlarms(t *testing.T) newcomer {
	n, level, texts := startNetdata(t), 0, make(map[string]string)
	newest := n.newest()
	return newcomer{
		url: "http://" + n.Addr + "/api/v1/alarm_log?after=" + newest,
		say: func(text string) {
			if level++; level > netdataAlarms {
				before := n.newest()
				n.reach(0, func() bool { return n.count("CLEAR", before) == netdataAlarms })
				level = 1
			}
			before := n.newest()
			n.reach(level, func() bool { return n.count("WARNING", before) == 1 })
			texts[n.log(before).Get(`#(status=="WARNING").unique_id`).Raw] = text
		},
		show: func(data string) string { return texts[gjson.Get(data, "unique_id").Raw] },
	}
}

// repeat tells it the present level until the test ends: it forgets a gauge that it is not told of again.
func (n *netdata) repeat(level *atomic.Int64) {
	n.t.Helper()
	conn, err := net.Dial("udp", n.gauge)
	if err != nil {
		n.t.Fatal(err)
	}
	done, quit := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintf(conn, "level:%d|g\n", level.Load())
			case <-quit:
				return
			}
		}
	}()
	n.t.Cleanup(func() {
		close(quit)
		<-done
		conn.Close()
	})
}

// Alarms are there while they are raised, and tell when they were last looked at.
func meetRaisedAlarms(t *testing.T) newcomer {
	n := startNetdata(t)
	warning := regexp.MustCompile(`"status":\s*"WARNING"`)
	url := "http://" + n.Addr + "/api/v1/alarms"
	var present atomic.Int64
	n.repeat(&present)
	change := func(i int) {
		level := i%netdataAlarms + 1
		present.Store(int64(level))
		testsite.Eventually(t, fmt.Sprint("alarms of the level ", level), func() bool {
			return len(warning.FindAllString(testsite.Fetch(t, url), -1)) == level
		})
	}
	change(1)
	return newcomer{
		url: url, list: "alarms.@values", show: row("name", "status"), change: change,
		want: func(i int) string {
			var all []string
			for level := range i%netdataAlarms + 1 {
				all = append(all, fmt.Sprintf("level_%d=WARNING", level+1))
			}
			return strings.Join(all, " ")
		},
	}
}
