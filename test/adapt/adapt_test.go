// Package adapt tests what Caddyfiles adapt to, and the errors of those that cannot be adapted. Run
// `make golden` after a change, and read the difference.
package adapt

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"golang.org/x/tools/txtar"
)

// separator stands between a Caddyfile and its JSON.
const separator = "\n----------\n"

// goldens returns the Caddyfiles of testdata/adapt by the names of their files.
func goldens(t testing.TB) map[string]string {
	t.Helper()
	caddyfiles := make(map[string]string)
	for _, file := range files(t, "adapt/*.caddyfiletest") {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		caddyfiles[file], _, _ = strings.Cut(string(content), separator)
	}
	return caddyfiles
}

func files(t testing.TB, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("test", "adapt", "testdata", pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("looking for %s: %d files, %v", pattern, len(found), err)
	}
	return found
}

func TestSubdirectivesAdapt(t *testing.T) {
	for file, caddyfile := range goldens(t) {
		got, err := testsite.Adapt(caddyfile + "\n")
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, block := range testplan.Blocks(t, got) {
			if _, err := block.Compile(); err != nil {
				t.Errorf("%s: the JSON that it adapts to is refused: %v", file, err)
			}
		}
		testsite.Golden(t, file, caddyfile+separator+got)
	}
}

// mistake is the suffix of the part of an archive that has the error of the part before it.
const mistake = ": error"

// Each subdirective has an archive, with a Caddyfile for each mistake that one can make, and its error.
func TestMistakesNameTheirLine(t *testing.T) {
	for _, file := range files(t, "errors/*.txtar") {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := &txtar.Archive{Comment: archive.Comment}
		for _, part := range archive.Files {
			if strings.HasSuffix(part.Name, mistake) {
				continue
			}
			adapted, err := testsite.Adapt(string(part.Data))
			if err == nil {
				t.Errorf("%s, %s: no error, but\n%s", file, part.Name, adapted)
				continue
			}
			if !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("%s, %s: no file and line: %v", file, part.Name, err)
			}
			got.Files = append(got.Files, part, txtar.File{Name: part.Name + mistake, Data: []byte(err.Error() + "\n")})
		}
		testsite.Golden(t, file, string(txtar.Format(got)))
	}
}

func TestUpstreamsAreShortForAReverseProxy(t *testing.T) {
	short, err := testsite.Adapt(":8080\nsse_bridge /poll 127.0.0.1:9000 127.0.0.1:9001\n")
	if err != nil {
		t.Fatal(err)
	}
	long, err := testsite.Adapt(":8080\nsse_bridge /poll {\n\tupstream {\n\t\treverse_proxy 127.0.0.1:9000 127.0.0.1:9001\n\t}\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	if short != long {
		t.Errorf("got\n%s\nwant\n%s", short, long)
	}
}

func TestTheDirectiveStandsBetweenEncodeAndTheProxies(t *testing.T) {
	got, err := testsite.Adapt(":8080\nreverse_proxy localhost:9000\nsse_bridge /poll localhost:9000\nencode gzip\n")
	if err != nil {
		t.Fatal(err)
	}
	encode, bridge := strings.Index(got, `"encode"`), strings.Index(got, `"sse_bridge"`)
	if proxy := strings.LastIndex(got, `"reverse_proxy"`); encode < 0 || encode > bridge || bridge > proxy {
		t.Errorf("encode at %d, sse_bridge at %d, reverse_proxy at %d in\n%s", encode, bridge, proxy, got)
	}
}

// Default names of bridges in metrics are made of their blocks' fingerprints. So `make golden` adds those of new
// Caddyfiles, and a fingerprint that has changed stays an error.
func TestTheFingerprintOfABlockOutlivesVersions(t *testing.T) {
	const file = "test/adapt/testdata/keys.txt"
	known, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before := make(map[string]string)
	for line := range strings.Lines(string(known)) {
		name, key, _ := strings.Cut(strings.TrimSpace(line), " ")
		before[name] = key
	}
	caddyfiles := goldens(t)
	var got strings.Builder
	for _, path := range slices.Sorted(maps.Keys(caddyfiles)) {
		adapted, err := testsite.Adapt(caddyfiles[path])
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".caddyfiletest")
		for _, block := range testplan.Blocks(t, adapted) {
			key, err := config.Fingerprint(block)
			if err != nil {
				t.Fatal(err)
			}
			if was := before[name]; was != "" && was != key {
				t.Fatalf("the fingerprint of %s was %s, and is %s", name, was, key)
			}
			fmt.Fprintln(&got, name, key)
		}
	}
	testsite.Golden(t, file, got.String())
}

// FuzzCaddyfile puts any text into the directive's block: it adapts to what compiles, or is refused.
func FuzzCaddyfile(f *testing.F) {
	seed := func(caddyfile string) {
		if _, block, ok := strings.Cut(caddyfile, "sse_bridge localhost:9000 {\n"); ok {
			f.Add(strings.TrimSuffix(strings.TrimSpace(block), "}"))
		}
	}
	for _, caddyfile := range goldens(f) {
		seed(caddyfile)
	}
	for _, file := range files(f, "errors/*.txtar") {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range archive.Files {
			seed(string(part.Data))
		}
	}
	f.Fuzz(func(t *testing.T, block string) {
		if strings.Contains(block, "import") || strings.Contains(block, "{$") {
			return // it reads files or the environment
		}
		got, err := testsite.Adapt(":8080\nsse_bridge localhost:9000 {\n" + block + "\n}\n")
		if err != nil {
			return
		}
		for _, c := range testplan.Blocks(t, got) {
			if _, err := c.Compile(); err != nil {
				t.Errorf("the JSON that it adapts to is refused: %v", err)
			}
		}
	})
}
