package ssebridge

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// arguments are those of each subdirective.
var arguments = map[string]string{
	"method":                "<verb>",
	"rewrite":               "<uri>",
	"query":                 "[-]<name> [<template>]",
	"header_up":             "[-]<name> [<template>]",
	"body":                  "<template> [<content_type>]",
	"interval":              "<min> [<max>]",
	"long_poll":             "[<hold>]",
	"timeout":               "<duration>",
	"format":                "auto|json|jsonp|xml|feed|text|message, csv [header] [<separator>], or lines [<separator>]",
	"items":                 "<path>",
	"id":                    "<value>",
	"event":                 "<value> [<default>]",
	"data":                  "<value>",
	"cursor":                "[<name>] <value>",
	"start":                 "[<name>] <text>",
	"epoch":                 "<value>",
	"order":                 "newest_first|by_id|overlap",
	"accept":                "<status...>",
	"ignore":                "[!]<value> [<match>...]",
	"more":                  "[!]<value> [<match>...]",
	"reset":                 "[!]<value> [<match>...]",
	"end":                   "[!]<value> [<match>...]",
	"retry_after":           "<value>",
	"diff":                  "json_patch",
	"jq":                    "<program>",
	"replay":                "<events> [<linger>]",
	"keepalive":             "<duration>",
	"retry":                 "<duration>",
	"lifetime":              "<duration>",
	"name":                  "<name>",
	"cors":                  "<origin...>",
	"limits feeds":          "<n>",
	"limits chains":         "<n>",
	"limits clients":        "<n>",
	"limits clients_per_ip": "<n>",
	"limits polls":          "<n>",
	"limits response":       "<size>",
	"limits log":            "<size>",
}

// subdirectives are the names of all of them, in order.
func subdirectives() []string {
	names := []string{"cookies", "limits", "notify", "open", "upstream", "wait"}
	for name := range arguments {
		if !strings.Contains(name, " ") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// argErr is the error of a subdirective that has too few arguments or too many.
func (p *parser) argErr(name string) error {
	return p.Errf("%s: wrong number of arguments: it takes %s, quoted where they have spaces", name, arguments[name])
}

// once notes where the field of the current subdirective stands, and refuses it a second time.
func (p *parser) once(path string) error {
	if before, twice := p.tokens[path]; twice {
		return p.Errf("%s: it is there already, on line %d", strings.TrimSpace(strings.ReplaceAll(path, ".", " ")), before.Line)
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
	return p.Errf("%s: it is empty: give it a text, or leave the line out", name)
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
		return p.Errf("%s: it takes no arguments: leave the line out where it is not wanted", name)
	}
	*to = true
	return nil
}

// interval parses `interval <min> [<max>]`.
func (p *parser) interval() error {
	name := p.Val()
	if err := p.once(name); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr(name)
	}
	p.handler.Interval = new(Interval)
	if err := p.parseDuration(name, args[0], &p.handler.Interval.Min); err != nil {
		return err
	}
	if len(args) == 1 {
		return nil
	}
	return p.parseDuration(name, args[1], &p.handler.Interval.Max)
}

// longPoll parses `long_poll [<hold>]`.
func (p *parser) longPoll() error {
	if p.CountRemainingArgs() > 0 {
		return p.duration(&p.handler.LongPoll)
	}
	p.handler.LongPoll = caddy.Duration(defaultHold)
	return p.once(p.Val())
}

// edit parses `<field> [-]<name> [<template>]`.
func (p *parser) edit(edits *[]Edit) error {
	field := p.Val()
	p.tokens[field+"."+strconv.Itoa(len(*edits))] = p.Token()
	args := p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr(field)
	}
	e := Edit{Name: args[0]}
	if name, del := strings.CutPrefix(args[0], "-"); del {
		e = Edit{Name: name, Delete: true}
	}
	switch {
	case e.Delete && len(args) == 2:
		return p.Errf("%s: what is deleted takes no value: write `%[1]s`, or `%s %s %s` to set it", field+" "+args[0], field, e.Name, args[1])
	case !e.Delete && len(args) == 1:
		return p.Errf("%s %s: it needs a value; to delete it, write `%[1]s -%[2]s`", field, e.Name)
	case len(args) == 2:
		e.Value = args[1]
	}
	*edits = append(*edits, e)
	return nil
}

// cookies parses `cookies [<name...>]`; without names, no cookie is kept.
func (p *parser) cookies() error {
	if err := p.once(p.Val()); err != nil {
		return err
	}
	names := append([]string{}, p.RemainingArgs()...)
	p.handler.Cookies = &names
	return nil
}

// body parses `body <template> [<content_type>]`.
func (p *parser) body() error {
	if err := p.once(p.Val()); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr("body")
	}
	p.handler.Body = &Body{Template: args[0]}
	if len(args) == 2 {
		p.handler.Body.ContentType = args[1]
	}
	return nil
}

// event parses `event <value> [<default>]`.
func (p *parser) event() error {
	if err := p.once(p.Val()); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr("event")
	}
	p.handler.Event = &Type{Value: args[0]}
	if len(args) == 2 {
		p.handler.Event.Default = args[1]
	}
	return nil
}

// cursor parses `cursor [<name>] <value>`. A name that was there before gets one more source.
func (p *parser) cursor() error {
	token, args := p.Token(), p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr("cursor")
	}
	var name string
	if len(args) == 2 {
		if name = args[0]; name == "" {
			return p.Errf("cursor: its name is empty: a cursor without a name is `cursor <value>`")
		}
	}
	h := p.handler
	i := slices.IndexFunc(h.Cursor, func(c Cursor) bool { return c.Name == name })
	if i < 0 {
		i = len(h.Cursor)
		h.Cursor = append(h.Cursor, Cursor{Name: name})
		p.tokens["cursor."+strconv.Itoa(i)] = token
	}
	c := &h.Cursor[i]
	p.tokens["cursor."+strconv.Itoa(i)+".values."+strconv.Itoa(len(c.Values))] = token
	c.Values = append(c.Values, args[len(args)-1])
	return nil
}

// start parses `start [<name>] <text>`.
func (p *parser) start() error {
	token, args := p.Token(), p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr("start")
	}
	var name string
	if len(args) == 2 {
		name = args[0]
	}
	text := args[len(args)-1]
	if text == "" {
		return p.empty("start")
	}
	if err := p.once("start." + name); err != nil {
		return err
	}
	p.tokens["start."+name] = token
	if p.handler.Start == nil {
		p.handler.Start = make(map[string]string)
	}
	p.handler.Start[name] = text
	return nil
}

// accept parses `accept <status...>`.
func (p *parser) accept() error {
	token, args := p.Token(), p.RemainingArgs()
	if len(args) == 0 {
		return p.argErr("accept")
	}
	for _, arg := range args {
		status, err := strconv.Atoi(arg)
		if err != nil {
			return p.Errf("accept: %q is not a status such as 404", arg)
		}
		p.tokens["accept."+strconv.Itoa(len(p.handler.Accept))] = token
		p.handler.Accept = append(p.handler.Accept, status)
	}
	return nil
}
