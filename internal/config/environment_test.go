package config_test

import (
	"slices"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
)

func TestPlaceholdersThatTheEnvironmentLeavesEmptyAreNamed(t *testing.T) {
	t.Setenv("SSE_BRIDGE_TEST_SET", "s3cret")
	t.Setenv("SSE_BRIDGE_TEST_BLANK", "")
	for _, c := range []struct {
		handlers string
		lines    []string
		want     []string
		text     string
	}{
		{"reverse_proxy localhost:1", []string{"header_up X-Key {env.SSE_BRIDGE_TEST_SET}"}, nil, ""},
		{
			"reverse_proxy localhost:1",
			[]string{"header_up X-Key \"Key {env.SSE_BRIDGE_TEST_NONE}\"", "query key {env.SSE_BRIDGE_TEST_NONE}"},
			[]string{"SSE_BRIDGE_TEST_NONE"},
			"{env.SSE_BRIDGE_TEST_NONE} is empty: set it in Caddy's environment",
		},
		{
			"reverse_proxy localhost:1 {\nheader_up X-Key {env.SSE_BRIDGE_TEST_BLANK}\n}",
			[]string{"method POST", "body `{\"a\":{\"token\":\"{env.SSE_BRIDGE_TEST_A}\"}}`"},
			[]string{"SSE_BRIDGE_TEST_A", "SSE_BRIDGE_TEST_BLANK"},
			"{env.SSE_BRIDGE_TEST_A} and {env.SSE_BRIDGE_TEST_BLANK} are empty: set them in Caddy's environment",
		},
		{"reverse_proxy localhost:1", []string{"open {\nheader_up X-Key {env.SSE_BRIDGE_TEST_NONE}\n}"}, []string{"SSE_BRIDGE_TEST_NONE"}, "{env.SSE_BRIDGE_TEST_NONE} is empty: set it in Caddy's environment"},
		{"reverse_proxy localhost:1", []string{"header_up X-Key \\{env.SSE_BRIDGE_TEST_NONE}"}, nil, ""},
	} {
		plan := testplan.Behind(t, c.handlers, c.lines...)
		if !slices.Equal(plan.Unset, c.want) || plan.Empty() != c.text {
			t.Errorf("%q: got %q and %q, want %q and %q", c.lines, plan.Unset, plan.Empty(), c.want, c.text)
		}
	}
}
