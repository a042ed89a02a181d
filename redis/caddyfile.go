package redis

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile sets up the engine from Caddyfile tokens. Syntax:
//
//	redis <url...> {
//	    sentinel <name>
//	    user     <name> <password>
//	    tls {
//	        ca                 <file>
//	        client_certificate <certificate> <key>
//	    }
//	    prefix   <prefix>
//	}
//
// Several URLs are those of Sentinels.
func (e *Engine) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	name := d.Token()
	e.Servers = d.RemainingArgs()
	for i, text := range e.Servers {
		if hasPlaceholder(text) {
			continue // it can be checked once it is replaced
		}
		if _, err := parseURL(text, "6379"); err != nil {
			return d.Errf("servers: URL %d %w", i+1, err)
		}
	}
	if err := block(d, "redis", []subdirective{
		{"sentinel", func(d *caddyfile.Dispenser) error { return arguments(d, "<name>", &e.Sentinel) }},
		{"user", func(d *caddyfile.Dispenser) error { return arguments(d, "<name> <password>", &e.User, &e.Password) }},
		{"tls", e.parseTLS},
		{"prefix", e.parsePrefix},
	}); err != nil {
		return err
	}
	if slices.ContainsFunc(append([]string{e.Sentinel, e.User, e.Password, e.Prefix}, e.Servers...), hasPlaceholder) {
		return nil
	}
	if _, err := e.check(); err != nil {
		whole := caddyfile.NewDispenser([]caddyfile.Token{name})
		whole.Next()
		return whole.WrapErr(err)
	}
	return nil
}

func (e *Engine) parsePrefix(d *caddyfile.Dispenser) error {
	if err := arguments(d, "<prefix>", &e.Prefix); err != nil || hasPlaceholder(e.Prefix) {
		return err
	}
	if err := checkPrefix(e.Prefix); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (e *Engine) parseTLS(d *caddyfile.Dispenser) error {
	e.TLS = new(TLS)
	if d.CountRemainingArgs() > 0 {
		return d.Err("tls: it takes a block: write `ca <file>` and `client_certificate <certificate> <key>` into it")
	}
	return block(d, "tls", []subdirective{
		{"ca", func(d *caddyfile.Dispenser) error { return arguments(d, "<file>", &e.TLS.CA) }},
		{"client_certificate", func(d *caddyfile.Dispenser) error {
			return arguments(d, "<certificate> <key>", &e.TLS.ClientCertificate, &e.TLS.ClientKey)
		}},
	})
}

// subdirective is what may stand in a block, and who reads it.
type subdirective struct {
	name  string
	parse func(*caddyfile.Dispenser) error
}

// block parses a block in which each subdirective stands once at most.
func block(d *caddyfile.Dispenser, of string, subdirectives []subdirective) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		i := slices.IndexFunc(subdirectives, func(s subdirective) bool { return s.name == name })
		if i < 0 {
			var names []string
			for _, s := range subdirectives {
				names = append(names, s.name)
			}
			return d.Errf("%s: unrecognized subdirective '%s': the subdirectives are %s", of, name, strings.Join(names, ", "))
		}
		if seen[name] {
			return d.Errf("%s: it is given twice: write it once", name)
		}
		seen[name] = true
		if err := subdirectives[i].parse(d); err != nil {
			return err
		}
	}
	return nil
}

// arguments reads as many arguments as there are targets.
func arguments(d *caddyfile.Dispenser, syntax string, targets ...*string) error {
	name := d.Val()
	if given := d.RemainingArgs(); len(given) == len(targets) && !slices.Contains(given, "") {
		for i, target := range targets {
			*target = given[i]
		}
		return nil
	}
	return d.Errf("%s: wrong number of arguments: it takes %s; quote an argument that has spaces", name, syntax)
}

// hasPlaceholder reports whether a text may be another when the configuration is loaded.
func hasPlaceholder(text string) bool { return strings.Contains(text, "{") }
