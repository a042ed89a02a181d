package servers

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

func startAria2(t *testing.T) *testsite.Component {
	t.Helper()
	program, addr := testsite.NeedServer(t, "aria2c", "aria2"), testport.Free(t)
	c := testsite.RunComponent(t, t.TempDir(), nil, program, "--enable-rpc", "--rpc-listen-port="+addr[len("127.0.0.1:"):], "--no-conf", "--enable-dht=false", "--enable-dht6=false")
	c.Listens(t, addr)
	return c
}

// callAria2 calls a method of an aria2, and returns its result if that is a text.
func callAria2(t *testing.T, addr, method, params string) string {
	t.Helper()
	return gjson.Get(testsite.Post(t, http.MethodPost, "http://"+addr+"/jsonrpc", "application/json",
		`{"jsonrpc":"2.0","id":"x","method":"aria2.`+method+`","params":[`+params+`]}`), "result").Str
}

func TestDownloadsOfAnAria2ComeAsTheyChange(t *testing.T) {
	addr := startAria2(t).Addr
	held, _ := testsite.Hanging(t)
	call := func(method, params string) string { return callAria2(t, addr, method, params) }
	add := func(options string) string { return call("addUri", `["http://`+held+`/file"],`+options) }
	on := func(method string, gid *string) func() { return func() { call(method, `"`+*gid+`"`) } }
	one, two := add(`{}`), ""
	names := func(item gjson.Result) string {
		name := "two"
		if item.Get("gid").Str == one {
			name = "one"
		}
		return name + "=" + item.Get("status").Str
	}
	followSet(t, recipeSite(t, "aria2-downloads", addr, "interval 1s", "interval 50ms"), "/downloads", names, "one=active",
		setChange{func() { two = add(`{"pause":"true"}`) }, "one=active two=paused"},
		setChange{on("unpause", &two), "one=active two=active"},
		setChange{on("forceRemove", &one), "one=removed two=active"},
		setChange{on("removeDownloadResult", &one), "two=active"},
	)
}

// Downloads wait until somebody wants them. The value of a row is where it comes from.
func meetAria2(t *testing.T) newcomer {
	c := startAria2(t)
	waiting := make(map[string]string)
	remove := func(name string) {
		if waiting[name] != "" {
			callAria2(t, c.Addr, "forceRemove", strconv.Quote(waiting[name]))
		}
	}
	change, want := rows(func(name string, i int) {
		remove(name)
		waiting[name] = callAria2(t, c.Addr, "addUri", fmt.Sprintf(`["http://127.0.0.1:9/%s=%d"],{"pause":"true"}`, name, i))
	}, func(name string) {
		remove(name)
		delete(waiting, name)
	})
	return newcomer{
		url:    "http://" + c.Addr + "/jsonrpc?method=aria2.tellWaiting&id=x&params=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("[0,100]"))),
		change: change, want: want, list: "result",
		show: func(data string) string {
			return strings.TrimPrefix(gjson.Get(data, "files.0.uris.0.uri").Str, "http://127.0.0.1:9/")
		},
	}
}
