//go:build !linux

package stream

import (
	"context"
	"net"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// Connections are taken over only on Linux.
type (
	takeover struct{ of *shared }
	client   struct{}
)

func (*takeover) candidate(*http.Request, *feed.Reader, *Source, Visit) *client { return nil }

func (*takeover) decline(*client) {}

func (*takeover) handOver(*client, *Handled, *http.Request) bool { return false }

// WithConn returns a request's context as it is.
func WithConn(ctx context.Context, _ net.Conn) context.Context { return ctx }

// Prepare prepares a server for connections that are taken over.
func Prepare(*caddyhttp.Server) {}
