//go:build unix

// Package testdemo runs the demos for tests, as make does, and opens their pages.
package testdemo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/ports"
)

// patience is how long tests wait for what must come. Nothing is asserted of time with it.
const patience = 45 * time.Second

// Demo is a running demo.
type Demo struct {
	URL  string
	Port string // of the page
	Temp string // its folder for files

	t      *testing.T
	cmd    *exec.Cmd
	exited chan error
	ended  bool
	output *lockedBuffer
}

// Start builds what `make` builds for a program of the demos, with the race detector if this test has it, so that
// its packages are built already, and runs it. The folder is examples/demo, and pkg the program's package there.
func Start(t *testing.T, folder, pkg, name string) *Demo {
	t.Helper()
	programs := t.TempDir()
	args := []string{"build", "-o", programs + "/"}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	build := exec.CommandContext(t.Context(), "go", append(args, "../../cmd/caddy", pkg, "./backend")...)
	build.Dir = folder
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, output)
	}
	d := &Demo{t: t, Temp: t.TempDir(), Port: FreePort(t), exited: make(chan error, 1), output: new(lockedBuffer)}
	d.URL = "http://localhost:" + d.Port
	d.cmd = exec.Command(filepath.Join(programs, name), folder)
	d.cmd.Env = append(os.Environ(), "PORT="+d.Port, "TMPDIR="+d.Temp, "GORACE=atexit_sleep_ms=0")
	d.cmd.Stdout, d.cmd.Stderr = d.output, d.output
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.exited <- d.cmd.Wait() }()
	t.Cleanup(func() {
		if !d.ended {
			d.Interrupt()
		}
		if t.Failed() {
			t.Logf("the demo said:\n%s", d.output)
		}
	})
	Eventually(t, "the demo to say where it is", func() bool { return strings.Contains(d.output.String(), d.URL) })
	return d
}

// Output is what the demo has said so far.
func (d *Demo) Output() string { return d.output.String() }

// Interrupt is Ctrl-C. It returns when the demo has ended.
func (d *Demo) Interrupt() {
	d.t.Helper()
	d.ended = true
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.t.Fatal(err)
	}
	select {
	case err := <-d.exited:
		if err != nil {
			d.t.Errorf("the demo ended with %v", err)
		}
	case <-time.After(patience):
		d.t.Errorf("the demo has not ended %s after Ctrl-C", patience)
		_ = d.cmd.Process.Kill()
	}
}

// Children are the processes that the demo runs, where the system tells.
func (d *Demo) Children() []int {
	d.t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	var pids []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a thread may have ended
			d.t.Fatal(err)
		}
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				d.t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// Gone reports whether a process has ended.
func Gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// Eventually waits for a condition of the outside world.
func Eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
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

// FreePort is a port that nobody takes before the demo listens on it.
func FreePort(t *testing.T) string {
	t.Helper()
	port, err := ports.Any(nil)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
