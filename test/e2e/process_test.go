package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// process is a Caddy in a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string // of the site
	admin string
	done  chan error
	ticks *os.File // what it writes of its exit
	clock *testclock.Clock
}

// tick is the time between two ticks of a process that exits.
const tick = 10 * time.Millisecond

// A Caddy in a process of its own ticks from SIGTERM on, into the file that it was started with. It leaves ticks out for as long as
// the machine has no time for it, and also if it keeps all processors busy itself: so it first says how much of their time it has had.
func init() {
	if os.Getenv(testsite.AsCaddy) == "" {
		return
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		ticks := os.NewFile(3, "ticks")
		var used syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // which fails for other numbers only
		_, _ = fmt.Fprintln(ticks, used.Utime.Nano()+used.Stime.Nano())
		for at := range time.Tick(tick) {
			_, _ = fmt.Fprintln(ticks, at.UnixNano()) // whoever reads may have gone
		}
	}()
}

// startCaddy runs the test binary as Caddy with a Caddyfile as runCaddy takes it. Nothing but
// its admin address and storage differ from Caddy's defaults.
func startCaddy(t *testing.T, caddyfile string) *process {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, url: "http://" + testport.Free(t), admin: testport.Free(t), done: make(chan error, 1), clock: testclock.New(t)}
	home := t.TempDir()
	file := filepath.Join(home, "Caddyfile")
	if err := os.WriteFile(file, p.config(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(home, "output"))
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(binary, "run", "--config", file, "--adapter", "caddyfile")
	p.cmd.Env = append(os.Environ(), testsite.AsCaddy+"=1", "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home,
		"GORACE=atexit_sleep_ms=0") // the race detector lets a process wait for a second
	p.cmd.Stdout, p.cmd.Stderr = output, output
	ticks, ticking, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.ticks, p.cmd.ExtraFiles = ticks, []*os.File{ticking}
	err = p.cmd.Start()
	ticking.Close()
	if err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		p.done <- p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have exited
		ticks.Close()
		output.Close()
		if text, err := os.ReadFile(output.Name()); err == nil && t.Failed() {
			t.Logf("Caddy's log:\n%s", text)
		}
	})
	testsite.AwaitListener(t, "Caddy", strings.TrimPrefix(p.url, "http://"), exited)
	return p
}

func (p *process) config(caddyfile string) []byte {
	return []byte("{\n\tadmin " + p.admin + "\n\tskip_install_trust\n}\n" + strings.ReplaceAll(caddyfile, "{{site}}", p.url))
}

func (p *process) reload(caddyfile string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.admin+"/load", bytes.NewReader(p.config(caddyfile)))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/caddyfile")
	r.Close = true // each load starts a new admin server, and that of the connection ends
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		p.t.Fatalf("reloading: %s: %s", resp.Status, text)
	}
	if err := testsite.AwaitOneListener(strings.TrimPrefix(p.url, "http://")); err != nil {
		p.t.Fatal(err)
	}
}

// exit is how a process has exited.
type exit struct {
	took time.Duration
	ran  time.Duration // of that, in which the machine had time for it and for its clients, or it kept the machine busy
}

// held reports whether the machine had no time for the process, or for its clients, for as long as one write may take at exit.
func (e exit) held() bool { return e.took-e.ran > 500*time.Millisecond }

// terminate sends SIGTERM and waits for the exit of the process.
func (p *process) terminate() exit {
	p.t.Helper()
	at := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("Caddy has exited with %v", err)
		}
	case <-time.After(testsite.Patience):
		p.t.Fatalf("Caddy has not exited %s after SIGTERM", testsite.Patience)
	}
	took := time.Since(at)
	said, err := io.ReadAll(p.ticks)
	if err != nil {
		p.t.Fatal(err)
	}
	before, ticks, _ := strings.Cut(string(said), "\n")
	var ran time.Duration
	for line := range strings.Lines(ticks) {
		ticked, err := strconv.ParseInt(strings.TrimSuffix(line, "\n"), 10, 64)
		if err != nil {
			break // it has exited while it wrote the last one
		}
		if at := time.Unix(0, ticked); p.clock.Between(at.Add(-2*tick), at) > 0 {
			ran += tick
		}
	}
	if used, err := strconv.ParseInt(before, 10, 64); err == nil { // else it has exited at once
		now := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
		ran = max(ran, now-time.Duration(used))
	}
	return exit{took, ran}
}
