package ssebridge

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { httpcaddyfile.RegisterHandlerDirective(ownDirective, parseOwn) }

// ownDirective stands for the module's, which a test binary has only if it imports the module.
const ownDirective = "sse_bridge_plan"

// adapted is a configuration as the adapter of Caddyfiles takes it.
type adapted struct{ *Config }

// CaddyModule returns the Caddy module information.
func (adapted) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sse_bridge", New: func() caddy.Module { return new(adapted) }}
}

// ServeHTTP implements caddyhttp.MiddlewareHandler. Nothing is served.
func (adapted) ServeHTTP(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return nil }

func parseOwn(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c, err := parseBlock(h)
	return adapted{c}, err
}

// planOf compiles the lines of an sse_bridge block.
func planOf(t testing.TB, lines ...string) *compiled {
	t.Helper()
	return planBehind(t, "reverse_proxy localhost:1", lines...)
}

// planBehind compiles the lines of an sse_bridge block with the given handlers for its upstream.
func planBehind(t testing.TB, handlers string, lines ...string) *compiled {
	t.Helper()
	named := ""
	if strings.Contains(handlers, "invoke x") {
		named = "&(x) {\nrespond ok\n}\n"
	}
	config, err := adapt(named + "http://a.test {\nroute {\n" + ownDirective + " {\nupstream {\n" + handlers + "\n}\n" + strings.Join(lines, "\n") + "\n}\n}\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := blocksIn(t, config)[0].compile()
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// blocksIn returns the configurations of the sse_bridges in Caddy's JSON configuration.
func blocksIn(t testing.TB, config string) []*Config {
	var root any
	if err := json.Unmarshal([]byte(config), &root); err != nil {
		t.Fatal(err)
	}
	var found []*Config
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if node["handler"] == directive {
				raw, err := json.Marshal(node)
				if err != nil {
					t.Fatal(err)
				}
				c := new(Config)
				if err := json.Unmarshal(raw, c); err != nil {
					t.Fatal(err)
				}
				found = append(found, c)
				return
			}
			for _, child := range node {
				walk(child)
			}
		case []any:
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(root)
	return found
}

// configured returns a configuration with the given JSON fields and an upstream.
func configured(t testing.TB, fields string) *Config {
	t.Helper()
	c := new(Config)
	if err := caddy.StrictUnmarshalJSON([]byte(withUpstream(fields)), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func withUpstream(fields string) string {
	if fields != "" {
		fields = ", " + fields
	}
	return `{"upstream": [{"handle": [{"handler": "static_response", "body": "[]"}]}]` + fields + `}`
}
