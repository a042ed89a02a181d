package config

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// steps parses a step of a kind that may be repeated, and adds it to those before it.
func (p *parser) steps(to *Steps) error {
	kind := StepKind(p.Val())
	s, err := p.step(kind, stepPath(kind, len(*to)))
	if err == nil {
		*to = append(*to, s)
	}
	return err
}

// soleStep parses a step of a kind that is given at most once.
func (p *parser) soleStep(to **Step) (err error) {
	*to, err = p.step(StepKind(p.Val()), p.Val())
	return err
}

// step parses the block of a step, whose place in the JSON is path.
func (p *parser) step(kind StepKind, path string) (*Step, error) {
	if err := p.once(path); err != nil {
		return nil, err
	}
	if p.CountRemainingArgs() > 0 && kind != KindBeat {
		return nil, p.Errf("%s: it takes a block of subdirectives, and no arguments", kind)
	}
	known := NamesOf(func(s Subdirective) bool { return slices.Contains(s.Steps, kind) })
	switch kind {
	case KindOpen, KindWait, KindReply:
		known = append(known, "when")
	case KindBeat, KindClose:
		known = slices.DeleteFunc(known, func(name string) bool { return name == "cursor" || name == "jq" })
	}
	inner := newParser(p.Helper)
	var every caddy.Duration
	if kind == KindBeat {
		args := p.RemainingArgs()
		if len(args) != 1 {
			return nil, p.Errf("beat: it takes the time between two requests, and a block: beat 30s { … }")
		}
		if err := p.parseDuration("beat", args[0], &every); err != nil {
			return nil, err
		}
	}
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		sub := p.Val()
		if !slices.Contains(known, sub) {
			return nil, p.Errf("%s: unrecognized subdirective '%s': the subdirectives are %s", kind, sub, strings.Join(known, ", "))
		}
		parse := inner.subdirective
		if sub == "when" {
			if p.CountRemainingArgs() == 0 {
				return nil, p.Errf("when: it takes %s; quote an argument that has spaces", ArgumentsOf("more"))
			}
			parse = func() error { return inner.condition(&inner.config.More) }
		}
		if err := parse(); err != nil {
			return nil, err
		}
	}
	if len(inner.tokens) == 0 {
		return nil, p.Errf("%s: the block is empty: describe the request in it, or remove it", kind)
	}
	for field, token := range inner.tokens {
		p.tokens[path+"."+field] = token
	}
	for field, tokens := range inner.routes {
		p.routes[path+"."+field] = tokens
	}
	s := stepOf(inner.config)
	s.Interval = every
	return s, nil
}
