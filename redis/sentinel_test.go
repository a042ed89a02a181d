package redis

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// startSentinel runs a Sentinel that watches a server by the name main.
func startSentinel(t *testing.T, server *process) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sentinel.conf") // it writes to it
	p := newProcess(t, file, "--sentinel", "--port", "{port}")
	text := "sentinel monitor main " + server.host + " " + server.port + " 1\n" +
		"sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 2000\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Start()
	return p
}

func TestSentinelsSayWhereTheServerIs(t *testing.T) {
	first := newProcess(t)
	first.Start()
	second := newProcess(t, "--port", "{port}", "--replicaof", first.host+" "+first.port)
	second.Start()
	sentinel := startSentinel(t, first)
	host, port := freeAddress(t)
	e := &Engine{Servers: []string{"redis://" + host + ":" + port, sentinel.url()}, Sentinel: "main"} // the first is dead
	one, two := connected(t, e), connected(t, e)
	eventually(t, "both to be up", func() bool { return one.isUp() && two.isUp() })
	var heard atomic.Bool
	if _, err := two.Subscribe("topic", func([]byte) { heard.Store(true) }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the sentinel to know the second server", func() bool {
		return len(sentinel.tell("SENTINEL", "replicas", "main").([]any)) == 1
	})

	first.Kill()
	eventually(t, "both to be down", func() bool { return !one.isUp() && !two.isUp() })
	eventually(t, "both to be up at the second server", func() bool { return one.isUp() && two.isUp() })
	eventually(t, "a message", func() bool {
		_ = one.Publish("topic", nil) // the machine may be too busy for either connection
		return heard.Load()
	})
}

func TestANameThatSentinelsDoNotKnowIsWarnedOfOnce(t *testing.T) {
	server := newProcess(t)
	server.Start()
	sentinel := startSentinel(t, server)
	connected(t, &Engine{Servers: []string{sentinel.url()}, Sentinel: "mine"}).
		warnsOnce(t, "it knows no server of the name \"mine\": set `sentinel` to that of its configuration's `sentinel monitor`")
}
