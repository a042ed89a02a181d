package testsite

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
)

// RunWithAdmin runs Caddy with an admin endpoint, whose URL it returns. Its address is {{admin}} in the Caddyfile.
func RunWithAdmin(t *testing.T, caddyfile string) (s *Site, admin string) {
	t.Helper()
	addr := testport.Free(t)
	global := "{\n\tadmin " + addr + "\n\tpersist_config off\n\tauto_https off\n}\n"
	s = Run(t, global+strings.ReplaceAll(caddyfile, "{{admin}}", addr))
	t.Cleanup(func() { AdminOff(t) })
	return s, "http://" + addr
}

// AdminOff ends Caddy's admin endpoint, which outlives the configuration when Caddy is told to stop.
func AdminOff(t *testing.T) {
	t.Helper()
	if err := caddy.Load([]byte(`{"admin": {"disabled": true, "config": {"persist": false}}}`), true); err != nil {
		t.Errorf("turning the admin endpoint off: %v", err)
	}
}

// StatusSite returns a site that shows the status page of the admin endpoint {{admin}}, as docs/operations.md has it, and the URL of the
// page. Browsers may not open it at the endpoint's own address.
func StatusSite(t *testing.T) (site, page string) {
	addr := testport.Free(t)
	return "http://" + addr + ` {
	bind 127.0.0.1
	reverse_proxy /sse_bridge/* {{admin}} {
		header_up Host {upstream_hostport}
		header_up -Origin
		header_up -Referer
		header_up -Sec-Fetch-Mode
	}
}`, "http://" + addr + "/sse_bridge/"
}
