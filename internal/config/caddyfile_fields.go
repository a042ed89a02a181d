package config

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// argErr is the error of a subdirective that has too few arguments or too many.
func (p *parser) argErr(name string) error {
	takes := ArgumentsOf(name)
	if p.CountRemainingArgs() == 0 && p.Val() == name && readsAnswer(takes) {
		return p.Errf("%s: wrong number of arguments: it takes %s; quote an argument that has spaces, or that begins with #, which else begins a comment", name, takes)
	}
	return p.Errf("%s: wrong number of arguments: it takes %s; quote an argument that has spaces", name, takes)
}

// readsAnswer reports whether the first of the arguments may be a path into an answer, such as #.id.
func readsAnswer(arguments string) bool {
	return slices.ContainsFunc([]string{"<path>", "<value>", "[<name>] <value>", "[!]<value>", "<condition>", "<program>"}, func(first string) bool { return strings.HasPrefix(arguments, first) })
}

// once notes the place of the current subdirective's field, and refuses a second one.
func (p *parser) once(path string) error {
	if before, twice := p.tokens[path]; twice {
		return p.Errf("%s: it is given twice: the first is on line %d", strings.TrimSpace(strings.ReplaceAll(path, ".", " ")), before.Line)
	}
	p.tokens[path] = p.Token()
	return nil
}

// text parses `<name> <text>`.
func (p *parser) text(to *string) error {
	name := p.Val()
	if err := p.once(name); err != nil {
		return err
	}
	if !p.AllArgs(to) {
		return p.argErr(name)
	}
	if *to == "" {
		return p.empty(name)
	}
	return nil
}

func (p *parser) empty(name string) error {
	return p.Errf("%s: the text is empty: write one, or remove the line", name)
}

// duration parses `<name> <duration>`.
func (p *parser) duration(to *caddy.Duration) error {
	var text string
	name := p.Val()
	if err := p.text(&text); err != nil {
		return err
	}
	return p.parseDuration(name, text, to)
}

func (p *parser) parseDuration(name, text string, to *caddy.Duration) error {
	d, err := caddy.ParseDuration(text)
	if err != nil {
		return p.Errf("%s: %q is not a duration such as 500ms, 2s or 1m30s: %w", name, text, err)
	}
	if d <= 0 {
		return p.Errf("%s: %q must be more than 0", name, text)
	}
	*to = caddy.Duration(d)
	return nil
}

// flag parses `<name>`.
func (p *parser) flag(to *bool) error {
	name := p.Val()
	if err := p.once(name); err != nil {
		return err
	}
	if p.NextArg() {
		return p.Errf("%s: it takes no arguments: remove the line to switch it off", name)
	}
	*to = true
	return nil
}
