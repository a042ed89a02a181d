package servers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// startInfluxDB starts an InfluxDB with the database `db`.
func startInfluxDB(t *testing.T) *testsite.Component {
	t.Helper()
	program, folder, addr := testsite.NeedServer(t, "influxd", "influxdb"), t.TempDir(), testport.Free(t)
	config := fmt.Sprintf(`reporting-disabled = true
bind-address = %[2]q
[meta]
dir = "%[1]s/meta"
[data]
dir = "%[1]s/data"
wal-dir = "%[1]s/wal"
[monitor]
store-enabled = false
[http]
bind-address = %[3]q
log-enabled = false
`, folder, testport.Free(t), addr)
	if err := os.WriteFile(filepath.Join(folder, "influxdb.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := testsite.RunComponent(t, folder, nil, program, "-config", "influxdb.conf")
	c.Listens(t, addr)
	testsite.Post(t, http.MethodPost, "http://"+addr+"/query", "application/x-www-form-urlencoded", "q=CREATE+DATABASE+db")
	return c
}

// A point has its time and a text, and stands in a list without names.
func meetInfluxDB(t *testing.T) newcomer {
	c := startInfluxDB(t)
	return newcomer{
		url: "http://" + c.Addr + "/query?db=db&q=SELECT+*+FROM+notes", list: "results.0.series.0.values", show: at("1"),
		say: func(text string) {
			testsite.Post(t, http.MethodPost, "http://"+c.Addr+"/write?db=db", "text/plain", fmt.Sprintf("notes text=%q", text))
		},
	}
}
