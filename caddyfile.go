package ssebridge

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// parseCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	sse_bridge [<matcher>] [<upstreams...>] {
//	    # the poll: the client's request with these edits
//	    method    <verb>
//	    rewrite   <uri>
//	    query     [-]<name> [<template>]
//	    header_up [-]<name> [<template>]
//	    cookies   [<name...>]
//	    body      <template> [<content_type>]
//	    upstream  {
//	        <http handler directives...>
//	    }
//	    open      {
//	        <subdirectives...>
//	    }
//	    wait      {
//	        when <condition>
//	        <subdirectives...>
//	    }
//
//	    # when to poll
//	    interval  <min> [<max>]
//	    long_poll [<hold>]
//	    timeout   <duration>
//
//	    # how to read an answer
//	    format    auto|json|jsonp|xml|feed|text|message
//	    format    csv [header] [<separator>]
//	    format    lines [<separator>]
//	    items     <path>
//	    id        <value>
//	    event     <value> [<default>]
//	    data      <value>
//	    cursor    [<name>] <value>
//	    start     [<name>] <text>
//	    epoch     <value>
//	    order     newest_first|by_id|overlap
//	    accept    <status...>
//	    ignore    [!]<value> [<match>...]
//	    more      [!]<value> [<match>...]
//	    reset     [!]<value> [<match>...]
//	    end       [!]<value> [<match>...]
//	    retry_after <value>
//	    diff      json_patch
//	    jq        <program>
//
//	    # what clients get
//	    replay    <events> [<linger>]
//	    keepalive <duration>
//	    retry     <duration>
//	    lifetime  <duration>
//	    notify
//	    name      <name>
//	    cors      <origin...>
//	    limits {
//	        feeds          <n>
//	        chains         <n>
//	        clients        <n>
//	        clients_per_ip <n>
//	        polls          <n>
//	        response       <size>
//	        log            <size>
//	    }
//	}
//
// The upstreams are short for the block `upstream { reverse_proxy <upstreams...> }`; there is
// either of them. The blocks open and wait take those of the subdirectives that make a request and
// read its answer. The subdirectives query, header_up, cursor, start, accept, ignore, more, reset,
// end and cors may be repeated: several lines of one cursor are several places to look for it, the
// first that is not empty wins; of several conditions, any is enough.
func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h.Next() // consume the directive's name
	p := newParser(h)
	p.tokens[""] = h.Token()
	if err := p.parse(); err != nil {
		return nil, err
	}
	if _, err := p.handler.compile(); err != nil {
		return nil, p.locate(err)
	}
	return p.handler, nil
}

// parser fills a Handler from the tokens of one directive. It checks their count and form;
// whatever else must hold for the JSON too, and is found when the Handler is compiled.
type parser struct {
	httpcaddyfile.Helper
	handler *Handler
	tokens  map[string]caddyfile.Token   // the subdirectives, by the path of their field
	routes  map[string][]caddyfile.Token // what is parsed as routes, likewise
}

func newParser(h httpcaddyfile.Helper) *parser {
	return &parser{Helper: h, handler: new(Handler), tokens: make(map[string]caddyfile.Token), routes: make(map[string][]caddyfile.Token)}
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

func (p *parser) subdirective() error {
	h := p.handler
	switch name := p.Val(); name {
	case "upstream":
		return p.upstreamBlock()
	case "open":
		return p.step(&h.Open)
	case "wait":
		return p.step(&h.Wait)

	case "method":
		if err := p.text(&h.Method); err != nil {
			return err
		}
		h.Method = normalMethod(h.Method)
		return nil
	case "rewrite":
		return p.text(&h.Rewrite)
	case "query":
		return p.edit(&h.Query)
	case "header_up":
		return p.edit(&h.HeaderUp)
	case "cookies":
		return p.cookies()
	case "body":
		return p.body()

	case "interval":
		return p.interval()
	case "long_poll":
		return p.longPoll()
	case "timeout":
		return p.duration(&h.Timeout)

	case "format":
		return p.format()
	case "items":
		return p.text(&h.Items)
	case "id":
		return p.text(&h.ID)
	case "event":
		return p.event()
	case "data":
		return p.text(&h.Data)
	case "cursor":
		return p.cursor()
	case "start":
		return p.start()
	case "epoch":
		return p.text(&h.Epoch)
	case "order":
		return p.text(&h.Order)
	case "accept":
		return p.accept()
	case "ignore":
		return p.condition(&h.Ignore)
	case "more":
		return p.condition(&h.More)
	case "reset":
		return p.condition(&h.Reset)
	case "end":
		return p.condition(&h.End)
	case "retry_after":
		return p.text(&h.RetryAfter)
	case "jq":
		return p.text(&h.JQ)
	case "diff":
		return p.text(&h.Diff)

	case "replay":
		return p.replay()
	case "keepalive":
		return p.duration(&h.Keepalive)
	case "retry":
		return p.duration(&h.Retry)
	case "lifetime":
		return p.duration(&h.Lifetime)
	case "notify":
		return p.flag(&h.Notify)
	case "name":
		return p.text(&h.Name)
	case "cors":
		return p.cors()
	case "limits":
		return p.limits()

	case "{":
		return p.Errf("a block stands behind upstream, open, wait and limits alone")
	default:
		return p.Errf("unrecognized subdirective '%s': there are %s", name, strings.Join(subdirectives(), ", "))
	}
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
			p.handler.Upstream = append(p.handler.Upstream, route)
		}
	}
	return nil
}

func (p *parser) upstreamBlock() error {
	if len(p.handler.Upstream) > 0 {
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
	p.handler.Upstream = subroute.Routes
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
			err = &fieldError{path, strings.ReplaceAll(path, ".", " "), placeholder}
			for _, t := range p.routes[path] {
				if strings.Contains(t.Text, "{"+placeholder.name+"}") {
					return t, err
				}
			}
		}
		return token, err
	}
}
