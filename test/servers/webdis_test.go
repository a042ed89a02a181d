package servers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// startWebdis starts a Webdis, which has a Redis speak HTTP.
func startWebdis(t *testing.T) *testsite.Component {
	t.Helper()
	port := func(addr string) string { return strings.TrimPrefix(addr, "127.0.0.1:") }
	folder, redis, addr := t.TempDir(), testport.Free(t), testport.Free(t)
	testsite.RunComponent(t, folder, nil, testsite.NeedServer(t, "redis-server", "redis-server"), "--bind", "127.0.0.1", "--port", port(redis), "--save", "").Listens(t, redis)
	config := fmt.Sprintf(`{"redis_host":"127.0.0.1","redis_port":%s,"http_host":"127.0.0.1","http_port":%s,"threads":1,"daemonize":false,"database":0,"verbosity":1}`, port(redis), port(addr))
	if err := os.WriteFile(filepath.Join(folder, "webdis.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := testsite.RunComponent(t, folder, nil, testsite.NeedServer(t, "webdis", "webdis"), "webdis.json")
	c.Listens(t, addr)
	return c
}

// The list grows at its end. Its items are texts.
func meetRedisList(t *testing.T) newcomer {
	c := startWebdis(t)
	return newcomer{
		url: "http://" + c.Addr + "/LRANGE/news/0/-1", list: "LRANGE", show: at("@this"),
		say: func(text string) { testsite.Fetch(t, "http://"+c.Addr+"/RPUSH/news/"+url.PathEscape(text)) },
	}
}

// Webdis reverses messages that come to it at once, so one is said when a listener has the one before.
func meetRedisChannel(t *testing.T) newcomer {
	c := startWebdis(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.Addr+"/SUBSCRIBE/news", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	messages := json.NewDecoder(resp.Body)
	// hears waits for an answer with a text as its last part.
	hears := func(last string) {
		for {
			var message struct{ Subscribe []any }
			if err := messages.Decode(&message); err != nil {
				t.Errorf("listening for %s: %v", last, err)
				return
			}
			if n := len(message.Subscribe); n > 0 && fmt.Sprint(message.Subscribe[n-1]) == last {
				return
			}
		}
	}
	hears("1") // the number of channels
	return newcomer{
		url: "http://" + c.Addr + "/SUBSCRIBE/news", busy: true, show: at("SUBSCRIBE.2"),
		say: func(text string) {
			testsite.Fetch(t, "http://"+c.Addr+"/PUBLISH/news/"+url.PathEscape(text))
			hears(text)
		},
	}
}

func meetRedisHash(t *testing.T) newcomer {
	c := startWebdis(t)
	change, want := rows(func(name string, i int) {
		testsite.Fetch(t, fmt.Sprintf("http://%s/HSET/table/%s/%d", c.Addr, name, i))
	},
		func(name string) { testsite.Fetch(t, "http://"+c.Addr+"/HDEL/table/"+name) })
	return newcomer{
		url: "http://" + c.Addr + "/HGETALL/table", change: change, want: want,
		show: func(data string) string {
			var all []string
			for name, value := range gjson.Get(data, "HGETALL").Map() {
				all = append(all, name+"="+value.Str)
			}
			slices.Sort(all)
			return strings.Join(all, " ")
		},
	}
}
