// Package redis connects nodes of sse_bridge by the pub/sub of Redis or Valkey. It is a Go module of its own: who wants
// it builds Caddy with both.
//
//	xcaddy build --with github.com/sse-bridge/caddy-sse-bridge --with github.com/sse-bridge/caddy-sse-bridge/redis
//
// Nothing is stored: it uses SUBSCRIBE, UNSUBSCRIBE and PUBLISH, and no key. A user of Redis that may do no more is made by
//
//	ACL SETUSER bridge on >PASSWORD resetchannels &bridge:* +subscribe +unsubscribe +publish
//
// The client is redigo, as the bus wants connections and nothing else: what a client with a pool tries again by
// itself would be sent later than it was said.
package redis

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"go.uber.org/zap"
)

func init() { caddy.RegisterModule(Engine{}) }

// Engine connects nodes by the pub/sub of a Redis or Valkey server. All nodes of a cluster use the same server, or the
// same Sentinels. Placeholders in the settings are replaced when the configuration is loaded.
type Engine struct {
	// The server's URL, such as `redis://10.0.0.7:6379`; `rediss://` is with TLS. It may contain a user and a password.
	// The port is 6379 unless it is given. A database in it says nothing, as channels belong to none. One URL is
	// required; with `sentinel`, one for each Sentinel, and their port is 26379 unless it is given.
	Servers []string `json:"servers,omitempty"`

	// The name by which Sentinels know the server. If it is set, `servers` are the Sentinels, and a user and password in
	// their URLs are for them. By default, there are no Sentinels.
	Sentinel string `json:"sentinel,omitempty"`

	// The user of the server. By default it is that of the URL, or Redis's user `default`.
	User string `json:"user,omitempty"`

	// The password of the user. By default it is that of the URL, or none.
	Password string `json:"password,omitempty"`

	// How the server is checked, and what it is shown, if URLs begin with `rediss://`. By default, the server's
	// certificate is checked against the certificate authorities of the system.
	TLS *TLS `json:"tls,omitempty"`

	// What the names of channels begin with: they are `<prefix>:<topic>`. Each set of nodes needs a prefix of its own.
	// It has letters, digits, `.`, `:`, `-` and `_`, 64 at most. The default is `bridge`.
	Prefix string `json:"prefix,omitempty"`

	settings *settings
}

// TLS names files in PEM. They are read again when a connection is made, so a new certificate needs no reload.
type TLS struct {
	// The file with the certificates of the authorities that the server's certificate may come from. By default, they
	// are those of the system.
	CA string `json:"ca,omitempty"`

	// The file with the certificate that the server is shown, and those between it and its authority. By default, it is
	// shown none.
	ClientCertificate string `json:"client_certificate,omitempty"`

	// The file with the private key of the certificate.
	ClientKey string `json:"client_key,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Engine) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sse_bridge.cluster.redis", New: func() caddy.Module { return new(Engine) }}
}

// Provision replaces placeholders, and checks the settings and the files that they name.
func (e *Engine) Provision(caddy.Context) error {
	plain, err := e.replaced(caddy.NewReplacer())
	if err != nil {
		return err
	}
	if e.settings, err = plain.check(); err != nil {
		return err
	}
	if _, err := e.settings.tlsConfig(); err != nil {
		return err
	}
	return nil
}

// replaced returns the settings without placeholders. Braces that are no placeholder stay as they are.
func (e *Engine) replaced(placeholders *caddy.Replacer) (*Engine, error) {
	plain := &Engine{Servers: append([]string(nil), e.Servers...), Sentinel: e.Sentinel, User: e.User, Password: e.Password, Prefix: e.Prefix}
	type field struct {
		name string
		text *string
	}
	fields := []field{{"sentinel", &plain.Sentinel}, {"user", &plain.User}, {"password", &plain.Password}, {"prefix", &plain.Prefix}}
	for i := range plain.Servers {
		fields = append(fields, field{"servers", &plain.Servers[i]})
	}
	if e.TLS != nil {
		plain.TLS = new(*e.TLS)
		fields = append(fields, field{"tls ca", &plain.TLS.CA}, field{"tls client_certificate", &plain.TLS.ClientCertificate},
			field{"tls client_key", &plain.TLS.ClientKey})
	}
	for _, f := range fields {
		text, err := placeholders.ReplaceOrErr(*f.text, true, false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: set it, or write a value", f.name, err)
		}
		*f.text = text
	}
	return plain, nil
}

// Connect begins to connect. Its errors are those of an engine that was not provisioned.
func (e *Engine) Connect(logger *zap.Logger) (cluster.Connection, error) {
	if e.settings == nil {
		return nil, errors.New("connecting to redis: the engine was not provisioned")
	}
	return connect(e.settings, logger), nil
}

// Interface guards
var (
	_ caddy.Module          = (*Engine)(nil)
	_ caddy.Provisioner     = (*Engine)(nil)
	_ caddyfile.Unmarshaler = (*Engine)(nil)
	_ cluster.Engine        = (*Engine)(nil)
)
