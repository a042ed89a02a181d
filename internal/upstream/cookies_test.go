package upstream

import (
	"fmt"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestCookiesWithoutNamesMakeOneFeedAndAddressesOneEach(t *testing.T) {
	for _, test := range []struct {
		lines []string
		feeds int
	}{
		{nil, 3},
		{[]string{"cookies"}, 1},
		{[]string{"cookies", "header_up X-Client-IP {client_ip}"}, 3},
		{[]string{"cookies lang"}, 1},
		{[]string{"cookies sid"}, 3},
	} {
		keys := map[Key]bool{}
		plan := testplan.Of(t, test.lines...)
		for i := range 3 {
			r := testsite.ClientRequest("GET", "/a", "", testsite.Header("Cookie", fmt.Sprintf("sid=%d; lang=en", i)),
				testsite.WithVar(caddyhttp.ClientIPVarKey, fmt.Sprintf("192.0.2.%d", i)))
			keys[Accept(t, plan, r).Key] = true
		}
		if len(keys) != test.feeds {
			t.Errorf("%q: %d feeds for three visitors, not %d", test.lines, len(keys), test.feeds)
		}
	}
}
