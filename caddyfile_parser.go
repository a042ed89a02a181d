package ssebridge

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// parseBlock returns what the tokens of a directive say. Errors name file, line and field.
func parseBlock(h httpcaddyfile.Helper) (*Config, error) {
	h.Next() // consume the directive's name
	p := newParser(h)
	p.tokens[""] = h.Token()
	if err := p.parse(); err != nil {
		return nil, err
	}
	if _, err := p.config.compile(); err != nil {
		return nil, p.locate(err)
	}
	return p.config, nil
}

// parser fills a Config from the tokens of one directive. It checks their count and form;
// whatever else must hold for the JSON too, and is found when the Config is compiled.
type parser struct {
	httpcaddyfile.Helper
	config *Config
	tokens map[string]caddyfile.Token   // the subdirectives, by the path of their field
	routes map[string][]caddyfile.Token // what is parsed as routes, likewise
}

func newParser(h httpcaddyfile.Helper) *parser {
	return &parser{Helper: h, config: new(Config), tokens: make(map[string]caddyfile.Token), routes: make(map[string][]caddyfile.Token)}
}

func (p *parser) parse() error {
	if err := p.upstreams(); err != nil {
		return err
	}
	for p.NextBlock(0) {
		if err := p.subdirective(); err != nil {
			return err
		}
	}
	return nil
}

// parsers read the arguments of the subdirectives.
func parsers() map[string]func(p *parser, c *Config) error {
	return map[string]func(p *parser, c *Config) error{
		"upstream": func(p *parser, _ *Config) error { return p.upstreamBlock() },
		"open":     func(p *parser, c *Config) error { return p.step(&c.Open) },
		"wait":     func(p *parser, c *Config) error { return p.step(&c.Wait) },

		"method":    func(p *parser, c *Config) error { return p.method(&c.Method) },
		"rewrite":   func(p *parser, c *Config) error { return p.text(&c.Rewrite) },
		"query":     func(p *parser, c *Config) error { return p.edit(&c.Query) },
		"header_up": func(p *parser, c *Config) error { return p.edit(&c.HeaderUp) },
		"cookies":   func(p *parser, _ *Config) error { return p.cookies() },
		"body":      func(p *parser, _ *Config) error { return p.body() },

		"interval":  func(p *parser, _ *Config) error { return p.interval() },
		"long_poll": func(p *parser, _ *Config) error { return p.longPoll() },
		"timeout":   func(p *parser, c *Config) error { return p.duration(&c.Timeout) },

		"format":      func(p *parser, _ *Config) error { return p.format() },
		"items":       func(p *parser, c *Config) error { return p.text(&c.Items) },
		"id":          func(p *parser, c *Config) error { return p.text(&c.ID) },
		"event":       func(p *parser, _ *Config) error { return p.event() },
		"data":        func(p *parser, c *Config) error { return p.text(&c.Data) },
		"cursor":      func(p *parser, _ *Config) error { return p.cursor() },
		"start":       func(p *parser, _ *Config) error { return p.start() },
		"epoch":       func(p *parser, c *Config) error { return p.text(&c.Epoch) },
		"order":       func(p *parser, c *Config) error { return p.text(&c.Order) },
		"accept":      func(p *parser, _ *Config) error { return p.accept() },
		"ignore":      func(p *parser, c *Config) error { return p.condition(&c.Ignore) },
		"more":        func(p *parser, c *Config) error { return p.condition(&c.More) },
		"reset":       func(p *parser, c *Config) error { return p.condition(&c.Reset) },
		"end":         func(p *parser, c *Config) error { return p.condition(&c.End) },
		"retry_after": func(p *parser, c *Config) error { return p.text(&c.RetryAfter) },
		"jq":          func(p *parser, c *Config) error { return p.text(&c.JQ) },
		"diff":        func(p *parser, c *Config) error { return p.text(&c.Diff) },

		"replay":    func(p *parser, _ *Config) error { return p.replay() },
		"keepalive": func(p *parser, c *Config) error { return p.duration(&c.Keepalive) },
		"retry":     func(p *parser, c *Config) error { return p.duration(&c.Retry) },
		"lifetime":  func(p *parser, c *Config) error { return p.duration(&c.Lifetime) },
		"notify":    func(p *parser, c *Config) error { return p.flag(&c.Notify) },
		"name":      func(p *parser, c *Config) error { return p.text(&c.Name) },
		"cors":      func(p *parser, _ *Config) error { return p.cors() },
		"limits":    func(p *parser, _ *Config) error { return p.limits() },
	}
}

