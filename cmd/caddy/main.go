// Command caddy is Caddy with the sse_bridge module and its engines, for `go run` where xcaddy is not at hand.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/sse-bridge/caddy-sse-bridge"
	_ "github.com/sse-bridge/caddy-sse-bridge/nats"
	_ "github.com/sse-bridge/caddy-sse-bridge/redis"
)

func main() { caddycmd.Main() }
