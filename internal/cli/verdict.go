package cli

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// verdictError ends the command with the status of a verdict that is not `works`, and which has been printed.
type verdictError struct{ status int }

func (e verdictError) Error() string { return fmt.Sprintf("the verdict has the status %d", e.status) }

// exit returns the error with which the command ends, of which nothing is printed.
func (e verdictError) exit(cmd *cobra.Command) error {
	cmd.SilenceErrors = true
	if e.status == 1 {
		return e
	}
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return e.status, nil })(cmd, nil)
}
