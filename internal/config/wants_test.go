package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
)

func TestPlaceholdersOfOneRequestAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for name, instead := range map[string]string{
		"http.request.uuid": "{sse.id}", "http.vars.uuid": "{sse.id}", "http.request.remote": "{http.request.remote.host}", "http.request.remote.port": "{http.request.remote.host}",
		"http.request.duration": "{time.now.unix_ms}", "http.request.duration_ms": "{time.now.unix_ms}", "http.vars.start_time": "{time.now.unix_ms}",
		"http.response.header.X": "{http.reverse_proxy.header.*}", "http.response.status": "{http.reverse_proxy.header.*}", "http.vars.trace_id": "`tracing`", "http.vars.span_id": "`tracing`",
		"http.error.id": "remove it", "http.request.header.last-event-ID": "{sse.cursor}", "sse.cursor": "`header_up`",
	} {
		for _, step := range []bool{false, true} {
			routes := `[{"match": [{"path": ["/a"]}], "handle": [{"handler": "reverse_proxy", "headers": {"request": {"set": {"X-A": ["a", "b{` + name + `}"]}}}}]}]`
			fields, at := `{"upstream": `+routes+`}`, "upstream.0.handle.0.headers.request.set.X-A.1"
			if step {
				fields, at = `{"upstream": [{"handle": [{"handler": "static_response"}]}], "open": {"upstream": `+routes+`}}`, "open "+at
			}
			h := new(config.Config)
			if err := json.Unmarshal([]byte(fields), h); err != nil {
				t.Fatal(err)
			}
			_, err := h.Compile()
			if err == nil || !strings.HasPrefix(err.Error(), at+": {"+name+"} ") || !strings.Contains(err.Error(), instead) {
				t.Errorf("%s: got %v, want %s and %s", name, err, at, instead)
			}
		}
	}
	testplan.Behind(t, "tracing\nreverse_proxy localhost:1 {\nheader_up X-Trace {http.vars.trace_id}\n}")
	testplan.Behind(t, "reverse_proxy localhost:1 {\nheader_up X-A \\{http.request.uuid}\n}")
}

func TestMatchersThatCannotHoldForPollsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		handlers, line string
		want           []string // one in each warning
	}{
		{"@a header X-Mine a\nreverse_proxy @a localhost:1", "", []string{"X-Mine"}},
		{"@a header_regexp x-mine a\nreverse_proxy @a localhost:1", "", []string{"X-Mine"}},
		{"@a not header X-Mine a\nreverse_proxy @a localhost:1", "", []string{"X-Mine"}},
		{"handle /a {\n@a header X-Mine a\nreverse_proxy @a localhost:1\n}", "", []string{"X-Mine"}},
		{"@a expression `header({'X-Mine': 'a'}) || header_regexp('X-Two', 'a') || header_regexp('n', 'X-Three', 'a')`\nreverse_proxy @a localhost:1", "", []string{"X-Mine", "X-Two", "X-Three"}},
		{"@a remote_ip 127.0.0.1\n@b client_ip 127.0.0.1\nreverse_proxy @a localhost:1\nreverse_proxy @b localhost:1", "", []string{"remote_ip", "client_ip"}},
		{"@a expression client_ip('127.0.0.1')\nreverse_proxy @a localhost:1", "", []string{"client_ip"}},
		{"@a header User-Agent curl*\nreverse_proxy @a localhost:1", "", []string{"User-Agent"}},
		{"invoke x", "", []string{"invoke"}},
		{"@a header X-Mine a\nreverse_proxy @a localhost:1", "header_up X-Mine {header.X-Mine}", nil},
		{"request_header X-Mine a\n@a header X-Mine a\nreverse_proxy @a localhost:1", "", nil},
		{"@a {\nheader Cookie *sid*\nheader Authorization *\nheader X-Forwarded-Proto https\nheader Accept *json*\n}\nreverse_proxy @a localhost:1", "", nil},
		{"@ws {\nheader Connection *Upgrade*\nheader Upgrade websocket\n}\nreverse_proxy @ws localhost:2\nreverse_proxy localhost:1", "", nil},
	} {
		warnings := testplan.Behind(t, c.handlers, c.line).Wants.Warnings
		if len(warnings) != len(c.want) {
			t.Errorf("%q, %q: %d warnings: %q", c.handlers, c.line, len(warnings), warnings)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(warnings[i], want) {
				t.Errorf("%q: %q, want %s in it", c.handlers, warnings[i], want)
			}
		}
	}
}
