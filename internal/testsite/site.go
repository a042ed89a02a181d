// Package testsite runs a Caddy with one site for tests, with backends, clients, wires and processes. It
// imports no other package of the module: tests that run a site import the module themselves.
package testsite

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
)

// Patience is how long tests wait for what must come. Nothing is asserted of time with it.
const Patience = time.Minute

// StartPatience is how long they wait for a process to listen: some need the whole processor for it, and others have it.
const StartPatience = 5 * Patience

// Site is a running Caddy with one site. Caddy is one per process: tests that have a site
// must not run in parallel.
type Site struct {
	t    *testing.T
	Addr string
	URL  string
}

// Run runs Caddy with a Caddyfile, in which {{site}} is the address that the site listens
// on. It stops with the test.
func Run(t *testing.T, caddyfile string) *Site {
	t.Helper()
	addr := testport.Free(t)
	s := &Site{t: t, Addr: addr, URL: "http://" + addr}
	s.Reload(caddyfile)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return s
}

// Reload loads a configuration, as `caddy reload` does.
func (s *Site) Reload(caddyfile string) {
	s.t.Helper()
	if err := s.Load(caddyfile); err != nil {
		s.t.Fatalf("loading the configuration: %v", err)
	}
}

func (s *Site) Load(caddyfile string) error {
	_, port, _ := net.SplitHostPort(s.Addr)
	config, err := AdaptSite(strings.NewReplacer("{{site}}", s.URL, "{{port}}", port).Replace(caddyfile))
	if err != nil {
		return err
	}
	return s.LoadJSON(config)
}

// LoadJSON loads a configuration in Caddy's own format.
func (s *Site) LoadJSON(config []byte) (err error) {
	if !TakesOver() {
		if config, err = hideConns(config); err != nil {
			return err
		}
	}
	if err := caddy.Load(config, true); err != nil {
		return err
	}
	return AwaitOneListener(s.Addr)
}

func AdaptSite(caddyfile string) ([]byte, error) {
	global := "{\n\tadmin off\n\tpersist_config off\n\tauto_https disable_redirects\n\tlocal_certs\n\tskip_install_trust\n}\n"
	if strings.HasPrefix(strings.TrimSpace(caddyfile), "{\n") {
		global = ""
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(global+caddyfile), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// Eventually waits for a condition of the outside world, where no simulated time reaches.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	eventually(t, Patience, what, holds)
}

func eventually(t testing.TB, patience time.Duration, what string, holds func() bool) {
	t.Helper()
	if !Within(patience, holds) {
		t.Fatalf("waited %s for %s", patience, what)
	}
}

// Within reports whether a condition of the outside world holds before a time is over.
func Within(patience time.Duration, holds func() bool) bool {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			return holds()
		}
	}
	return true
}

var bridgeBlock = regexp.MustCompile(`(?m)^\t*sse_bridge .*\{$`)

// Move has the site continue on another node: at another address, and with bridges that know
// nothing.
func (s *Site) Move(caddyfile string, generation int) {
	s.t.Helper()
	s.Addr = testport.Free(s.t)
	s.URL = "http://" + s.Addr
	s.Reload(bridgeBlock.ReplaceAllString(caddyfile, fmt.Sprintf("$0\n\t\tkeepalive %ds", 1000+generation)))
}
