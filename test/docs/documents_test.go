package docs

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// documents returns the text of all documents by their paths.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/README.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
	}
	return texts
}

var (
	caddyfileBlock = regexp.MustCompile("(?s)```caddyfile\n(.*?)```")
	wholeCaddyfile = regexp.MustCompile(`(?m)^(\{|:|http|[a-z.-]+\.(com|org|test)\b.*\{|\()`)
	relativeLink   = regexp.MustCompile(`\]\(([^):#]*)(?:#([^):]*))?\)`)
	heading        = regexp.MustCompile(`(?m)^#+ (.+)$`)
	ownAnchor      = regexp.MustCompile(`<a (?:id|name)="([^"]+)">`)
	noAnchor       = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// A block of a document is a whole Caddyfile, or what stands in a site of one. Its files are in /etc/caddy.
func TestCaddyfilesOfDocumentsLoad(t *testing.T) {
	t.Setenv("BRIDGE_PASSWORD", "secret")
	files := t.TempDir()
	server := httptest.NewTLSServer(nil)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	server.Close()
	for _, name := range []string{"nats-ca.pem", "redis-ca.pem"} {
		if err := os.WriteFile(filepath.Join(files, name), authority, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	blocks := 0
	for file, text := range documents(t) {
		for i, m := range caddyfileBlock.FindAllStringSubmatch(text, -1) {
			blocks++
			caddyfile := strings.ReplaceAll(m[1], "/etc/caddy/", files+"/")
			if !wholeCaddyfile.MatchString(caddyfile) {
				caddyfile = "http://localhost:8080 {\n" + caddyfile + "}\n"
			}
			adapted, err := testsite.Adapt(caddyfile)
			if err != nil {
				t.Errorf("%s, block %d: %v\n%s", file, i+1, err, m[1])
				continue
			}
			var config caddy.Config
			if err := json.Unmarshal([]byte(adapted), &config); err != nil {
				t.Fatal(err)
			}
			config.Logging = nil // which would become that of the other tests
			if err := caddy.Validate(&config); err != nil {
				t.Errorf("%s, block %d: %v\n%s", file, i+1, err, m[1])
			}
		}
	}
	if blocks < 10 {
		t.Errorf("found %d blocks alone", blocks)
	}
}

func TestLinksOfDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := documents(t)
	for file, text := range all {
		for _, m := range relativeLink.FindAllStringSubmatch(text, -1) {
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			}
			if text, ok := all[target]; ok && m[2] != "" && !slices.Contains(anchors(text), m[2]) {
				t.Errorf("%s links to %s: %s has no such place", file, m[0], target)
			}
		}
	}
}

// anchors returns what links into a document may name: its headings as GitHub makes names of them, and
// the anchors that it sets itself.
func anchors(text string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := noAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	for _, m := range ownAnchor.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}
