package ssebridge

import (
	"bytes"
	"encoding/json"
	"flag"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

var update = flag.Bool("update", false, "write what the golden files in testdata should be")

// separator stands between a Caddyfile and what becomes of it.
const separator = "\n----------\n"

func adapt(caddyfile string) (string, error) {
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
