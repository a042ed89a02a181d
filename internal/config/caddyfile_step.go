package config

import (
	"slices"
	"strings"
)

// step parses `open { … }` and `wait { … }`.
func (p *parser) step(to **Step) error {
	name := p.Val()
	if err := p.once(name); err != nil {
		return err
	}
	if p.CountRemainingArgs() > 0 {
		return p.Errf("%s: it takes a block of subdirectives, and no arguments", name)
	}
	known := NamesOf(func(s Subdirective) bool { return s.Steps || s.Wait && name == "wait" })
	if name == "wait" {
		known = append(known, "when")
	}
	inner := newParser(p.Helper)
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		sub := p.Val()
		if !slices.Contains(known, sub) {
			return p.Errf("%s: unrecognized subdirective '%s': the subdirectives are %s", name, sub, strings.Join(known, ", "))
		}
		parse := inner.subdirective
		if sub == "when" {
			if p.CountRemainingArgs() == 0 {
				return p.Errf("when: it takes %s; quote an argument that has spaces", ArgumentsOf("more"))
			}
			parse = func() error { return inner.condition(&inner.config.More) }
		}
		if err := parse(); err != nil {
			return err
		}
	}
	if len(inner.tokens) == 0 {
		return p.Errf("%s: the block is empty: describe the request in it, or remove it", name)
	}
	for path, token := range inner.tokens {
		p.tokens[name+"."+path] = token
	}
	for path, tokens := range inner.routes {
		p.routes[name+"."+path] = tokens
	}
	*to = stepOf(inner.config)
	return nil
}
