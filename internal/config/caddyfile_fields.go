package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// argErr is the error of a subdirective that has too few arguments or too many.
func (p *parser) argErr(name string) error {
	return p.Errf("%s: wrong number of arguments: it takes %s; quote an argument that has spaces", name, ArgumentsOf(name))
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

// method parses `method <verb>`.
func (p *parser) method(to *string) error {
	err := p.text(to)
	*to = normalMethod(*to)
	return err
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

// diff parses `diff json_patch` and `diff items [json_patch]`.
func (p *parser) diff() error {
	if err := p.once("diff"); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) == 0 || len(args) > 2 || len(args) == 2 && args[0] != diffItems {
		return p.argErr("diff")
	}
	if p.config.Diff = args[0]; p.config.Diff == "" {
		return p.empty("diff")
	}
	if len(args) == 2 {
		p.tokens["changed"] = p.tokens["diff"]
		p.config.Changed = args[1]
	}
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
	p.config.Interval = new(Interval)
	if err := p.parseDuration(name, args[0], &p.config.Interval.Min); err != nil {
		return err
	}
	if len(args) == 1 {
		return nil
	}
	return p.parseDuration(name, args[1], &p.config.Interval.Max)
}

// longPoll parses `long_poll [<hold>]`.
func (p *parser) longPoll() error {
	if p.CountRemainingArgs() > 0 {
		return p.duration(&p.config.LongPoll)
	}
	p.config.LongPoll = caddy.Duration(defaultHold)
	return p.once(p.Val())
}

// stream parses `stream [<silence>]`.
func (p *parser) stream() error {
	name := p.Val()
	if err := p.once(name); err != nil {
		return err
	}
	switch args := p.RemainingArgs(); {
	case len(args) == 0:
		p.config.Stream = caddy.Duration(defaultSilence)
	case len(args) > 1:
		return p.argErr(name)
	case args[0] == "0":
		p.config.Stream = noSilence
	default:
		return p.parseDuration(name, args[0], &p.config.Stream)
	}
	return nil
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
		return p.Errf("%s: a name with `-` is deleted, and takes no value: write `%[1]s`, or `%s %s %s` to set it", field+" "+args[0], field, e.Name, args[1])
	case !e.Delete && len(args) == 1:
		return p.Errf("%s %s: the value is missing; to delete it, write `%[1]s -%[2]s`", field, e.Name)
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
	p.config.Cookies = &names
	return nil
}

// hosts parses `hosts <host...>`.
func (p *parser) hosts() error {
	token, args := p.Token(), p.RemainingArgs()
	if len(args) == 0 {
		return p.argErr("hosts")
	}
	for _, host := range args {
		p.tokens["hosts."+strconv.Itoa(len(p.config.Hosts))] = token
		p.config.Hosts = append(p.config.Hosts, host)
	}
	p.tokens["hosts"] = token
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
	p.config.Body = &Body{Template: args[0]}
	if len(args) == 2 {
		p.config.Body.ContentType = args[1]
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
	p.config.Event = &Type{Value: args[0]}
	if len(args) == 2 {
		p.config.Event.Default = args[1]
	}
	return nil
}

// cursor parses `cursor [<name>] <value> [regexp <pattern>]`. A name that is repeated gets one more value.
func (p *parser) cursor() error {
	token, args := p.Token(), p.RemainingArgs()
	var pattern string
	if n := len(args); n > 2 && args[n-2] == "regexp" {
		if args, pattern = args[:n-2], args[n-1]; pattern == "" {
			return p.Errf("cursor: the pattern is empty: write one, with a group, or remove `regexp`")
		}
	}
	if len(args) != 1 && len(args) != 2 {
		return p.argErr("cursor")
	}
	var name string
	if len(args) == 2 {
		if name = args[0]; name == "" {
			return p.Errf("cursor: the name is empty: for a cursor without a name, write `cursor <value>`")
		}
	}
	h := p.config
	i := slices.IndexFunc(h.Cursor, func(c Cursor) bool { return c.Name == name })
	if i < 0 {
		i = len(h.Cursor)
		h.Cursor = append(h.Cursor, Cursor{Name: name})
		p.tokens["cursor."+strconv.Itoa(i)] = token
	}
	c := &h.Cursor[i]
	p.tokens["cursor."+strconv.Itoa(i)+".values."+strconv.Itoa(len(c.Values))] = token
	c.Values = append(c.Values, args[len(args)-1])
	if pattern != "" {
		c.Patterns = append(c.Patterns, make([]string, len(c.Values)-len(c.Patterns))...)
		c.Patterns[len(c.Values)-1] = pattern
	}
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
	if p.config.Start == nil {
		p.config.Start = make(map[string]string)
	}
	p.config.Start[name] = text
	return nil
}

// retryAfter parses `retry_after <value> [<unit>]`.
func (p *parser) retryAfter() error {
	token := p.Token()
	if err := p.once("retry_after"); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr("retry_after")
	}
	if args[0] == "" {
		return p.empty("retry_after")
	}
	p.config.RetryAfter = args[0]
	if len(args) == 2 {
		if args[1] == "" {
			return p.empty("retry_after")
		}
		p.tokens["retry_after_unit"] = token
		p.config.RetryAfterUnit = args[1]
	}
	return nil
}

// order parses `order <order> [overlap]`.
func (p *parser) order() error {
	token := p.Token()
	if err := p.once("order"); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr("order")
	}
	if args[0] == "" {
		return p.empty("order")
	}
	if p.config.Order = args[0]; len(args) == 1 {
		return nil
	}
	if args[1] != "overlap" {
		return p.Errf("order: %s %s are no order: write `order by_id overlap` or `order newest_first overlap`, or only one of them", args[0], args[1])
	}
	p.tokens["overlap"] = token
	p.config.Overlap = true
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
		p.tokens["accept."+strconv.Itoa(len(p.config.Accept))] = token
		p.config.Accept = append(p.config.Accept, status)
	}
	return nil
}

// format parses `format <format>`, `format csv [header] [<separator>]` and `format lines
// [<separator>]`.
func (p *parser) format() error {
	h, token := p.config, p.Token()
	if err := p.once("format"); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) == 0 {
		return p.argErr("format")
	}
	if h.Format = args[0]; h.Format == "" {
		return p.empty("format")
	}
	args = args[1:]
	if h.Format == string(page.CSV) && len(args) > 0 && args[0] == "header" {
		h.Header, args = true, args[1:]
	}
	takes := h.Format == string(page.CSV) || h.Format == string(page.Lines)
	if len(args) > 1 || len(args) == 1 && !takes {
		return p.argErr("format")
	}
	if len(args) == 0 {
		return nil
	}
	p.tokens["separator"] = token
	var err error
	if h.Separator, err = unescape(args[0]); err != nil || h.Separator == "" {
		return p.Errf("format: %q is not a separator: write for example ; or \\t or \\x1e", args[0])
	}
	return nil
}

// unescape resolves escapes as in Go, such as \n, \t and \x1e.
func unescape(text string) (string, error) {
	if !strings.ContainsRune(text, '\\') {
		return text, nil
	}
	return strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
}

// condition parses `<name> [!]<value> [<match>...]`.
func (p *parser) condition(to *[]Condition) error {
	name, token, args := p.Val(), p.Token(), p.RemainingArgs()
	if len(args) == 0 {
		return p.argErr(name)
	}
	p.tokens[name+"."+strconv.Itoa(len(*to))] = token
	text, not := strings.CutPrefix(args[0], "!")
	*to = append(*to, Condition{Not: not, Value: text, Matches: slices.Clone(args[1:])})
	return nil
}
