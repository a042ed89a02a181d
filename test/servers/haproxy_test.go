package servers

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// haproxy is an HAProxy with statistics at /stats, a backend `app` with one server, and others without.
type haproxy struct {
	*testsite.Component
	t        *testing.T
	commands string // the address that takes them
}

func startHAProxy(t *testing.T) *haproxy {
	t.Helper()
	h := &haproxy{t: t, commands: testport.Free(t)}
	addr, folder := testport.Free(t), t.TempDir()
	config := fmt.Sprintf(`global
	stats socket ipv4@%s level admin
	maxconn 1000
defaults
	mode http
	timeout connect 1s
	timeout client 1m
	timeout server 1m
frontend statistics
	bind %s
	stats enable
	stats uri /stats
backend app
	server first 127.0.0.1:9
backend blue
	balance roundrobin
backend green
	balance roundrobin
`, h.commands, addr)
	if err := os.WriteFile(filepath.Join(folder, "haproxy.cfg"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	h.Component = testsite.RunComponent(t, folder, nil, testsite.NeedServer(t, "haproxy", "haproxy"), "-db", "-f", "haproxy.cfg")
	h.Listens(t, addr)
	return h
}

// command has HAProxy do something while it runs.
func (h *haproxy) command(command, want string) {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.commands)
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, command); err != nil {
		h.t.Fatal(err)
	}
	if said, err := io.ReadAll(conn); err != nil || strings.TrimSpace(string(said)) != want {
		h.t.Fatalf("%s: HAProxy says %q (%v)", command, said, err)
	}
}

func TestServersThatAreAddedToAnHAProxyAreResumedAtEveryEvent(t *testing.T) {
	h := startHAProxy(t)
	backends := []string{"blue", "green"}
	caddyfile := testsite.FormatSite("/stats* "+h.Addr, "interval 50ms", "format csv header", "id sid", "order by_id", "ignore !type 2",
		"data `{\"text\":\"event {sse.item.svname}\"}`")
	testsite.CutAtEveryEvent(t, caddyfile, "text", func(t *testing.T) (string, func(int)) {
		name := backends[0]
		backends = backends[1:]
		return "/stats;csv?scope=" + name, func(i int) {
			h.command(fmt.Sprintf("add server %s/%d 127.0.0.1:9", name, i), "New server registered.")
		}
	})
}

func TestTheServersOfAnHAProxyComeAsTheyChange(t *testing.T) {
	h := startHAProxy(t)
	show := func(item gjson.Result) string {
		name := item.Get("svname").Str
		if name == "BACKEND" {
			return name + "=" + item.Get("weight").Str
		}
		return name + "=" + item.Get("status").Str + "," + item.Get("weight").Str
	}
	change := func(want string, commands ...string) setChange {
		return setChange{func() {
			for _, command := range commands {
				said, _, _ := strings.Cut(command, " ")
				h.command(command, map[string]string{"add": "New server registered.", "del": "Server deleted."}[said])
			}
		}, want}
	}
	followSet(t, recipeSite(t, "haproxy-servers", h.Addr, "interval 2s", "interval 50ms", "scope=app", "scope=blue"), "/servers", show, "BACKEND=0",
		change("BACKEND=0 one=MAINT,1", "add server blue/one 127.0.0.1:9"),
		change("BACKEND=1 one=no check,1", "set server blue/one state ready"),
		change("BACKEND=1 one=no check,1 two=MAINT,1", "add server blue/two 127.0.0.1:9"),
		change("BACKEND=0 two=MAINT,1", "set server blue/one state maint", "del server blue/one"),
	)
}

// The value of a row is the weight of a server.
func meetHAProxy(t *testing.T) newcomer {
	h := startHAProxy(t)
	exists := make(map[string]bool)
	change, want := rows(func(name string, i int) {
		if !exists[name] {
			h.command("add server blue/"+name+" 127.0.0.1:9", "New server registered.")
			h.command("set server blue/"+name+" state ready", "")
			exists[name] = true
		}
		h.command(fmt.Sprintf("set server blue/%s weight %d", name, i), "")
	}, func(name string) {
		h.command("set server blue/"+name+" state maint", "")
		h.command("del server blue/"+name, "Server deleted.")
		delete(exists, name)
	})
	return newcomer{
		url: "http://" + h.Addr + "/stats;csv", change: change, want: want, list: "@this",
		show: func(data string) string {
			if name := gjson.Get(data, "svname").Str; name != "BACKEND" && strings.Contains(data, `"blue"`) {
				return name + "=" + gjson.Get(data, "weight").String()
			}
			return ""
		},
	}
}
