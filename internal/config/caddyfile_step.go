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
		return p.Errf("%s: it takes no arguments, but a block of subdirectives", name)
	}
	known := NamesOf(func(s Subdirective) bool { return s.Steps || s.Wait && name == "wait" })
	if name == "wait" {
		known = append(known, "when")
	}
	inner := newParser(p.Helper)
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		sub := p.Val()
		if !slices.Contains(known, sub) {
			return p.Errf("%s: unrecognized subdirective '%s': there are %s", name, sub, strings.Join(known, ", "))
		}
		parse := inner.subdirective
		if sub == "when" {
			if p.CountRemainingArgs() == 0 {
				return p.Errf("when: it takes %s, quoted where they have spaces", ArgumentsOf("more"))
			}
			parse = func() error { return inner.condition(&inner.config.More) }
		}
		if err := parse(); err != nil {
			return err
		}
	}
	if len(inner.tokens) == 0 {
		return p.Errf("%s: it is empty: say in its block what is asked, or leave it out", name)
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
