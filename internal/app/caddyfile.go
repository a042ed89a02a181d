package app

import (
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// parseGlobalOption sets up the app from the tokens of the global option. Syntax:
//
//	{
//	    sse_bridge {
//	        cluster <engine> [<args...>] {
//	            <options of the engine...>
//	        }
//	    }
//	}
//
// The arguments and options of an engine are its own; its documentation describes them.
func parseGlobalOption(d *caddyfile.Dispenser, before any) (any, error) {
	d.Next() // consume the option's name
	if before != nil {
		return nil, d.Errf("the global option is given twice: write one, with all that belongs into it")
	}
	if d.NextArg() {
		return nil, d.Errf("the global option takes a block, and %q is not one: write `%s {`; upstreams belong behind the directive of that name, in a site", d.Val(), Name)
	}
	app := new(App)
	for d.NextBlock(0) {
		if name := d.Val(); name != "cluster" {
			return nil, d.Errf("unrecognized option '%s': the only one is `cluster <engine> [<args...>]`", name)
		}
		if err := parseCluster(d, app); err != nil {
			return nil, err
		}
	}
	if app.ClusterRaw == nil {
		return nil, d.Errf("the global option is empty: write `cluster <engine> [<args...>]` into it, or remove it")
	}
	return httpcaddyfile.App{Name: Name, Value: caddyconfig.JSON(app, nil)}, nil
}

// parseCluster parses `cluster <engine> [<args...>] { … }`. The engine's module reads what follows its name.
func parseCluster(d *caddyfile.Dispenser, app *App) error {
	if app.ClusterRaw != nil {
		return d.Errf("cluster: it is given twice: a node is in one cluster; remove one of them")
	}
	if !d.NextArg() {
		return d.Errf("cluster: the engine is missing: name it, such as `cluster nats nats://10.0.0.5:4222`")
	}
	engine := d.Val()
	if err := checkEngine(engine); err != nil {
		return d.Errf("cluster: %w", err)
	}
	settings, err := caddyfile.UnmarshalModule(d, moduleID(engine))
	if err != nil {
		return err
	}
	app.ClusterRaw = caddyconfig.JSONModuleObject(settings, "engine", engine, nil)
	return nil
}
