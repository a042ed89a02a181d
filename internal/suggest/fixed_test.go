package suggest

import (
	"net/url"
	"testing"
)

func TestTheQueryOfTheURLStaysWhole(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                       "",
		"room=4&empty=&x=1+2":    "query room 4; query empty \"\"; query x `1 2`",
		"tag=a&tag=b&since=3":    "rewrite ?tag=a&tag=b",
		"all":                    "rewrite ?all",
		"p=a.git;a=rss":          "rewrite ?p=a.git;a=rss",
		"p=a;token=t0p;a=1":      "rewrite ?p=a;token={env.TOKEN};a=1",
		"token=t0p&all":          "rewrite ?all; query token {env.TOKEN}",
		"=x":                     "rewrite ?=x",
		"f=%7B%22a%22%3A1%7D":    "query f `{\"a\":1}`",
		"-a=1&b=2":               "rewrite ?-a=1&b=2",
		"town=M%FCnchen":         "rewrite ?town=M%FCnchen",
		"a=b%0D%0Ac":             "rewrite ?a=b%0D%0Ac",
		"f={host}&g={$X}&since=": "rewrite ?f=%7Bhost%7D&g=%7B$X%7D",
	} {
		b := new(Block)
		b.fixed(&url.URL{RawQuery: query}, "since")
		if got := texts(b.Lines); got != want {
			t.Errorf("?%s: got %s, want %s", query, got, want)
		}
	}
}
