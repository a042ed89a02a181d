// Package testplan compiles the lines of blocks for tests.
package testplan

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func init() {
	caddy.RegisterModule(adapted{})
	httpcaddyfile.RegisterHandlerDirective(ownDirective, parseOwn)
}

// ownDirective stands for the module's, which a test binary has only if it imports the module.
const ownDirective = "sse_bridge_plan"

// adapted is a configuration as the adapter of Caddyfiles takes it.
type adapted struct{ *config.Config }

// CaddyModule returns the Caddy module information.
func (adapted) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers." + ownDirective, New: func() caddy.Module { return new(adapted) }}
}

// ServeHTTP implements caddyhttp.MiddlewareHandler. Nothing is served.
func (adapted) ServeHTTP(http.ResponseWriter, *http.Request, caddyhttp.Handler) error { return nil }

func parseOwn(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	c, err := config.ParseCaddyfile(h)
	return adapted{c}, err
}

// Of compiles the lines of an sse_bridge block.
func Of(t testing.TB, lines ...string) *config.Plan {
	t.Helper()
	return Behind(t, "reverse_proxy localhost:1", lines...)
}

// Behind compiles the lines of an sse_bridge block with the given handlers for its upstream.
func Behind(t testing.TB, handlers string, lines ...string) *config.Plan {
	t.Helper()
	named := ""
	if strings.Contains(handlers, "invoke x") {
		named = "&(x) {\nrespond ok\n}\n"
	}
	adapted, err := testsite.Adapt(named + "http://a.test {\nroute {\n" + ownDirective + " {\nupstream {\n" + handlers + "\n}\n" + strings.Join(lines, "\n") + "\n}\n}\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Blocks(t, adapted)[0].Compile()
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// Blocks returns the configurations of the sse_bridges in Caddy's JSON configuration.
func Blocks(t testing.TB, adapted string) []*config.Config {
	var root any
	if err := json.Unmarshal([]byte(adapted), &root); err != nil {
		t.Fatal(err)
	}
	var found []*config.Config
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if name := node["handler"]; name == config.Directive || name == ownDirective {
				raw, err := json.Marshal(node)
				if err != nil {
					t.Fatal(err)
				}
				c := new(config.Config)
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

// JSON returns a configuration with the given JSON fields and an upstream.
func JSON(t testing.TB, fields string) *config.Config {
	t.Helper()
	c := new(config.Config)
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
