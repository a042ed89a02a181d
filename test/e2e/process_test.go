package e2e

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// process is a Caddy in a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string // of the site
	admin string
	done  chan error
}

// startCaddy runs the test binary as Caddy with a Caddyfile as runCaddy takes it. Nothing but
// its admin address and storage differ from Caddy's defaults.
func startCaddy(t *testing.T, caddyfile string) *process {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, url: "http://" + testsite.FreeAddr(t), admin: testsite.FreeAddr(t), done: make(chan error, 1)}
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
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have exited
		output.Close()
		if text, err := os.ReadFile(output.Name()); err == nil && t.Failed() {
			t.Logf("Caddy's log:\n%s", text)
		}
	})
	testsite.Eventually(t, "Caddy to listen", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
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
}

// terminate sends SIGTERM and returns how long the process took to exit.
func (p *process) terminate() time.Duration {
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
	return time.Since(at)
}
