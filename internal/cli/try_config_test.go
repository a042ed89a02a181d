package cli

import (
	"net/url"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

func adapted(t *testing.T, caddyfile string) []byte {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestSitesAreNamedWithTheirScheme(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][]string{
		"http://localhost:8080":  {"http://localhost:8080"},
		"https://localhost:8443": {"https://localhost:8443"},
		"localhost:8443":         {"https://localhost:8443"},
		":8080":                  {"http://localhost:8080"},
		"localhost":              {"https://localhost"},
		"http://localhost":       {"http://localhost"},
	} {
		s, err := readServed(adapted(t, address+" {\n\tsse_bridge localhost:9000\n}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.sites(); !slices.Equal(got, want) {
			t.Errorf("%s: got %v instead of %v", address, got, want)
		}
	}
}

// TestOfTwoServersAtAPortTheOneWithTheBridgeIsTried repeats itself, as the order of maps is random.
func TestOfTwoServersAtAPortTheOneWithTheBridgeIsTried(t *testing.T) {
	t.Parallel()
	config := adapted(t, "http://localhost:8080 {\n\tbind 127.0.0.1\n\trespond 404\n}\nhttp://localhost:8080 {\n\tbind 127.0.0.2\n\tsse_bridge localhost:9000\n}\n")
	for range 30 {
		name, err := serverFor(config, &url.URL{Scheme: "http", Host: "localhost:8080", Path: "/x"})
		if err != nil || name != "srv1" {
			t.Fatalf("got %s, %v", name, err)
		}
	}
}
