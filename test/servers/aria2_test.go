package servers

import (
	"net/http"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

func TestDownloadsOfAnAria2ComeAsTheyChange(t *testing.T) {
	program, addr := testsite.NeedServer(t, "aria2c", "aria2"), testsite.FreeAddr(t)
	c := testsite.RunComponent(t, t.TempDir(), nil, program, "--enable-rpc", "--rpc-listen-port="+addr[len("127.0.0.1:"):], "--no-conf", "--enable-dht=false", "--enable-dht6=false")
	c.Listens(t, addr)
	held, _ := testsite.Hanging(t)
	call := func(method, params string) string {
		return gjson.Get(testsite.Post(t, http.MethodPost, "http://"+addr+"/jsonrpc", "application/json",
			`{"jsonrpc":"2.0","id":"x","method":"aria2.`+method+`","params":[`+params+`]}`), "result").Str
	}
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
