package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestExpansionsOfSessionsAreFormatted(t *testing.T) {
	for _, s := range Sessions() {
		if formatted := caddyfile.Format([]byte(s.Expansion)); string(formatted) != s.Expansion {
			t.Errorf("session %s: `caddy fmt` would make it\n%s", s.Name, formatted)
		}
	}
}

// TestDocumentOfSessions keeps the expansions in docs/sessions.md; `make docs` writes them.
func TestDocumentOfSessions(t *testing.T) {
	var b strings.Builder
	b.WriteString("## What each `session` stands for\n")
	for _, s := range Sessions() {
		line := strings.TrimSpace("session " + s.Name + " " + s.Example)
		d := caddyfile.NewTestDispenser(line)
		d.NextArg()
		d.NextArg()
		values, err := s.read(d.RemainingArgs())
		if err != nil {
			t.Fatal(err)
		}
		expansion := s.Expansion
		for name, v := range values {
			expansion = strings.ReplaceAll(expansion, "{{"+name+"}}", v)
		}
		block := "sse_bridge /" + s.Name + " 127.0.0.1:8000 {\n" + expansion + "}\n"
		fmt.Fprintf(&b, "\n<a id=%q></a>\n\n### %s\n\n`%s`\n\n```caddyfile\n%s```\n", s.Name, strings.TrimSpace(s.Name+" "+strings.ReplaceAll(s.Arguments, "<", `\<`)), line, caddyfile.Format([]byte(block)))
	}
	testsite.GoldenPart(t, "docs/sessions.md", "## What each `session` stands for\n", "\n## What is not bridged", b.String())
}
