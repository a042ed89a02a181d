package config

import (
	"math"
	"strconv"

	"github.com/dustin/go-humanize"
)

// replay parses `replay <events> [<linger>]`.
func (p *parser) replay() error {
	name := p.Val()
	if err := p.once(name); err != nil {
		return err
	}
	args := p.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		return p.argErr(name)
	}
	events, err := strconv.Atoi(args[0])
	if err != nil || events <= 0 {
		return p.Errf("%s: %q is not a number of events above 0", name, args[0])
	}
	p.config.Replay = &Replay{Events: events}
	if len(args) == 1 {
		return nil
	}
	return p.parseDuration(name, args[1], &p.config.Replay.Linger)
}

// cors parses `cors <origin...>`.
func (p *parser) cors() error {
	token, args := p.Token(), p.RemainingArgs()
	if len(args) == 0 {
		return p.argErr("cors")
	}
	for _, origin := range args {
		p.tokens["cors."+strconv.Itoa(len(p.config.CORS))] = token
		p.config.CORS = append(p.config.CORS, origin)
	}
	return nil
}

// notices parses `notices <notice...>`.
func (p *parser) notices() error {
	if err := p.once("notices"); err != nil {
		return err
	}
	token, args := p.Token(), p.RemainingArgs()
	if len(args) == 0 {
		return p.argErr("notices")
	}
	for i := range args {
		p.tokens["notices."+strconv.Itoa(i)] = token
	}
	p.config.Notices = args
	return nil
}

// limits parses `limits { <name> <n> }`.
func (p *parser) limits() error {
	if err := p.once(p.Val()); err != nil {
		return err
	}
	if p.NextArg() {
		return p.Errf("limits: they take a block, one per line: `limits {`")
	}
	l := new(Limits)
	counts := map[string]*int{
		"feeds": &l.Feeds, "chains": &l.Chains, "clients": &l.Clients, "clients_per_ip": &l.ClientsPerIP, "polls": &l.Polls, "streams": &l.Streams,
	}
	sizes := map[string]*int64{"response": &l.Response, "log": &l.Log}
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		name := p.Val()
		count, isCount := counts[name]
		size, isSize := sizes[name]
		if !isCount && !isSize {
			return p.Errf("limits: unknown limit '%s': the limits are feeds, chains, clients, clients_per_ip, polls, streams, response and log", name)
		}
		if err := p.once("limits." + name); err != nil {
			return err
		}
		var text string
		if !p.AllArgs(&text) {
			return p.argErr("limits " + name)
		}
		if isCount {
			n, err := strconv.Atoi(text)
			if err != nil || n <= 0 {
				return p.Errf("limits %s: %q is not a number above 0", name, text)
			}
			*count = n
			continue
		}
		n, err := humanize.ParseBytes(text)
		if err != nil || n == 0 || n > math.MaxInt64 {
			return p.Errf("limits %s: %q is not a size such as 512KiB or 8MiB", name, text)
		}
		*size = int64(n)
	}
	if *l == (Limits{}) {
		return p.Errf("limits: the block is empty: add a limit, or remove the block")
	}
	p.config.Limits = l
	return nil
}