func (p *parser) subdirective() error {
	name := p.Val()
	if parse, ok := parsers()[name]; ok {
		return parse(p, p.config)
	}
	if name == "{" {
		return p.Errf("a block stands behind upstream, open, wait and limits alone")
	}
	return p.Errf("unrecognized subdirective '%s': there are %s", name, strings.Join(namesOf(func(Subdirective) bool { return true }), ", "))
}

// upstreams takes the arguments of the directive as those of a reverse_proxy.
func (p *parser) upstreams() error {
	proxy := p.Token()
	proxy.Text = "reverse_proxy"
	args := p.RemainingArgsAsTokens()
	if len(args) == 0 {
		return nil
	}
	p.tokens["upstream"], p.routes["upstream"] = proxy, args
	d := caddyfile.NewDispenser(append([]caddyfile.Token{proxy}, args...))
	rp := new(reverseproxy.Handler)
	if err := rp.UnmarshalCaddyfile(d); err != nil {
		return err
	}
	if err := rp.FinalizeUnmarshalCaddyfile(p.WithDispenser(d)); err != nil {
		return err
	}
	for _, v := range p.NewRoute(nil, rp) {
		if route, ok := v.Value.(caddyhttp.Route); ok {
			p.config.Upstream = append(p.config.Upstream, route)
		}
	}
	return nil
}

func (p *parser) upstreamBlock() error {
	if len(p.config.Upstream) > 0 {
		return p.Errf("upstream: it is there already: name the upstreams behind %s or in one `upstream` block", directive)
	}
	p.tokens["upstream"] = p.Token()
	if p.CountRemainingArgs() > 0 {
		args := strings.Join(p.RemainingArgs(), " ")
		return p.Errf("upstream: it takes a block of directives: name %s behind %s, or put `reverse_proxy %[1]s` into the block", args, directive)
	}
	segment := p.NextSegment()
	p.routes["upstream"] = segment
	handler, err := httpcaddyfile.ParseSegmentAsSubroute(p.WithDispenser(caddyfile.NewDispenser(segment)))
	if err != nil {
		return err
	}
	subroute, ok := handler.(*caddyhttp.Subroute)
	if !ok {
		return p.Errf("upstream: it was not parsed as a subroute")
	}
	p.config.Upstream = subroute.Routes
	return nil
}

// locate adds to an error of compile where in the Caddyfile the field stands.
func (p *parser) locate(err error) error {
	token, err := p.place(err)
	d := caddyfile.NewDispenser([]caddyfile.Token{token})
	d.Next()
	return d.WrapErr(err)
}

// place returns the token of the field that an error of compile is about. What is wrong in routes is at
// the placeholder's own token, and is called by the field that the routes are in: their path in the JSON
// says nothing to who has written a Caddyfile.
func (p *parser) place(err error) (caddyfile.Token, error) {
	var path string
	field, placeholder := (*fieldError)(nil), (*placeholderError)(nil)
	if errors.As(err, &field) {
		path = field.path
	}
	for {
		token, ok := p.tokens[path]
		if !ok && path != "" {
			path = path[:max(strings.LastIndexByte(path, '.'), 0)]
			continue
		}
		if errors.As(err, &placeholder) {
			err = &fieldError{path: path, name: strings.ReplaceAll(path, ".", " "), err: placeholder}
			for _, t := range p.routes[path] {
				if strings.Contains(t.Text, "{"+placeholder.name+"}") {
					return t, err
				}
			}
		}
		return token, err
	}
}
