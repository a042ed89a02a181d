//go:build unix

// Package program runs other programs, and ends them.
package program

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const stopWithin = 10 * time.Second

// Child is a program that this one runs.
type Child struct {
	Name   string
	cmd    *exec.Cmd
	output *heldOutput
	asked  sync.Once
	ended  chan struct{} // closed when it has ended
	err    error         // how it ended; read it after ended
}

// Start runs a program in a folder, with env added to the environment. It gets a process group of
// its own, so that Ctrl-C reaches this program alone, which then ends the others in order.
func Start(path, folder string, env []string, args ...string) (*Child, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", path, err)
	}
	c := &Child{Name: filepath.Base(path), output: new(heldOutput), ended: make(chan struct{})}
	c.cmd = exec.Command(path, args...)
	c.cmd.Dir = folder
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s (`make demo` builds it): %w", c.Name, err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// Done is closed when the program has ended.
func (c *Child) Done() <-chan struct{} { return c.ended }

// Speak passes on what the program writes from now on. What it wrote before is forgotten.
func (c *Child) Speak() { c.output.drop() }

// Died tells that the program ended by itself, after what it had to say about it.
func (c *Child) Died() error {
	c.output.show()
	if c.err == nil {
		return fmt.Errorf("%s has ended", c.Name)
	}
	return fmt.Errorf("%s has ended: %w", c.Name, c.err)
}

// Signal asks the program to end, once or more often.
func (c *Child) Signal() {
	c.asked.Do(func() {
		// An error here means that it has ended already.
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
	})
}

// Stop asks the program to end, and ends it if it does not.
func (c *Child) Stop() {
	c.Signal()
	if !c.Wait(stopWithin) {
		_ = c.Kill() // an error would mean that it has ended
		<-c.ended
	}
}

// PID is the number of its process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Kill ends the program at once. It can do nothing about it.
func (c *Child) Kill() error {
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing %s: %w", c.Name, err)
	}
	return nil
}

// Wait reports whether the program has ended, after a while at most.
func (c *Child) Wait(atMost time.Duration) bool {
	select {
	case <-c.ended:
		return true
	case <-time.After(atMost):
		return false
	}
}

// heldOutput keeps what a program writes while it starts, which matters only if it fails, and
// passes on what it writes later.
type heldOutput struct {
	mu    sync.Mutex
	held  bytes.Buffer
	shown bool
}

func (o *heldOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shown {
		return os.Stderr.Write(p)
	}
	return o.held.Write(p)
}

// drop forgets what was held and passes on what comes from now on.
func (o *heldOutput) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held.Reset()
	o.shown = true
}

// show passes on what was held too.
func (o *heldOutput) show() {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.held.WriteTo(os.Stderr)
	o.shown = true
}
