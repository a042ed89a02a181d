package testsite

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Example returns the Caddyfile of an example with its backend at an address, ready for runCaddy.
func Example(t *testing.T, name, backend string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(backend)
	if err != nil {
		t.Fatal(err)
	}
	return ExampleWith(t, name, map[string]string{"PORT": port})
}

var RelativeRoot = regexp.MustCompile(`(?m)^(\s*root )(\S+)$`)

// ExampleWith returns the Caddyfile of an example with values for its variables, and with its roots where they
// are, ready for runCaddy: without the global options.
func ExampleWith(t *testing.T, name string, values map[string]string) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("examples", name))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, site, ok := strings.Cut(string(text), "\n}\n")
	if !ok {
		t.Fatalf("examples/%s/Caddyfile has no global options", name)
	}
	replace := func(pattern, with string) {
		re := regexp.MustCompile(pattern)
		if !re.MatchString(site) {
			t.Fatalf("examples/%s/Caddyfile has no %s", name, pattern)
		}
		site = re.ReplaceAllLiteralString(site, with)
	}
	replace(`http://localhost:\{\$HTTP_PORT:\d+\}`, "{{site}}")
	for variable, value := range values {
		replace(`\{\$`+variable+`:[^}]*\}`, value)
	}
	return RelativeRoot.ReplaceAllString(site, "${1}"+folder+"/$2")
}
