package ssebridge

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

// The syntax stands above the function that parses it, as in Caddy's own modules.
func TestTheSyntaxAboveTheParserHasEverySubdirective(t *testing.T) {
	source, err := os.ReadFile("caddyfile.go")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, line := range regexp.MustCompile(`(?m)^//\t    (\w+) *(.*)$`).FindAllStringSubmatch(string(source), -1) {
		shown = append(shown, strings.TrimSpace(strings.TrimSuffix(line[1]+" "+line[2], "{")))
	}
	for _, group := range config.Subdirectives() {
		for _, s := range group.Subdirectives {
			switch s.Name {
			case "format", "session", "diff": // several lines
				if !slices.ContainsFunc(shown, func(line string) bool { return strings.HasPrefix(line, s.Name+" ") }) {
					t.Errorf("there is no line of %s above parseCaddyfile", s.Name)
				}
				continue
			}
			if want := s.Name + " " + s.Arguments; s.Arguments != "" && !slices.Contains(shown, want) {
				t.Errorf("there is no line %q above parseCaddyfile", want)
			}
		}
	}
}
