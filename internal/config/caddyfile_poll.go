package config

import (
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// method parses `method <verb>`.
func (p *parser) method(to *string) error {
	err := p.text(to)
	*to = normalMethod(*to)
	return err
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
		return p.Errf("%s %s: the value is missing, or a {$VARIABLE} of the environment that is empty; to delete it, write `%[1]s -%[2]s`", field, e.Name)
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

// cluster parses `cluster off`.
func (p *parser) cluster() error {
	if err := p.once(p.Val()); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) == 0 || len(args) > 1 && args[0] == aloneInCluster {
		return p.argErr("cluster")
	}
	p.config.Cluster = args[0] // the others belong to an engine, may hold a password, and are refused with it
	return nil
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
