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

// startNginx starts an nginx that has the files of a folder at /files/, and lists them as JSON.
func startNginx(t *testing.T) (files string, c *testsite.Component) {
	t.Helper()
	program, folder, addr := testsite.NeedServer(t, "nginx", "nginx"), t.TempDir(), testport.Free(t)
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/log;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		root %[1]s;
		location /files/ { autoindex on; autoindex_format json; }
	}
}
`, folder, addr)
	files = filepath.Join(folder, "files")
	for _, err := range []error{os.WriteFile(filepath.Join(folder, "nginx.conf"), []byte(config), 0o600), os.Mkdir(files, 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c = testsite.RunComponent(t, folder, nil, program, "-c", filepath.Join(folder, "nginx.conf"), "-p", folder)
	c.Listens(t, addr)
	return files, c
}

// Its Last-Modified and its ETag are made of the second of the file, and of its size.
func TestAFileOfAnNginxComesAlsoWhenItChangesTwiceInASecond(t *testing.T) {
	files, c := startNginx(t)
	file := filepath.Join(files, "status.json")
	change := func(to int) {
		t.Helper()
		next := filepath.Join(files, "next")
		for _, err := range []error{os.WriteFile(next, fmt.Appendf(nil, `{"version":"%03d"}`, to), 0o600), os.Rename(next, file)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	change(1)
	testsite.CheckDocument(t, testsite.FormatSite("/files/status.json "+c.Addr, "interval 50ms"), "/files/status.json", change, func(data string) int {
		return int(gjson.Get(data, "version").Int())
	})
}

// The value of a row is the size of a file.
func meetNginxFolder(t *testing.T) newcomer {
	files, c := startNginx(t)
	change, want := rows(func(name string, i int) {
		if err := os.WriteFile(filepath.Join(files, name), []byte(strings.Repeat("x", i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}, func(name string) {
		if err := os.Remove(filepath.Join(files, name)); err != nil {
			t.Fatal(err)
		}
	})
	return newcomer{url: "http://" + c.Addr + "/files/", change: change, want: want, list: "@this", show: row("name", "size")}
}
