package ssebridge

import (
	"fmt"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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
		keys := map[feedKey]bool{}
		plan := planOf(t, test.lines...)
		for i := range 3 {
			r := clientRequest("GET", "/a", "", header("Cookie", fmt.Sprintf("sid=%d; lang=en", i)),
				withVar(caddyhttp.ClientIPVarKey, fmt.Sprintf("192.0.2.%d", i)))
			keys[accept(t, plan, r).key] = true
		}
		if len(keys) != test.feeds {
			t.Errorf("%q: %d feeds for three visitors, not %d", test.lines, len(keys), test.feeds)
		}
	}
}
