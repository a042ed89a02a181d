package servers

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

const powerDNSKey = "key-of-the-test"

// startPowerDNS starts a PowerDNS with its zones in SQLite, and none at first.
func startPowerDNS(t *testing.T) *testsite.Component {
	t.Helper()
	program := testsite.NeedServer(t, "pdns_server", "pdns-server")
	const schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
	_, err := os.Stat(schema)
	testsite.Need(t, "PowerDNS's SQLite (Debian: pdns-backend-sqlite3)", err)
	folder, addr, dns := t.TempDir(), testport.Free(t), testport.Free(t)
	port := func(addr string) string { return strings.TrimPrefix(addr, "127.0.0.1:") }
	database := filepath.Join(folder, "zones.sqlite")
	if said, err := exec.Command(testsite.NeedServer(t, "sqlite3", "sqlite3"), database, ".read "+schema).CombinedOutput(); err != nil {
		t.Fatalf("making the database: %v\n%s", err, said)
	}
	c := testsite.RunComponent(t, folder, nil, program, "--config-dir="+folder, "--launch=gsqlite3", "--gsqlite3-database="+database, "--local-address=127.0.0.1",
		"--local-port="+port(dns), "--webserver=yes", "--webserver-address=127.0.0.1", "--webserver-port="+port(addr), "--api=yes", "--api-key="+powerDNSKey,
		"--socket-dir="+folder, "--guardian=no", "--daemon=no")
	c.Listens(t, addr)
	return c
}

func meetPowerDNS(t *testing.T) newcomer {
	c := startPowerDNS(t)
	zones := "http://" + c.Addr + "/api/v1/servers/localhost/zones"
	ask := func(method, path, body string) {
		testsite.Post(t, method, zones+path, "application/json", body, "X-API-Key", powerDNSKey)
	}
	exists := make(map[string]bool)
	change, want := rows(func(name string, i int) {
		zone := name + ".test."
		if !exists[zone] {
			ask(http.MethodPost, "", fmt.Sprintf(`{"name":%q,"kind":"Native","nameservers":[],"soa_edit_api":""}`, zone))
			exists[zone] = true
		}
		soa := fmt.Sprintf("ns.test. admin.test. %d 3600 600 86400 300", i)
		ask(http.MethodPatch, "/"+zone, fmt.Sprintf(`{"rrsets":[{"name":%q,"type":"SOA","ttl":300,"changetype":"REPLACE","records":[{"content":%q,"disabled":false}]}]}`, zone, soa))
	}, func(name string) {
		ask(http.MethodDelete, "/"+name+".test.", "")
		delete(exists, name+".test.")
	})
	serial := row("name", "serial")
	return newcomer{
		url: zones, header: []string{"X-API-Key", powerDNSKey}, change: change, want: want, list: "@this",
		show: func(data string) string { return strings.Replace(serial(data), ".test.", "", 1) },
	}
}
