package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// adaptedBridge returns the JSON of the only sse_bridge of a Caddyfile.
func adaptedBridge(t *testing.T, caddyfile string) []byte {
	t.Helper()
	config, err := testsite.AdaptSite(strings.ReplaceAll(caddyfile, "{{site}}", "http://localhost:8080"))
	if err != nil {
		t.Fatal(err)
	}
	var find func(node any) map[string]any
	find = func(node any) map[string]any {
		switch node := node.(type) {
		case []any:
			for _, v := range node {
				if found := find(v); found != nil {
					return found
				}
			}
		case map[string]any:
			if node["handler"] == "sse_bridge" {
				return node
			}
			for _, v := range node {
				if found := find(v); found != nil {
					return found
				}
			}
		}
		return nil
	}
	var root any
	if err := json.Unmarshal(config, &root); err != nil {
		t.Fatal(err)
	}
	bridge := find(root)
	if bridge == nil {
		t.Fatalf("there is no bridge in %s", config)
	}
	delete(bridge, "handler")
	raw, err := json.Marshal(bridge)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func keyOf(t *testing.T, raw []byte) string {
	t.Helper()
	h := new(config.Config)
	if err := caddy.StrictUnmarshalJSON(raw, h); err != nil {
		t.Fatal(err)
	}
	key, err := config.Fingerprint(h)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// lifeSite is that of the tests of reloads, without their probe.
func lifeSite(upstream string, unrelated int, lines ...string) string {
	return strings.Replace(testsite.LifeSite(upstream, unrelated, lines...), "probe\n", "", 1)
}

func TestUnrelatedBlocksLeaveTheBridgeItsKey(t *testing.T) {
	plain := adaptedBridge(t, lifeSite("localhost:1", 0))
	if bytes.Contains(plain, []byte(`"group":"group5"`)) {
		t.Fatalf("the groups of %s cannot tell anything", plain)
	}
	for unrelated := 1; unrelated <= 4; unrelated++ {
		other := adaptedBridge(t, lifeSite("localhost:1", unrelated))
		if bytes.Equal(other, plain) {
			t.Fatalf("%d unrelated blocks do not change what the adapter makes: %s", unrelated, other)
		}
		if keyOf(t, other) != keyOf(t, plain) {
			t.Errorf("%d unrelated blocks change the key of\n%s\nto that of\n%s", unrelated, plain, other)
		}
	}
	for name, changed := range map[string]string{
		"upstream":     lifeSite("localhost:2", 0),
		"subdirective": lifeSite("localhost:1", 0, "retry 4s"),
	} {
		if keyOf(t, adaptedBridge(t, changed)) == keyOf(t, plain) {
			t.Errorf("another %s has the same key", name)
		}
	}
}

func TestRouteGroupsAreNumberedAnew(t *testing.T) {
	routes := func(groups ...any) []byte {
		const one = `{"group":%q,"match":[{"path":["/%d"]}],"handle":[{"handler":"static_response"}]}`
		var list []string
		for i, group := range groups {
			list = append(list, fmt.Sprintf(one, group, i))
		}
		return fmt.Appendf(nil, `{"upstream":[%s]}`, strings.Join(list, ","))
	}
	nested := func(outer, inner string) []byte {
		return fmt.Appendf(nil, `{"upstream":[{"group":%q,"handle":[{"handler":"subroute","routes":[{"group":%q,"handle":[{"handler":"static_response"}]}]}]}]}`, outer, inner)
	}
	vars := func(value string) []byte {
		return fmt.Appendf(nil, `{"upstream":[{"handle":[{"handler":"vars","group":%q},{"handler":"static_response"}]}]}`, value)
	}
	body := func(value string) []byte {
		return fmt.Appendf(nil, `{"upstream":[{"handle":[{"handler":"static_response","body":%q}]}]}`, value)
	}
	for _, test := range []struct {
		name string
		a, b []byte
		same bool
	}{
		{"other numbers", routes("group2", "group2", "group3"), routes("group12", "group12", "group10"), true},
		{"other order of numbers", routes("group2", "group3"), routes("group3", "group2"), true},
		{"other groups", routes("group2", "group2"), routes("group2", "group3"), false},
		{"other routes in a group", routes("group2", "group2", "group3"), routes("group2", "group3", "group3"), false},
		{"nested", nested("group7", "group3"), nested("group2", "group1"), true},
		{"nested in the same group", nested("group7", "group7"), nested("group2", "group1"), false},
		{"names of an operator's own", routes("a", "a"), routes("b", "b"), false},
		{"a variable of that name", vars("group1"), vars("group2"), false},
		{"a text that looks like it", body(`"group":"group1"`), body(`"group":"group2"`), false},
		{"big numbers", []byte(`{"upstream":[{"handle":[{"handler":"vars","n":9007199254740993}]}]}`), []byte(`{"upstream":[{"handle":[{"handler":"vars","n":9007199254740992}]}]}`), false},
		{"order of fields", []byte(`{"upstream":[{"handle":[{"handler":"vars","a":1,"b":2}]}]}`), []byte(`{"upstream":[{"handle":[{"b":2,"handler":"vars","a":1}]}]}`), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if same := keyOf(t, test.a) == keyOf(t, test.b); same != test.same {
				t.Errorf("the keys are equal: %t, want %t:\n%s\n%s", same, test.same, test.a, test.b)
			}
		})
	}
}
