package examples

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
)

// TestExamplesLoad provisions each example as `caddy validate` does. It must not run in parallel:
// there is one Caddy per process.
func TestExamplesLoad(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("examples", "*", "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join("examples", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(folders) || len(files) < 4 {
		t.Fatalf("of the folders %q these have a Caddyfile: %q", folders, files)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file})
			if err != nil {
				t.Fatal(err)
			}
			for _, warning := range warnings {
				t.Errorf("%s:%d: %s", warning.File, warning.Line, warning.Message)
			}
			if len(testplan.Blocks(t, string(adapted))) == 0 {
				t.Error("there is no sse_bridge in it")
			}
			var config caddy.Config
			strict := json.NewDecoder(bytes.NewReader(adapted))
			strict.DisallowUnknownFields()
			if err := strict.Decode(&config); err != nil {
				t.Fatal(err)
			}
			config.Logging = nil // which would become that of the other tests
			if err := caddy.Validate(&config); err != nil {
				t.Error(err)
			}
		})
	}
}
