package cli

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

var (
	// outside finds the placeholders that read the environment or a file when they are used.
	outside = regexp.MustCompile(`\{((?:env|file)\.[^{}]+)\}`)
	// substituted finds the variables that a Caddyfile is given when it is read, and imported the files that it reads.
	substituted = regexp.MustCompile(`\{\$([^{}:]+)(?::[^{}]*)?\}`)
	imported    = regexp.MustCompile(`(?m)^\s*import\s+["` + "`" + `]?([^\s"` + "`" + `]+)`)
)

// maxImports is how many files of one Caddyfile are looked into.
const maxImports = 1000

// secretsOf returns what a configuration has from the environment and from files; file is the Caddyfile that it was
// made of, or empty. An address is no secret.
func secretsOf(config []byte, file string) trial.Secrets {
	var all []string
	add := func(text string) {
		if !isAddress(text) {
			all = append(all, text)
		}
	}
	repl := caddy.NewReplacer()
	eachString(config, func(text string) {
		for _, m := range outside.FindAllStringSubmatch(text, -1) {
			text, _ := repl.GetString(m[1])
			add(text)
		}
	})
	for _, text := range caddyfiles(file) {
		for _, m := range substituted.FindAllStringSubmatch(text, -1) {
			add(os.Getenv(m[1]))
		}
	}
	return trial.NewSecrets(all...)
}

// eachString calls a function with each string in JSON, names included.
func eachString(text []byte, with func(string)) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	for {
		token, err := decoder.Token()
		if err != nil {
			return // that is the end: the configuration has been read before
		}
		if text, ok := token.(string); ok {
			with(text)
		}
	}
}

// caddyfiles returns the texts of a Caddyfile, and of those that it imports.
func caddyfiles(name string) (texts []string) {
	seen := make(map[string]bool)
	for left := []string{name}; len(left) > 0 && len(seen) < maxImports; {
		name, left = left[0], left[1:]
		text, err := os.ReadFile(name) //nolint:gosec // the operator's own Caddyfile names it
		if seen[name] || err != nil {  // it is no file, but a snippet
			continue
		}
		seen[name] = true
		texts = append(texts, string(text))
		for _, m := range imported.FindAllStringSubmatch(string(text), -1) {
			pattern := m[1]
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(filepath.Dir(name), pattern)
			}
			files, _ := filepath.Glob(pattern) // a bad pattern is an error of the Caddyfile
			left = append(left, files...)
		}
	}
	return texts
}

// isAddress reports whether a text is a host, perhaps with a port, or a URL of only these.
func isAddress(text string) bool {
	if u, err := url.Parse(text); err == nil && u.Scheme != "" && u.Host != "" && u.User == nil && u.RawQuery == "" && strings.Trim(u.Path, "/") == "" {
		return true
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return net.ParseIP(text) != nil || text == "localhost"
	}
	return len(port) <= len("65535") && strings.Trim(port, "0123456789") == "" && !strings.ContainsAny(host, " /?&=")
}
