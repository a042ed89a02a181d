package upstream

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
)

func TestACursorWithinALongerTextIsUnfenced(t *testing.T) {
	t.Parallel()
	const items = "items rows\nid t\n"
	for _, c := range []struct{ lines, want string }{
		{`query since {sse.cursor}`, ""},
		{`query q "SELECT * FROM m WHERE t > {sse.cursor}"`, "query q {sse.cursor}"},
		{`query q "t > {sse.cursor+1}"`, ""},
		{"query q \"t > {sse.cursor}\"\nmatching \\d+", ""},
		{`query q "{sse.cursor}{sse.id}"`, "query q {sse.cursor}"},
		{`rewrite /p/{sse.cursor}/q?since={sse.cursor}&n=1`, ""},
		{`rewrite /p?q=t>{sse.cursor}`, "rewrite {sse.cursor}"},
		{`header_up Range "bytes={sse.cursor}-"`, ""},
		{"body `{\"since\":{sse.cursor},\"of\":\"{sse.cursor}\"}`", ""},
		{"body `{\"since\" : [ {sse.cursor} ]}`", ""},
		{"body `{\"query\":\"{ rows(after: {sse.cursor}) }\"}`", "body {sse.cursor}"},
		{"body `{\"query\":\"{ rows(after: \\\"{sse.cursor}\\\") }\"}`", "body {sse.cursor}"},
		{"body `{\"query\":\"{ rows(after: {sse.cursor}, first: 10) }\"}`", "body {sse.cursor}"},
		{"body `{\"a\":[{\"since\":{sse.cursor}}]}`", ""},
		{"body `since={sse.cursor}&n=1` application/x-www-form-urlencoded", ""},
		{"body `q=t>{sse.cursor}` application/x-www-form-urlencoded", "body {sse.cursor}"},
		{"body `<a><since>{sse.cursor}</since></a>` text/xml", ""},
		{"body `<a q=\"t > {sse.cursor}\"/>` text/xml", "body {sse.cursor}"},
		{"body `from(t > {sse.cursor})` application/vnd.flux", "body {sse.cursor}"},
	} {
		var got []string
		for _, u := range UnfencedOf(testplan.Of(t, items+c.lines)) {
			got = append(got, fmt.Sprint(u.Where, " ", u.Cursor))
		}
		if want := c.want; len(got) > 1 || !slices.Equal(got, []string{want}) && (want != "" || got != nil) {
			t.Errorf("%s: got %q, want %q", c.lines, got, want)
		}
	}
}
