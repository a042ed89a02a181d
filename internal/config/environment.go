package config

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// findUnset notes the variables of the environment that the block has placeholders for, and that are not set or empty:
// Caddy replaces such a placeholder with nothing, and says nothing of it.
func (h *Config) findUnset(c *Plan) error {
	raw, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("writing the configuration as JSON: %w", err)
	}
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return fmt.Errorf("reading the configuration back from JSON: %w", err)
	}
	for _, p := range readDecoded(decoded).placeholders {
		if name, ok := strings.CutPrefix(p.name, "env."); ok && os.Getenv(name) == "" {
			c.Unset = append(c.Unset, name)
		}
	}
	slices.Sort(c.Unset)
	return nil
}
