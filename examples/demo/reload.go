//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// reloadsVariable stands in the Caddyfile where a reload makes its change.
const reloadsVariable = "{$RELOADS:0}"

// config is the configuration that Caddy runs.
type config struct {
	file  string // the Caddyfile
	admin string // URL of Caddy's admin endpoint
}

// load posts the Caddyfile to Caddy, with another number in a route that has nothing to do with the
// bridge: a configuration without a change would not be loaded.
func (c *config) load(ctx context.Context, number int) error {
	text, err := os.ReadFile(c.file)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	if !strings.Contains(string(text), reloadsVariable) {
		return fmt.Errorf("%s has no %s to change", c.file, reloadsVariable)
	}
	changed := strings.ReplaceAll(string(text), reloadsVariable, strconv.Itoa(number))
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.admin+"/load", strings.NewReader(changed))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/caddyfile")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("reloading Caddy: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("reloading Caddy: status %d: %s", response.StatusCode, said)
	}
	return nil
}
