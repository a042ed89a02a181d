package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
)

// node is one Caddy of several with the same configuration.
type node struct {
	*process

	admin string
	live  atomic.Bool // clients may go there

	mu      sync.Mutex
	freezes []freeze
}

// freeze is a time in which a node was stopped.
type freeze struct{ from, to time.Time }

// nodeSite is the Caddyfile of a node. All blocks are the same on all nodes. The upstream hears which one polls.
const nodeSite = `{
	admin {{admin}}
	persist_config off
	auto_https off
	log {
		exclude admin.api
	}
	sse_bridge {
		{{cluster}}
	}
}
:{{port}} {
	bind 127.0.0.1
{{blocks}}	respond 404
}
`

// blocks are the subdirectives of each kind of feed.
var blocks = map[kind]string{
	items:    "interval 500ms\n\t\titems items\n\t\tid n\n\t\tquery after {sse.cursor}",
	pages:    "interval 500ms\n\t\titems items\n\t\tcursor next\n\t\tquery after {sse.cursor}",
	held:     "long_poll 20s\n\t\titems items\n\t\tid n\n\t\tquery after {sse.cursor}",
	document: "interval 500ms",
}

// newNode returns a node that does not run yet.
func newNode(t testing.TB, program, name, cluster, upstream string) *node {
	t.Helper()
	n := &node{admin: testport.Free(t)}
	addr := testport.Free(t)
	_, port, _ := strings.Cut(addr, ":")
	var sites strings.Builder
	for k := items; k <= document; k++ {
		fmt.Fprintf(&sites, "\tsse_bridge /%s/* {\n\t\tupstream {\n\t\t\treverse_proxy %s {\n\t\t\t\theader_up X-Node {env.NODE}\n\t\t\t}\n\t\t}\n\t\t%s\n\t}\n", k, upstream, blocks[k])
	}
	file := filepath.Join(t.TempDir(), "Caddyfile")
	text := strings.NewReplacer("{{admin}}", n.admin, "{{cluster}}", cluster, "{{port}}", port, "{{blocks}}", sites.String()).Replace(nodeSite)
	if cluster == "" {
		text = strings.Replace(text, "\tsse_bridge {\n\t\t\n\t}\n", "", 1)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.process = newProcess(t, name, addr, program, "run", "--config", file, "--adapter", "caddyfile")
	home := t.TempDir()
	n.env = []string{"NODE=" + name, "HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home}
	return n
}

// rises starts the node, and lets clients go there once it listens.
func (n *node) rises() {
	n.t.Helper()
	n.start()
	n.listens()
	n.live.Store(true)
}

// dies is `kill -9`.
func (n *node) dies() {
	n.live.Store(false)
	n.kill()
}

// freeze stops the node, without a word to anybody.
func (n *node) freeze() {
	n.live.Store(false)
	n.mu.Lock()
	n.freezes = append(n.freezes, freeze{from: time.Now()})
	n.mu.Unlock()
	n.signal(syscall.SIGSTOP)
}

// thaw has a node go on that was stopped.
func (n *node) thaw() {
	n.signal(syscall.SIGCONT)
	n.mu.Lock()
	n.freezes[len(n.freezes)-1].to = time.Now()
	n.mu.Unlock()
	n.live.Store(true)
}

// frozen reports whether the node was stopped between two moments, or had just gone on.
func (n *node) frozen(from, to time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.freezes, func(f freeze) bool {
		return f.from.Before(to) && (f.to.IsZero() || from.Before(f.to.Add(time.Second)))
	})
}

// overview is what the admin API says of a node.
type overview struct {
	Cluster *struct {
		Up    bool `json:"up"`
		Nodes []struct {
			ID string `json:"id"`
		} `json:"nodes"`
		Dropped int `json:"dropped"`
	} `json:"cluster"`
	Feeds []struct {
		Path   string `json:"path"`
		Polled string `json:"polled"`
	} `json:"feeds"`
}

var adminClient = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// look asks the node's admin API. A node that is not there says nothing.
func (n *node) look() (o overview) {
	r, err := adminClient.Get("http://" + n.admin + "/sse_bridge/feeds")
	if err != nil {
		return o
	}
	defer r.Body.Close()
	_ = json.NewDecoder(r.Body).Decode(&o) // it may be killed meanwhile
	return o
}

// polled returns how each feed of the node is polled, by its path.
func (o *overview) polled() map[string]string {
	all := make(map[string]string, len(o.Feeds))
	for _, f := range o.Feeds {
		all[f.Path] = f.Polled
	}
	return all
}
