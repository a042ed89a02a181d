package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestDocumentOfFaultsNamesTestsThatExist keeps docs/reliability.md from promising what no test
// shows any more.
func TestDocumentOfFaultsNamesTestsThatExist(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, pattern := range []string{"*_test.go", "internal/*/*_test.go", "test/*/*_test.go", "nats/*_test.go", "redis/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllSubmatch(source, -1) {
				there = append(there, string(m[1]))
			}
		}
	}
	rows := regexp.MustCompile("(?m)^\\| .* \\| `?(\\w+)`? \\|$").FindAllSubmatch(document, -1)
	for _, row := range rows {
		if name := string(row[1]); name != "test" && !slices.Contains(there, name) {
			t.Errorf("there is no test %s", name)
		}
	}
	if len(rows) < 20 {
		t.Errorf("%d rows were found", len(rows))
	}
}
