package servers

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
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
	return startEtcdOn(t, t.TempDir(), testport.Free(t))
}

// startEtcdOn starts an etcd that has its data in a folder, at an address.
func startEtcdOn(t *testing.T, folder, addr string) *testsite.Component {
	t.Helper()
	_, err := exec.LookPath("etcd")
	testsite.Need(t, "etcd 3.4 (Debian: etcd-server)", err)
	peer, client := "http://"+testport.Free(t), "http://"+addr
	c := testsite.RunComponent(t, folder, nil, "etcd",
		"--data-dir", filepath.Join(folder, "etcd"), "--enable-v2", "--log-level", "error",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	c.Listens(t, addr)
	return c
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
			if e.Type == "bridge.position" {
				return false
			}
			if e.Type != "set" || !strings.Contains(e.Data, `"value":"new"`) {
				t.Fatalf("got %+v", e)
			}
			return true
		default:
			return false
		}
	})
}

// askEtcd calls version 3 of the API.
func askEtcd(t *testing.T, addr, what, body string) {
	t.Helper()
	testsite.Eventually(t, "etcd to take "+what, func() bool { // it does so a moment after it listens
		resp, _ := testsite.Do(t, http.MethodPost, "http://"+addr+"/v3/kv/"+what, body)
		return resp.StatusCode == http.StatusOK
	})
}

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func put(t *testing.T, addr, key, value string) {
	t.Helper()
	askEtcd(t, addr, "put", fmt.Sprintf(`{"key":%q,"value":%q}`, inBase64(key), inBase64(value)))
}

func TestAnEtcdV3WatchIsResumedAtEveryEvent(t *testing.T) {
	etcd := startEtcd(t)
	keys := 0
	revision := 1 // of the newest change
	change := func(what, body string) {
		askEtcd(t, etcd.Addr, what, body)
		revision++
	}
	key := inBase64("key")
	site := testsite.FormatSite("/watch "+etcd.Addr, "stream 24h", "method POST", "rewrite /v3/watch", "format json",
		fmt.Sprintf("body `{\"create_request\":{\"key\":%q,\"start_revision\":\"{sse.cursor+1}\"}}`", key),
		"items result.events", "id kv.mod_revision", "fail error", "data `{\"text\":\"event {sse.item.kv.version}\"}`")
	testsite.CutAtEveryEvent(t, site, "text", func(t *testing.T) (string, func(int)) {
		if keys++; keys > 1 { // the versions of the key begin anew
			change("deleterange", fmt.Sprintf(`{"key":%q}`, key))
		}
		return fmt.Sprintf("/watch?lastEventId=%d", revision), func(int) { change("put", fmt.Sprintf(`{"key":%q,"value":"eA=="}`, key)) }
	})
}

// The changes of a transaction come together. An etcd that is restarted goes on, and one that has compacted the
// client's revision resets it.
func TestAnEtcdV3WatchTellsOfTransactionsAndOutlivesARestart(t *testing.T) {
	folder, addr := t.TempDir(), testport.Free(t)
	etcd := startEtcdOn(t, folder, addr)
	put(t, addr, "before", "x")
	s := testsite.Run(t, recipeSite(t, "etcd-v3-watch", addr))
	stream := testsite.Subscribe(t, s.URL+"/app")
	want := func(key, value string) (id string) {
		t.Helper()
		e := stream.Next()
		for e.Type == "bridge.upstream" {
			e = stream.Next()
		}
		if got := gjson.Get(e.Data, "#.kv.{key,value}").Raw; got != fmt.Sprintf(`[{"key":%q,"value":%q}]`, inBase64(key), inBase64(value)) {
			t.Fatalf("got %+v, want %s", e, key)
		}
		return e.ID
	}
	waitForWatch(t, stream, addr)
	put(t, addr, "app/one", "1")
	first := want("app/one", "1")
	askEtcd(t, addr, "txn", fmt.Sprintf(`{"success":[{"request_put":{"key":%q,"value":"MQ=="}},{"request_put":{"key":%q,"value":"Mg=="}}]}`, inBase64("app/a"), inBase64("app/b")))
	if e := stream.Next(); gjson.Get(e.Data, "#").Int() != 2 {
		t.Fatalf("got %+v, want both changes of the transaction", e)
	}
	etcd.Stop()
	startEtcdOn(t, folder, addr)
	put(t, addr, "app/two", "2")
	last := want("app/two", "2")
	askEtcd(t, addr, "compaction", fmt.Sprintf(`{"revision":%q}`, last))
	s.Move(recipeSite(t, "etcd-v3-watch", addr), 1)
	late := testsite.Subscribe(t, s.URL+"/app", "Last-Event-ID", first)
	if e := late.Next(); e.Type != "bridge.reset" {
		t.Fatalf("got %+v, want a reset", e)
	}
}

// waitForWatch waits until the bridge watches: from then on a newcomer gets what is put.
func waitForWatch(t *testing.T, stream *testsite.Subscription, addr string) {
	t.Helper()
	n := 0
	testsite.Eventually(t, "an event of the watch", func() bool {
		n++
		put(t, addr, "app/probe", strconv.Itoa(n))
		select {
		case <-stream.Events:
			return true
		default:
			return false
		}
	})
	put(t, addr, "app/probe", "done")
	for done := false; !done; {
		done = gjson.Get(stream.Next().Data, "@reverse.0.kv.value").Str == inBase64("done")
	}
}

func meetEtcdV2(t *testing.T) newcomer {
	etcd := startEtcd(t)
	return newcomer{
		url: "http://" + etcd.Addr + "/v2/keys/app?wait=true&recursive=true", busy: true, show: at("node.value"),
		say: func(text string) { setKey(t, etcd, "app/news", text) },
	}
}

func meetEtcdV3(t *testing.T) newcomer {
	etcd := startEtcd(t)
	return newcomer{
		url: "http://" + etcd.Addr + "/v3/watch", say: func(text string) { put(t, etcd.Addr, "app/news", text) },
		show: func(data string) string {
			text, err := base64.StdEncoding.DecodeString(gjson.Get(data, "kv.value").Str)
			if err != nil {
				t.Errorf("%s: %v", data, err)
			}
			return string(text)
		},
	}
}
