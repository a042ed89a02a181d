package servers

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// etcdSite has the watch of an etcd, version 2 of its API.
func etcdSite(upstream, more string) string {
	return fmt.Sprintf(`{{site}} {
	sse_bridge /v2/keys/* %s {
		long_poll
		items @this
		id node.modifiedIndex
		query wait true
		query waitIndex {sse.cursor+1}
		reset errorCode 401
		%s
	}
}`, upstream, more)
}

func startEtcd(t *testing.T) *testsite.Component {
	t.Helper()
	_, err := exec.LookPath("etcd")
	testsite.Need(t, "etcd 3.4 (Debian: etcd-server)", err)
	peer := "http://" + testsite.FreeAddr(t)
	return testsite.StartComponent(t, t.TempDir(), nil, "etcd",
		"--data-dir", filepath.Join(t.TempDir(), "etcd"), "--enable-v2", "--log-level", "error",
		"--listen-client-urls", "http://{{addr}}", "--advertise-client-urls", "http://{{addr}}",
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
}

// set sets a key and returns the index of the change.
func setKey(t *testing.T, etcd *testsite.Component, key, to string) {
	t.Helper()
	testsite.Post(t, http.MethodPut, "http://"+etcd.Addr+"/v2/keys/"+key, "application/x-www-form-urlencoded", "value="+url.QueryEscape(to))
}

func TestAnEtcdWatchIsResumedAtEveryEvent(t *testing.T) {
	etcd := startEtcd(t)
	index := 3 // etcd's own changes when it starts
	keys := 0
	testsite.CutAtEveryEvent(t, etcdSite(etcd.Addr, ""), "node.value", func(t *testing.T) (string, func(int)) {
		keys++
		key := fmt.Sprintf("key%d", keys)
		return fmt.Sprintf("/v2/keys/%s?wait=true&waitIndex=%d", key, index+1), func(i int) {
			setKey(t, etcd, key, fmt.Sprintf("event %d", i))
			index++
		}
	})
}

// etcd keeps a thousand changes.
func TestAnEtcdThatHasForgottenThePositionResetsItsClients(t *testing.T) {
	etcd := startEtcd(t)
	setKey(t, etcd, "key", "old")
	for i := range 1100 {
		setKey(t, etcd, "other", strconv.Itoa(i))
	}
	s := testsite.Run(t, etcdSite(etcd.Addr, "event action"))
	stream := testsite.Subscribe(t, s.URL+"/v2/keys/key?recursive=true", "Last-Event-ID", "4")
	if got := stream.Next(); got.Type != "bridge.reset" || got.ID != "" {
		t.Fatalf("got %+v, want a reset", got)
	}
	testsite.Eventually(t, "an event after the reset", func() bool {
		setKey(t, etcd, "key", "new")
		select {
		case e := <-stream.Events:
			if e.Type != "set" || !strings.Contains(e.Data, `"value":"new"`) {
				t.Fatalf("got %+v", e)
			}
			return true
		default:
			return false
		}
	})
}
