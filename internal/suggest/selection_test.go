package suggest

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// TestASelectionTakesAllButTheNoise holds selections against gjson, which follows them.
func TestASelectionTakesAllButTheNoise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ json, noise, want string }{
		{`{"a":1,"b":2}`, "", `{"a":1,"b":2}`},
		{`{"a":1,"b":2}`, ".b", `{"a":1}`},
		{`{"a":1}`, ".a", ``},
		{`{"a":{"b":1,"c":2},"d":3}`, ".a.b", `{"a":{"c":2},"d":3}`},
		{`{"rows":[{"x":1,"y":2},{"x":3,"z":4}],"n":5}`, ".rows.#.x .n", `{"rows":[{"y":2},{"z":4}]}`},
		{`{"# pxname":"a","d.e":{"f g":1,"h":2},"@type":"t","1":2,"q\"r":3}`, ".d.e.h .1", `{"# pxname":"a","d.e":{"f g":1},"@type":"t","q\"r":3}`},
		{`{"a":[1,2],"b":[],"c":null,"t":1}`, ".t", `{"a":[1,2],"b":[],"c":null}`},
		{`{"files":{"path":"/","age":2}}`, ".files.age", `{"files":{"path":"/"}}`},
		{
			`{"at":1,"hosts":{"h1":{"up":true,"n":1,"age":2},"h2":{"up":false,"n":3,"age":4}}}`, ".at .hosts.*.age",
			`{"hosts":{"names":["h1","h2"],"values":[{"up":true,"n":1},{"up":false,"n":3}]}}`,
		},
		{`[{"a":1,"b":2},{"a":3}]`, ".#.b", `[{"a":1},{"a":3}]`},
	} {
		noisy := strings.Fields(c.noise)
		path, _ := selection(series{gjson.Parse(c.json)}, func(p string) bool { return containsName(noisy, p) })
		if c.want == "" {
			if path != "" {
				t.Errorf("of %s without %s it is %s", c.json, c.noise, path)
			}
			continue
		}
		if hasPlaceholder(path) {
			t.Errorf("of %s without %s it is %s, of which a Caddyfile makes a placeholder", c.json, c.noise, path)
		}
		parsed, err := value.ParsePath(path)
		if err != nil {
			t.Errorf("of %s without %s it is %s: %v", c.json, c.noise, path, err)
			continue
		}
		if got := parsed.Get([]byte(c.json)).Raw; got != c.want {
			t.Errorf("of %s without %s it is %s, which takes %s, not %s", c.json, c.noise, path, got, c.want)
		}
	}
}

// FuzzSelection has selections of any JSON be paths that can be followed.
func FuzzSelection(f *testing.F) {
	f.Add(`{"a":{"b":1,"c":[{"d":2}]},"e f":3}`, "b")
	f.Add(`[{"\"":1,"\\":2,"#":3}]`, "#")
	f.Fuzz(func(t *testing.T, json, noise string) {
		if !gjson.Valid(json) {
			return
		}
		path, _ := selection(series{gjson.Parse(json)}, func(p string) bool { return p != "" && lastKey(p) == noise })
		if path == "" {
			return
		}
		if _, err := value.ParsePath(path); err != nil {
			t.Errorf("of %s without %q: %v", json, noise, err)
		}
	})
}
