package testsite

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
)

// Need skips a test whose real component is missing, and fails it in CI, where all of them must
// run. .ci/run installs them.
func Need(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %v", what, err)
	}
	t.Skipf("%s is missing: %v", what, err)
}

// NeedServer returns where a server is, of a Debian package. Its folder is not in the PATH of everybody.
func NeedServer(t testing.TB, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	Need(t, fmt.Sprintf("%s (Debian: %s)", program, debian), err)
	return path
}

func NeedPHP(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("php")
	Need(t, "PHP (Debian: php-cli)", err)
	Need(t, "PHP's SQLite (Debian: php8.2-sqlite3)", exec.Command("php", "-r", `exit(extension_loaded("pdo_sqlite") ? 0 : 1);`).Run())
}

// NeedNode wants Node and the npm packages of a folder.
func NeedNode(t *testing.T, folder string) {
	t.Helper()
	_, err := exec.LookPath("node")
	Need(t, "Node", err)
	_, err = os.Stat(filepath.Join(folder, "node_modules"))
	Need(t, fmt.Sprintf("node_modules (run `npm install` in %s)", folder), err)
}

// Component is a real program that runs in a process of its own. It ends with the test, or before by stop.
type Component struct {
	Stubborn bool // it may have to be killed

	program string
	Addr    string // on which it listens
	Exited  <-chan struct{}
	Output  *LockedBuffer
	Stop    func()
}

// StartComponent runs a program in a folder, with its port in PORT, and waits until it listens.
// An argument {{addr}} is where.
func StartComponent(t *testing.T, folder string, env []string, program string, args ...string) *Component {
	t.Helper()
	addr := testport.Free(t)
	args = slices.Clone(args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{{addr}}", addr)
	}
	_, port, _ := net.SplitHostPort(addr)
	c := RunComponent(t, folder, append(env, "PORT="+port), program, args...)
	c.Listens(t, addr)
	return c
}

// Listens waits until the program listens on an address, which becomes its own.
func (c *Component) Listens(t *testing.T, addr string) {
	t.Helper()
	c.Addr = addr
	AwaitListener(t, c.program, addr, c.Exited)
}

// AwaitListener waits until a program listens on an address. It fails the test if the program exits, or takes more than
// [StartPatience].
func AwaitListener(t testing.TB, program, addr string, exited <-chan struct{}) {
	t.Helper()
	eventually(t, StartPatience, program+" to listen", func() bool {
		select {
		case <-exited:
			t.Fatalf("%s has exited", program)
		default:
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

// patience is how long the program may take to exit.
func (c *Component) patience() time.Duration {
	if c.Stubborn {
		return Patience / 6
	}
	return Patience
}

// RunComponent runs a program in a folder. It is a process group of its own, as PHP's server
// leaves its workers behind when it alone is told to go.
func RunComponent(t *testing.T, folder string, env []string, program string, args ...string) *Component {
	t.Helper()
	exited := make(chan struct{})
	c := &Component{program: program, Exited: exited, Output: new(LockedBuffer)}
	cmd := exec.Command(program, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = c.Output, c.Output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(exited)
		_ = cmd.Wait() // it is told to go by a signal, which is an error
	}()
	c.Stop = sync.OnceFunc(func() {
		signal := func(s syscall.Signal) {
			if err := syscall.Kill(-cmd.Process.Pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Errorf("ending %s: %v", program, err)
			}
		}
		signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(c.patience()):
			signal(syscall.SIGKILL)
			<-exited
			if !c.Stubborn {
				t.Errorf("%s has not exited %s after SIGTERM", program, Patience)
			}
		}
	})
	t.Cleanup(func() {
		c.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, c.Output)
		}
	})
	return c
}

// LockedBuffer keeps what is written to it.
type LockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *LockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *LockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
