// Package nats connects the nodes of sse_bridge by NATS. It is a Caddy module, which is built in with
//
//	xcaddy build --with github.com/sse-bridge/caddy-sse-bridge --with github.com/sse-bridge/caddy-sse-bridge/nats
//
// It uses NATS as it comes, without JetStream: nothing is stored. One server is enough, and each release since 2.9 will
// do. With a cluster of servers, a node whose server dies goes to another one within a fraction of a second.
package nats

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	natsgo "github.com/nats-io/nats.go"
	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(new(Engine))
}

// Engine connects nodes by NATS. All nodes that have the same servers and the same prefix hear each other.
//
// A server that cannot be reached, or that refuses the credentials, does not keep Caddy from starting: the connection
// is tried again for ever. Files are read at each connection, so that a new certificate or key needs no reload.
//
// In all settings, placeholders such as `{env.NATS_TOKEN}` or `{file./run/secrets/token}` are replaced when the
// configuration is loaded.
type Engine struct {
	// The URLs of one or more servers of one NATS cluster: `nats://host:port` or `tls://host:port`. The port is 4222
	// unless it is given. They are tried in random order, with those that the servers themselves tell of. Required.
	Servers []string `json:"servers,omitempty"`

	// A file with a user's JWT and seed, as `nsc` writes it. Of `credentials`, `nkey`, `user` and `token`, at most one
	// may be set. Default: none.
	Credentials string `json:"credentials,omitempty"`

	// A file with the seed of a user's nkey. Default: none.
	NKey string `json:"nkey,omitempty"`

	// A user's name. It needs a password. Default: none.
	User string `json:"user,omitempty"`

	// The password of the user.
	Password string `json:"password,omitempty"`

	// What servers with a token want. Default: none.
	Token string `json:"token,omitempty"`

	// How to trust the servers, and what to show them. If it is set, a server without TLS is an error. Default: TLS only
	// where a server wants it or its URL begins with `tls://`, and the authorities that the machine trusts.
	TLS *TLS `json:"tls,omitempty"`

	// The first part of all subjects, which are `<prefix>.<topic>`. Sets of nodes that share servers, and nothing else,
	// need different ones. The user needs the permission to publish and to subscribe to `<prefix>.>`. Default: `bridge`.
	Prefix string `json:"prefix,omitempty"`

	options natsgo.Options // what Provision has made of the settings
	prefix  string
}

// TLS is what a connection by TLS needs.
type TLS struct {
	// A file in the PEM format with the authorities that are trusted, instead of those of the machine.
	CA string `json:"ca,omitempty"`

	// A file in the PEM format with the certificate to show to a server that wants one. It needs a key. Default: none.
	ClientCertificate string `json:"client_certificate,omitempty"`

	// A file in the PEM format with the key of the certificate.
	ClientKey string `json:"client_key,omitempty"`
}

// CaddyModule returns the module's name and maker.
func (*Engine) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sse_bridge.cluster.nats", New: func() caddy.Module { return new(Engine) }}
}

// Provision checks the settings and the files that they name. It does not connect.
func (e *Engine) Provision(caddy.Context) error {
	settings, err := e.replaced()
	if err != nil {
		return err
	}
	if err := settings.check(); err != nil {
		return err
	}
	e.prefix = settings.Prefix
	if e.options, err = settings.natsOptions(); err != nil {
		return err
	}
	return nil
}

// Connect returns a connection that is made in the background.
func (e *Engine) Connect(logger *zap.Logger) (cluster.Connection, error) {
	if len(e.options.Servers) == 0 {
		return nil, fmt.Errorf("connecting to NATS: the engine was not provisioned")
	}
	return connect(e.options, e.prefix, logger), nil
}

// Interface guards
var (
	_ cluster.Engine        = (*Engine)(nil)
	_ caddy.Provisioner     = (*Engine)(nil)
	_ caddyfile.Unmarshaler = (*Engine)(nil)
)
