package stream

import (
	"net/http"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// probe is a handler of Caddy sites, with the directive of the same name, that does what a test says.
type probe struct{ ctx caddy.Context }

// probing is what the probes do. Caddy makes them of a configuration, so a test cannot hand it to them.
var probing struct {
	sync.Mutex
	serve  func(p *probe, w http.ResponseWriter, r *http.Request) error
	newest *probe
}

// probeWith says what the probes do from now on.
func probeWith(serve func(p *probe, w http.ResponseWriter, r *http.Request) error) {
	probing.Lock()
	defer probing.Unlock()
	probing.serve = serve
}

func init() {
	caddy.RegisterModule(probe{})
	httpcaddyfile.RegisterHandlerDirective("probe", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next() // the directive
		return new(probe), nil
	})
	httpcaddyfile.RegisterDirectiveOrder("probe", httpcaddyfile.After, "encode")
}

// CaddyModule returns the Caddy module information.
func (probe) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.probe", New: func() caddy.Module { return new(probe) }}
}

func (p *probe) Provision(ctx caddy.Context) error {
	p.ctx = ctx
	probing.Lock()
	probing.newest = p
	probing.Unlock()
	deferLines(ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server))
	return nil
}

func (p *probe) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	probing.Lock()
	serve := probing.serve
	probing.Unlock()
	return serve(p, w, r)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*probe)(nil)
	_ caddyhttp.MiddlewareHandler = (*probe)(nil)
)
