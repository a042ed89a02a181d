package suggest

import (
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

func init() { // as the module does, whose package cannot be imported here
	httpcaddyfile.RegisterHandlerDirective(config.Directive, func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		_, err := config.ParseCaddyfile(h)
		return caddyhttp.VarsMiddleware{}, err
	})
	httpcaddyfile.RegisterDirectiveOrder(config.Directive, httpcaddyfile.After, "encode")
}

// loads checks that a site can have a block, unedited.
func loads(t *testing.T, block string) {
	t.Helper()
	if _, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("http:// {\n"+block+"}\n"), map[string]any{"filename": "block"}); err != nil {
		t.Errorf("%v in\n%s", err, block)
	}
}
