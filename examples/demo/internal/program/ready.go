//go:build unix

package program

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const startWithin = 30 * time.Second

// Ready waits until the url is answered by the program that was started for it, or ctx ends, which is no error.
func Ready(ctx context.Context, url string, c *Child) error {
	limit := time.NewTimer(startWithin)
	defer limit.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	client := &http.Client{Timeout: time.Second}
	for {
		if resp, err := client.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		case <-c.ended:
			return c.Died()
		case <-limit.C:
			c.output.show()
			return fmt.Errorf("%s does not answer at %s", c.Name, url)
		}
	}
}
