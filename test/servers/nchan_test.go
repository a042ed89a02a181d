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

// startNchan runs an nginx with nchan, whose channels take messages at /pub/ and give them at /sub/ and /events/.
func startNchan(t *testing.T) *testsite.Component {
	t.Helper()
	program := testsite.NeedServer(t, "nginx", "nginx")
	const module = "/usr/lib/nginx/modules/ngx_nchan_module.so"
	_, err := os.Stat(module)
	testsite.Need(t, "nchan (Debian: libnginx-mod-nchan)", err)
	folder, addr := t.TempDir(), testport.Free(t)
	config := fmt.Sprintf(`load_module %s;
daemon off; master_process off; pid %[2]s/pid; error_log %[2]s/log;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	server {
		listen %[3]s;
		nchan_message_buffer_length 1000;
		location ~ ^/pub/(\w+)$ { nchan_publisher; nchan_channel_id $1; }
		location ~ ^/(?:sub|events)/(\w+)$ { nchan_subscriber; nchan_channel_id $1; nchan_eventsource_ping_interval 1; }
	}
}
`, module, folder, addr)
	if err := os.WriteFile(filepath.Join(folder, "nginx.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := testsite.RunComponent(t, folder, nil, program, "-c", filepath.Join(folder, "nginx.conf"), "-p", folder)
	c.Listens(t, addr)
	return c
}

// Messages of one second differ in the Etag alone, and an nchan that was just started gives them all.
func TestNchanIsResumedAtEveryEvent(t *testing.T) {
	nchan := startNchan(t)
	for _, way := range []struct{ recipe, path string }{{"nchan-multipart", "/sub/"}, {"nchan-eventsource", "/events/"}, {"nchan-longpoll", "/sub/"}} {
		t.Run(way.recipe, func(t *testing.T) {
			channels := 0
			testsite.CutAtEveryEvent(t, recipeSite(t, way.recipe, nchan.Addr), "text", func(t *testing.T) (string, func(int)) {
				channels++
				channel := fmt.Sprintf("%c%d", way.recipe[len("nchan-")], channels)
				return way.path + channel, func(i int) {
					testsite.Post(t, http.MethodPost, "http://"+nchan.Addr+"/pub/"+channel, "application/json", fmt.Sprintf(`{"text":"event %d"}`, i))
				}
			})
		})
	}
}

func meetNchan(t *testing.T) newcomer {
	nchan := startNchan(t)
	return newcomer{
		url: "http://" + nchan.Addr + "/sub/news", busy: true, show: at("text"),
		say: func(text string) {
			testsite.Post(t, http.MethodPost, "http://"+nchan.Addr+"/pub/news", "application/json", fmt.Sprintf(`{"text":%q}`, text))
		},
	}
}
