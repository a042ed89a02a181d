// Package house checks the rules of the house that a program can check: which packages import which, what
// a file contains, and that the lists of modules and packages are complete.
package house

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const module = "github.com/sse-bridge/caddy-sse-bridge"

// layers are the packages of the product. One may import those of the layers below its own only.
var layers = [][]string{
	{""},
	{"app"},
	{"admin", "cli", "cors"},
	{"bridge", "membership", "quick"},
	{"cluster", "stream", "upstream"},
	{"config", "feed", "suggest"},
	{"trial"},
	{"page"},
	{"decode", "jq"},
	{"aside", "newestlog", "position", "shape", "sse", "value"},
	{"wire"},
}

// pure are the packages that know no Caddy. suggest is none: it writes a Caddyfile, and must know what is a placeholder there.
var pure = []string{"feed", "page", "decode", "jq", "aside", "position", "shape", "sse", "value", "trial", "cluster", "wire"}

// engineers are the packages that know the interface of engines.
var engineers = []string{"app", "membership", "cluster"}

// forTests are the packages that only tests import.
var forTests = []string{"heap", "testbridge", "testbus", "testclock", "testengine", "testplan", "testport", "testsite"}

// load loads the packages of the module that users build, without their tests.
func load(t *testing.T, mode packages.LoadMode) []*packages.Package {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{Mode: mode | packages.NeedName | packages.NeedImports, Dir: "test"}, module, module+"/internal/...")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range loaded {
		for _, err := range p.Errors {
			t.Fatal(err)
		}
	}
	return loaded
}

// short is the name of a package of the product within it, and reports whether it is one.
func short(path string) (name string, ours bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/internal/")
}

func TestImportsPointDown(t *testing.T) {
	layer := make(map[string]int)
	for i, names := range layers {
		for _, name := range names {
			layer[name] = i
		}
	}
	seen := 0
	for _, p := range load(t, 0) {
		name, _ := short(p.PkgPath)
		if slices.Contains(forTests, name) {
			continue
		}
		from, known := layer[name]
		if !known {
			t.Errorf("internal/%s is in no layer", name)
			continue
		}
		seen++
		for path := range p.Imports {
			if path == module+"/cluster" && !slices.Contains(engineers, name) {
				t.Errorf("internal/%s imports %s, which is what engines and the cluster have in common", name, path)
			}
			if slices.Contains(pure, name) && strings.HasPrefix(path, "github.com/caddyserver/") {
				t.Errorf("internal/%s imports %s, and should know no Caddy", name, path)
			}
			to, ours := short(path)
			if !ours {
				continue
			}
			if at, known := layer[to]; slices.Contains(forTests, to) || known && at <= from {
				t.Errorf("internal/%s imports internal/%s, which is not below it", name, to)
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d packages were looked at", seen)
	}
}

// What an engine builds on must not bring it, or its users, anything.
func TestClusterImportsOnlyZap(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedImports, Dir: "test"}, module+"/cluster")
	if err != nil || len(loaded) != 1 {
		t.Fatalf("%d packages, %v", len(loaded), err)
	}
	for path := range loaded[0].Imports {
		if strings.Contains(path, ".") && path != "go.uber.org/zap" {
			t.Errorf("cluster imports %s", path)
		}
	}
}
