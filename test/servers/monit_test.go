package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// meetMonit starts a Monit that looks each second whether a file is there.
func meetMonit(t *testing.T) newcomer {
	program, folder, addr := testsite.NeedServer(t, "monit", "monit"), t.TempDir(), testport.Free(t)
	config := fmt.Sprintf(`set daemon 1
set pidfile %[1]s/pid
set idfile %[1]s/id
set statefile %[1]s/state
set httpd port %[2]s and use address 127.0.0.1
	allow localhost
check file door with path %[1]s/door
`, folder, strings.TrimPrefix(addr, "127.0.0.1:"))
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("door", "")
	write("monitrc", config)
	c := testsite.RunComponent(t, folder, nil, program, "-I", "-c", "monitrc")
	c.Listens(t, addr)
	return newcomer{
		url: "http://" + addr + "/_status?format=xml", list: "monit.service",
		change: func(i int) {
			if i%2 == 0 {
				write("door", "")
			} else if err := os.Remove(filepath.Join(folder, "door")); err != nil {
				t.Fatal(err)
			}
		},
		want: func(i int) string { return []string{"door=fine", "door=missing"}[i%2] },
		show: func(data string) string {
			switch status := gjson.Get(data, "status").String(); {
			case gjson.Get(data, "name").Str != "door":
				return ""
			case status == "0":
				return "door=fine"
			}
			return "door=missing"
		},
	}
}
