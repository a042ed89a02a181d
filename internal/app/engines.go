package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// path is that of the module that users build Caddy with. Each engine is a Go module below it.
const path = "github.com/sse-bridge/caddy-sse-bridge"

// namespace is that of the engines.
const namespace = "sse_bridge.cluster"

// ours are the engines that this project has.
var ours = []string{"nats", "redis"}

// moduleID is the id of an engine's Caddy module.
func moduleID(engine string) string { return namespace + "." + engine }

// checkEngine returns an error if this Caddy was built without an engine.
func checkEngine(engine string) error {
	if _, err := caddy.GetModule(moduleID(engine)); err == nil {
		return nil
	}
	if slices.Contains(ours, engine) {
		return fmt.Errorf("this Caddy has no engine %q: build one that has, with `xcaddy build --with %s --with %[2]s/%s`", engine, path, engine)
	}
	return fmt.Errorf("there is no engine %q in this Caddy: those of sse_bridge are %s; build a Caddy with one of them, such as `xcaddy build --with %s --with %[3]s/%s`",
		engine, strings.Join(ours, " and "), path, ours[0])
}
