package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// outside are the modules that are not in the workspace: that of the tools has requirements that no other
// module should get.
var outside = []string{"tools"}

func TestTheWorkspaceListsAllModules(t *testing.T) {
	work, err := os.ReadFile("go.work")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "node_modules", "vendor"}, entry.Name()):
			return filepath.SkipDir
		case entry.Name() != "go.mod":
			return nil
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		use := "\t./" + folder + "\n"
		if folder == "." {
			use = "\t.\n"
		}
		if !slices.Contains(outside, folder) && !strings.Contains(string(work), use) {
			t.Errorf("go.work does not list %s", folder)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheTableOfContributingIsTheTree looks for each package in the table, and for each row in the tree.
func TestTheTableOfContributingIsTheTree(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"internal/*", "test/*", "cmd/*", "cluster", "cluster/*", "nats", "docs", "examples", "findings", "tools"} {
		folders, err := filepath.Glob(pattern)
		if err != nil || len(folders) == 0 {
			t.Fatalf("%s: %d folders, %v", pattern, len(folders), err)
		}
		for _, folder := range folders {
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				continue
			}
			if !strings.Contains(string(text), "`"+filepath.ToSlash(folder)+"`") {
				t.Errorf("CONTRIBUTING.md does not say what %s is for", folder)
			}
		}
	}
	for line := range strings.Lines(string(text)) {
		cell, isRow := strings.CutPrefix(line, "| `")
		if !isRow {
			continue
		}
		name, _, _ := strings.Cut(cell, "`")
		if _, err := os.Stat(name); strings.Contains(name, "/") && err != nil {
			t.Errorf("CONTRIBUTING.md has a row for %s, which is not there", name)
		}
	}
}
