//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
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
)

// patience is how long tests wait for what must come. Nothing is asserted of time with it.
const patience = 45 * time.Second

// demo is a running `make demo`.
type demo struct {
	t      *testing.T
	url    string
	cmd    *exec.Cmd
	exited chan error
	ended  bool
	temp   string // its folder for files
	output *lockedBuffer
}

// startDemo builds what `make demo` builds, with the race detector if this test has it, so that
// its packages are built already, and runs it.
func startDemo(t *testing.T) *demo {
	t.Helper()
	programs := t.TempDir()
	args := []string{"build", "-o", programs + "/"}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "../../cmd/caddy", ".", "./backend")...)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, output)
	}
	d := &demo{t: t, temp: t.TempDir(), exited: make(chan error, 1), output: new(lockedBuffer)}
	port := freeTestPort(t)
	d.url = "http://localhost:" + port
	d.cmd = exec.Command(filepath.Join(programs, "demo"), ".")
	d.cmd.Env = append(os.Environ(), "PORT="+port, "TMPDIR="+d.temp, "GORACE=atexit_sleep_ms=0")
	d.cmd.Stdout, d.cmd.Stderr = d.output, d.output
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.exited <- d.cmd.Wait() }()
	t.Cleanup(func() {
		if !d.ended {
			d.interrupt()
		}
		if t.Failed() {
			t.Logf("the demo said:\n%s", d.output)
		}
	})
	eventually(t, "the demo to say where it is", func() bool { return strings.Contains(d.output.String(), d.url) })
	return d
}

// interrupt is Ctrl-C. It returns when the demo has ended.
func (d *demo) interrupt() {
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

// children are the processes that the demo runs, where the system tells.
func (d *demo) children() []int {
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

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// eventually waits for a condition of the outside world.
func eventually(t *testing.T, what string, holds func() bool) {
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

// freeTestPort is a port below those that systems hand out by themselves: no test that runs meanwhile
// gets it before the demo listens on it.
func freeTestPort(t *testing.T) string {
	t.Helper()
	for range 100 {
		if port := strconv.Itoa(20_000 + rand.IntN(10_000)); free(port) == nil {
			return port
		}
	}
	t.Fatal("no port from 20000 to 29999 is free")
	return ""
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
