package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(teapot{}) }

// teapot is in the namespace of the engines, and none.
type teapot struct{}

// CaddyModule implements [caddy.Module].
func (teapot) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sse_bridge.cluster.teapot", New: func() caddy.Module { return new(teapot) }}
}

func TestWrongEnginesAreRefused(t *testing.T) {
	const build = "`xcaddy build --with github.com/sse-bridge/caddy-sse-bridge --with github.com/sse-bridge/caddy-sse-bridge/"
	for _, test := range []struct{ name, cluster, want string }{
		{"not built in", `{"engine": "nats", "token": "hunter2"}`, `cluster: this Caddy has no engine "nats": build one that has, with ` + build + "nats`"},
		{"the other one", `{"engine": "redis"}`, `cluster: this Caddy has no engine "redis": build one that has, with ` + build + "redis`"},
		{"unknown", `{"engine": "kafka"}`, `cluster: there is no engine "kafka" in this Caddy: those of sse_bridge are nats and redis; build a Caddy with one of them, such as ` + build + "nats`"},
		{"none", `{"token": "hunter2"}`, "cluster: the engine is missing: name it in `engine`, such as \"nats\""},
		{"null", `null`, "cluster: the engine is missing: name it in `engine`, such as \"nats\""},
		{"no object", `"nats://:hunter2@10.0.0.5"`, "cluster: it must be an object with the name of an engine in `engine`, and the engine's settings"},
		{"no engine", `{"engine": "teapot"}`, "cluster: the module sse_bridge.cluster.teapot is not a cluster.Engine, but *app_test.teapot: build Caddy with an engine for this version of sse_bridge"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := caddy.Validate(&caddy.Config{
				Admin:   &caddy.AdminConfig{Disabled: true},
				AppsRaw: caddy.ModuleMap{"sse_bridge": json.RawMessage(`{"cluster": ` + test.cluster + `}`)},
			})
			if err == nil || !strings.HasSuffix(err.Error(), "provision sse_bridge: "+test.want) {
				t.Fatalf("got the error %v, want %s", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error has a password: %v", err)
			}
		})
	}
}
