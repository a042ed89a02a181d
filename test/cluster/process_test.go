package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// process is a program that is killed, and started again at the same address.
type process struct {
	t       testing.TB
	name    string
	addr    string // on which it listens
	program string
	args    []string
	env     []string
	log     *os.File // of all its runs

	cmd    *exec.Cmd
	exited chan struct{}
}

func newProcess(t testing.TB, name, addr, program string, args ...string) *process {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, name: name, addr: addr, program: program, args: args, log: log}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
		log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s said at last:\n%s", name, text[max(0, len(text)-4<<10):])
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	cmd := exec.Command(p.program, p.args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("starting %s: %v", p.name, err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // it is killed, which is an error
	}()
	p.cmd, p.exited = cmd, exited
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("sending %s to %s: %v", s, p.name, err)
	}
}

// kill is `kill -9`. A process that is frozen dies of it, too.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have exited
	<-p.exited
	p.cmd = nil
}

// listens waits until the program takes connections.
func (p *process) listens() {
	p.t.Helper()
	testsite.AwaitListener(p.t, p.name, p.addr, p.exited)
}

// build builds a program of the workspace.
func build(t testing.TB, name, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if output, err := exec.Command("go", "build", "-o", program, pkg).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, output)
	}
	return program
}
