package ssebridge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func TestSubdirectivesAdapt(t *testing.T) {
	testGolden(t, "testdata/adapt", func(t *testing.T, caddyfile string) string {
		got, err := adapt(caddyfile)
		if err != nil {
			t.Fatalf("adapting: %v", err)
		}
		for _, handler := range blocksIn(t, got) {
			if _, err := handler.compile(); err != nil {
				t.Errorf("the JSON that it adapts to is refused: %v", err)
			}
		}
		return got
	})
}

func TestMistakesNameTheirLine(t *testing.T) {
	testGolden(t, "testdata/adapt_errors", func(t *testing.T, caddyfile string) string {
		got, err := adapt(caddyfile)
		if err == nil {
			t.Fatalf("no error, but\n%s", got)
		}
		if !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("no file and line: %v", err)
		}
		return err.Error() + "\n"
	})
}

// testGolden compares what adapt makes of the first part of each file with the second.
func testGolden(t *testing.T, dir string, adapt func(t *testing.T, caddyfile string) string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.caddyfiletest"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			caddyfile, want, _ := strings.Cut(string(content), separator)
			got := adapt(t, caddyfile+"\n")
			if got == want {
				return
			}
			if !*update {
				t.Fatalf("got\n%s\nwant\n%s", got, want)
			}
			if err := os.WriteFile(file, []byte(caddyfile+separator+got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestUpstreamsAreShortForAReverseProxy(t *testing.T) {
	t.Parallel()
	short, err := adapt(":8080\nsse_bridge /poll 127.0.0.1:9000 127.0.0.1:9001\n")
	if err != nil {
		t.Fatal(err)
	}
	long, err := adapt(":8080\nsse_bridge /poll {\n\tupstream {\n\t\treverse_proxy 127.0.0.1:9000 127.0.0.1:9001\n\t}\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	if short != long {
		t.Errorf("got\n%s\nwant\n%s", short, long)
	}
}

func TestTheDirectiveStandsBetweenEncodeAndTheProxies(t *testing.T) {
	t.Parallel()
	got, err := adapt(":8080\nreverse_proxy localhost:9000\nsse_bridge /poll localhost:9000\nencode gzip\n")
	if err != nil {
		t.Fatal(err)
	}
	encode, bridge := strings.Index(got, `"encode"`), strings.Index(got, `"sse_bridge"`)
	if proxy := strings.LastIndex(got, `"reverse_proxy"`); encode < 0 || encode > bridge || bridge > proxy {
		t.Errorf("encode at %d, sse_bridge at %d, reverse_proxy at %d in\n%s", encode, bridge, proxy, got)
	}
}

// FuzzCaddyfile puts any text into the directive's block: it adapts to what compiles, or is
// refused.
func FuzzCaddyfile(f *testing.F) {
	for _, dir := range []string{"testdata/adapt", "testdata/adapt_errors"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.caddyfiletest"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			caddyfile, _, _ := strings.Cut(string(content), separator)
			if _, block, ok := strings.Cut(caddyfile, "sse_bridge localhost:9000 {\n"); ok {
				f.Add(strings.TrimSuffix(strings.TrimSpace(block), "}"))
			}
		}
	}
	f.Fuzz(func(t *testing.T, block string) {
		if strings.Contains(block, "import") || strings.Contains(block, "{$") {
			t.Skip("it reads files or the environment")
		}
		got, err := adapt(":8080\nsse_bridge localhost:9000 {\n" + block + "\n}\n")
		if err != nil {
			return
		}
		for _, handler := range blocksIn(t, got) {
			if _, err := handler.compile(); err != nil {
				t.Errorf("the JSON that it adapts to is refused: %v", err)
			}
		}
	})
}
