package ssebridge

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// patience is how long tests wait for what must come. Nothing is asserted of time with it.
const patience = time.Minute

// site is a running Caddy with one site. Caddy is one per process: tests that have a site
// must not run in parallel.
type site struct {
	t    *testing.T
	addr string
	url  string
}

// runCaddy runs Caddy with a Caddyfile, in which {{site}} is the address that the site listens
// on. It stops with the test.
func runCaddy(t *testing.T, caddyfile string) *site {
	t.Helper()
	addr := freeAddr(t)
	s := &site{t: t, addr: addr, url: "http://" + addr}
	s.reload(caddyfile)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return s
}

// reload loads a configuration, as `caddy reload` does.
func (s *site) reload(caddyfile string) {
	s.t.Helper()
	if err := s.load(caddyfile); err != nil {
		s.t.Fatalf("loading the configuration: %v", err)
	}
}

func (s *site) load(caddyfile string) error {
	config, err := adaptSite(strings.ReplaceAll(caddyfile, "{{site}}", s.url))
	if err != nil {
		return err
	}
	return caddy.Load(config, true)
}

func adaptSite(caddyfile string) ([]byte, error) {
	global := "{\n\tadmin off\n\tpersist_config off\n\tauto_https disable_redirects\n\tlocal_certs\n\tskip_install_trust\n}\n"
	if strings.HasPrefix(strings.TrimSpace(caddyfile), "{\n") {
		global = ""
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(global+caddyfile), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// freeAddr returns an address of loopback that nobody listens on. Its port is below those that systems
// give to who asks for any, as each connection and test server does: nobody takes it meanwhile.
func freeAddr(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.N(12_000))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatalf("looking for a free port: %v", err)
	return ""
}

// eventually waits for a condition of the outside world, where no simulated time reaches.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
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
