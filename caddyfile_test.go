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
		shown = append(shown, strings.TrimSpace(line[1]+" "+line[2]))
	}
	for _, group := range config.Subdirectives() {
		for _, s := range group.Subdirectives {
			if s.Arguments == "" || s.Name == "format" {
				continue // a block, or several lines
			}
			if want := s.Name + " " + s.Arguments; !slices.Contains(shown, want) {
				t.Errorf("there is no line %q above parseCaddyfile", want)
			}
		}
	}
}
