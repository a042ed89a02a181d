package config

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// ParseCaddyfile parses the tokens of a directive. Errors name file, line and field.
func ParseCaddyfile(h httpcaddyfile.Helper) (*Config, error) {
	h.Next() // consume the directive's name
	p := newParser(h)
	p.tokens[""] = h.Token()
	if err := p.parse(); err != nil {
		return nil, err
	}
	if _, err := p.config.Compile(); err != nil {
		return nil, p.locate(err)
	}
	return p.config, nil
}

// parser fills a Config from the tokens of one directive. It checks their count and form. All other checks
// apply to JSON too, and are made when the Config is compiled.
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
	if err := p.expandSession(); err != nil {
		return err
	}
	for p.NextBlock(0) {
		if err := p.subdirective(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) subdirective() error {
	name := p.Val()
	if s := subdirective(name); s.parse != nil {
		return s.parse(p, p.config)
	}
	if name == "{" {
		return p.Errf("only upstream, open, wait, reply, ack, beat, close and limits take a block")
	}
	return p.Errf("unrecognized subdirective '%s': the subdirectives are %s", name, strings.Join(NamesOf(func(Subdirective) bool { return true }), ", "))
}

// upstreams parses the arguments of the directive as those of a reverse_proxy.
func (p *parser) upstreams() error {
	proxy := p.Token()
	proxy.Text = "reverse_proxy"
	args := p.RemainingArgsAsTokens()
	if len(args) == 0 {
		return nil
	}
	for _, arg := range args {
		if subdirective(arg.Text).parse != nil {
			return p.Errf("upstream: `%[1]s` stands where upstreams are named: put the subdirective on a line of its own, in a block { … }; a host of that name takes its port, such as %[1]s:80", arg.Text)
		}
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
		return p.Errf("upstream: it is given twice: name the upstreams after %s, or in one `upstream` block", Directive)
	}
	p.tokens["upstream"] = p.Token()
	if p.CountRemainingArgs() > 0 {
		args := strings.Join(p.RemainingArgs(), " ")
		return p.Errf("upstream: it takes a block of directives: name %s after %s, or put `reverse_proxy %[1]s` into the block", args, Directive)
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

// locate adds the field's place in the Caddyfile to an error of Compile.
func (p *parser) locate(err error) error {
	token, err := p.place(err)
	d := caddyfile.NewDispenser([]caddyfile.Token{token})
	d.Next()
	return d.WrapErr(err)
}

// place returns the token of the field that an error of Compile is about. For an error in routes, it is the
// placeholder's own token, and the error names the field that contains the routes: their path in the JSON
// means nothing to the author of a Caddyfile.
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
