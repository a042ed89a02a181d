package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Fingerprint identifies a bridge by its whole JSON. The adapter numbers route groups throughout a Caddyfile,
// so an unrelated block changes the numbers. Fingerprint therefore renumbers them.
func Fingerprint(c *Config) (string, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("writing the configuration as JSON: %w", err)
	}
	var config any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&config); err != nil {
		return "", fmt.Errorf("reading the configuration back from JSON: %w", err)
	}
	renumber(config, make(map[string]string))
	if raw, err = json.Marshal(config); err != nil {
		return "", fmt.Errorf("writing the configuration as JSON: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

var groupName = regexp.MustCompile(`^group\d+$`)

// renumber numbers the adapter's route groups from 1, in their order. A field with that name outside of a
// route has another meaning.
func renumber(config any, names map[string]string) {
	switch config := config.(type) {
	case []any:
		for _, v := range config {
			renumber(v, names)
		}
	case map[string]any:
		if old, _ := config["group"].(string); isRoute(config) && groupName.MatchString(old) {
			if names[old] == "" {
				names[old] = fmt.Sprintf("group%d", len(names)+1)
			}
			config["group"] = names[old]
		}
		for _, name := range slices.Sorted(maps.Keys(config)) {
			renumber(config[name], names)
		}
	}
}

// isRoute reports whether an object has the fields of a caddyhttp.Route and no others.
func isRoute(object map[string]any) bool {
	for name := range object {
		switch name {
		case "group", "match", "handle", "terminal":
		default:
			return false
		}
	}
	_, ok := object["handle"].([]any)
	return ok
}
