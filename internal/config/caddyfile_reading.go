package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

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

// matching parses `matching [<name>] <regexp>`.
func (p *parser) matching() error {
	token, args := p.Token(), p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr("matching")
	}
	var name string
	if len(args) == 2 {
		name = args[0]
	}
	pattern := args[len(args)-1]
	if pattern == "" {
		return p.empty("matching")
	}
	if err := p.once("matching." + name); err != nil {
		return err
	}
	p.tokens["matching."+name] = token
	if p.config.Matching == nil {
		p.config.Matching = make(map[string]string)
	}
	p.config.Matching[name] = pattern
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
