package nats

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads the engine's part of the global option. Syntax:
//
//	nats <servers...> {
//	    credentials <file>
//	    nkey        <file>
//	    user        <name> <password>
//	    token       <token>
//	    tls {
//	        ca                 <file>
//	        client_certificate <file> <key_file>
//	    }
//	    prefix      <prefix>
//	}
func (e *Engine) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the engine's name
	for _, server := range d.RemainingArgs() {
		if !hasPlaceholder(server) {
			if err := checkServer(server); err != nil {
				return d.WrapErr(err)
			}
		}
		e.Servers = append(e.Servers, server)
	}
	if len(e.Servers) == 0 {
		return d.Err("nats needs a server, such as nats://10.0.0.5:4222")
	}
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		name := d.Val()
		if seen[name] {
			return d.Errf("%s is there twice", name)
		}
		seen[name] = true
		if err := e.subdirective(d, name); err != nil {
			return err
		}
		if kinds := e.kindsOfCredentials(); len(kinds) > 1 {
			return d.Errf("%s: a connection has one kind of credentials; remove the others", strings.Join(kinds, " and "))
		}
	}
	return nil
}

func (e *Engine) subdirective(d *caddyfile.Dispenser, name string) error {
	switch name {
	case "credentials":
		return arguments(d, "<file>", &e.Credentials)
	case "nkey":
		return arguments(d, "<file>", &e.NKey)
	case "user":
		return arguments(d, "<name> <password>", &e.User, &e.Password)
	case "token":
		return arguments(d, "<token>", &e.Token)
	case "prefix":
		if err := arguments(d, "<prefix>", &e.Prefix); err != nil {
			return err
		}
		if !hasPlaceholder(e.Prefix) {
			if err := checkPrefix(e.Prefix); err != nil {
				return d.WrapErr(err)
			}
		}
		return nil
	case "tls":
		return e.tlsBlock(d)
	default:
		return d.Errf("unknown subdirective %q of nats; there are credentials, nkey, user, token, tls and prefix", name)
	}
}

func (e *Engine) tlsBlock(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Err("tls has a block, and no arguments: tls { ca <file> }")
	}
	e.TLS = new(TLS)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var err error
		switch name := d.Val(); name {
		case "ca":
			err = arguments(d, "<file>", &e.TLS.CA)
		case "client_certificate":
			err = arguments(d, "<file> <key_file>", &e.TLS.ClientCertificate, &e.TLS.ClientKey)
		default:
			err = d.Errf("unknown subdirective %q of tls; there are ca and client_certificate", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// arguments reads all arguments of a subdirective into texts.
func arguments(d *caddyfile.Dispenser, shown string, texts ...*string) error {
	name := d.Val()
	args := d.RemainingArgs()
	if len(args) != len(texts) {
		return d.Errf("%s has %d arguments; write %s %s", name, len(args), name, shown)
	}
	for i, text := range texts {
		if args[i] == "" {
			return d.Errf("%s has an empty argument; write %s %s", name, name, shown)
		}
		*text = args[i]
	}
	return nil
}

// hasPlaceholder reports whether a text is not known yet.
func hasPlaceholder(text string) bool { return strings.Contains(text, "{") }
