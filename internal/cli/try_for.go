package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// judging is a reporter that writes a verdict too.
type judging interface {
	reporter
	Verdict(trial.Verdict) error
}

// runFor is run for a time, or until all polls have been made. It ends with a verdict.
func (t *attempt) runFor(ctx context.Context, lasts time.Duration, out judging) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	if err := t.run(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = true
	verdict := t.judge.Verdict(time.Since(began), t.asked != nil && t.asked.Plan.Holds())
	if !t.secrets {
		verdict.Mask(t.hidden)
	}
	if err := out.Verdict(verdict); err != nil {
		return fmt.Errorf("writing the verdict: %w", err)
	}
	if status := verdict.Status(); status != 0 {
		return verdictError{status}
	}
	return nil
}
