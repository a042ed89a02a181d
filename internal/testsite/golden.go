package testsite

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// Update has tests write the files that they compare with. `make golden` and `make docs` set it.
var Update = flag.Bool("update", false, "write what golden files and documents should be")

// Golden compares a file with what it should hold. Under -update it writes the file.
func Golden(t testing.TB, file, want string) {
	t.Helper()
	got, err := os.ReadFile(file)
	switch {
	case err == nil && string(got) == want:
	case *Update:
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s (%v) holds\n%s\nand should hold\n%s\n`make golden` writes it, `make docs` if it is a document", file, err, got, want)
	}
}

// GoldenPart compares the part of a document that begins with begin and ends before end. Under
// -update it writes that part.
func GoldenPart(t testing.TB, file, begin, end, want string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s has no part from %q to %q", file, begin, end)
	}
	Golden(t, file, before+want+end+after)
}

// Adapt returns the JSON that a Caddyfile adapts to, indented.
func Adapt(caddyfile string) (string, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), nil)
	if err != nil {
		return "", err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, config, "", "\t"); err != nil {
		return "", err
	}
	return pretty.String() + "\n", nil
}
