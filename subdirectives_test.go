package ssebridge

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEverySubdirectiveHasAParser(t *testing.T) {
	all := namesOf(func(Subdirective) bool { return true })
	for name := range parsers() {
		if !slices.Contains(all, name) {
			t.Errorf("%s is parsed, and is not in the table", name)
		}
	}
	for _, name := range all {
		if parsers()[name] == nil {
			t.Errorf("%s is in the table, and is not parsed", name)
		}
	}
}

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
	for _, group := range Subdirectives {
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

// TestDocumentOfSubdirectives keeps the table of docs/caddyfile.md as the table of the code makes it;
// -args -update writes it.
func TestDocumentOfSubdirectives(t *testing.T) {
	const file = "docs/caddyfile.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "| subdirective | what it does")
	if !found {
		t.Fatalf("%s has no table of subdirectives", file)
	}
	_, behind, _ := strings.Cut(rest, "\n\n")
	want := before + subdirectivesTable() + "\n" + behind
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of %s is not that of the code: run `go test -run DocumentOfSubdirectives . -args -update`", file)
	}
}
