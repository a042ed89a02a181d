package config

import (
	"embed"
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// Session is a shorthand for the subdirectives that one session transport takes.
type Session struct {
	Name      string
	Arguments string // as errors and documents show them
	Example   string // arguments for the documents
	Expansion string // subdirectives as `caddy fmt` writes them; each {{NAME}} is the argument NAME

	read func(args []string) (map[string]string, error) // the values of the arguments
}

// expansions are what the shorthands stand for.
//
//go:embed sessions
var expansions embed.FS

// Sessions returns the session transports that have a shorthand, by name.
func Sessions() []Session {
	all := []Session{
		{Name: "bayeux", Arguments: "<channel...>", Example: "/chat", read: bayeuxArguments},
		{Name: "bosh", Arguments: "<domain> <room>", Example: "anon.example.com news@rooms.example.com", read: boshArguments},
		{Name: "phoenix", Arguments: "<topic>", Example: "room:lobby", read: phoenixArguments},
		{Name: "signalr", read: noArguments},
		{Name: "socketio", Arguments: "[<namespace> [<auth>]]", Example: "/news `{\"token\":\"{query.token}\"}`", read: socketIOArguments},
		{Name: "sockjs", read: noArguments},
	}
	for i := range all {
		text, err := expansions.ReadFile("sessions/" + all[i].Name + ".caddyfile")
		if err != nil {
			panic(err) // it is part of the program
		}
		all[i].Expansion = string(text)
	}
	return all
}

func noArguments(args []string) (map[string]string, error) {
	if len(args) > 0 {
		return nil, errors.New("it takes no arguments")
	}
	return nil, nil
}

func bayeuxArguments(args []string) (map[string]string, error) {
	if len(args) == 0 {
		return nil, errors.New("it takes the channels to subscribe to, such as /chat or /news/*")
	}
	channels := make([]string, len(args))
	for i, channel := range args {
		if !strings.HasPrefix(channel, "/") && !strings.HasPrefix(channel, "{") {
			return nil, fmt.Errorf("%q is not a channel: it begins with a slash", channel)
		}
		channels[i] = strconv.Quote(channel)
	}
	return map[string]string{"channels": strings.Join(channels, ",")}, nil
}

func boshArguments(args []string) (map[string]string, error) {
	if len(args) != 2 {
		return nil, errors.New("it takes the domain of anonymous users and the address of a room, such as anon.example.com news@rooms.example.com")
	}
	return map[string]string{"domain": html.EscapeString(args[0]), "room": html.EscapeString(args[1])}, nil
}

func phoenixArguments(args []string) (map[string]string, error) {
	if len(args) != 1 {
		return nil, errors.New("it takes the topic to join, such as room:lobby")
	}
	topic := strconv.Quote(args[0])
	return map[string]string{"topic": topic[1 : len(topic)-1]}, nil
}

func socketIOArguments(args []string) (map[string]string, error) {
	if len(args) > 2 {
		return nil, errors.New("it takes a namespace, such as /news, and what the client is asked for as its auth, such as `{\"token\":\"{query.token}\"}`")
	}
	var namespace, auth string
	if len(args) > 0 && args[0] != "/" {
		namespace = args[0] + ","
	}
	if len(args) > 1 {
		auth = args[1]
	}
	if namespace != "" && (namespace[0] != '/' || strings.Count(namespace, ",") > 1) {
		return nil, fmt.Errorf("%q is not a namespace: it begins with a slash, and has no comma", args[0])
	}
	return map[string]string{"connect": namespace + auth}, nil
}

// added are the subdirectives that a block adds to those of an expansion. All others take their place.
var added = []string{"query", "header_up", "accept", "ignore", "more", "fail", "gap", "reopen", "reset", "end", "open", "reply", "beat", "ack"}

// expandSession parses the expansion of `session`, if the block has one, without those lines in whose place the block has
// its own.
func (p *parser) expandSession() error {
	block := *p.Dispenser // p reads it afterwards
	given := make(map[string]bool)
	var session caddyfile.Segment
	for block.NextBlock(0) {
		if name := block.Val(); name == "session" && session != nil {
			return block.Errf("session: it is given twice: the first is on line %d", session[0].Line)
		} else if given[name] = true; name == "session" {
			session = block.NextSegment()
			continue
		}
		block.NextSegment()
	}
	if session == nil {
		return nil
	}
	expansion, err := expand(session)
	if err != nil {
		return err
	}
	outer := p.Helper
	defer func() { p.Helper = outer }()
	for lines := caddyfile.NewDispenser(expansion); lines.Next(); {
		name, segment := lines.Val(), lines.NextSegment()
		if given[name] && !slices.Contains(added, name) {
			continue
		}
		p.Helper = outer.WithDispenser(caddyfile.NewDispenser(segment))
		p.Next()
		if err := p.subdirective(); err != nil {
			return err
		}
	}
	return nil
}

// expand returns the tokens of what a line `session <name> <arguments...>` stands for. Their file is the line, so that
// errors name it.
func expand(line caddyfile.Segment) ([]caddyfile.Token, error) {
	d := caddyfile.NewDispenser(line)
	d.Next()
	args := d.RemainingArgs()
	if len(args) == 0 || d.Next() {
		return nil, d.Errf("session: it takes %s; quote an argument that has spaces", sessionArguments())
	}
	i := slices.IndexFunc(Sessions(), func(s Session) bool { return s.Name == args[0] })
	if i < 0 {
		return nil, d.Errf("session: %q is not one of %s", args[0], strings.Join(sessionNames(), ", "))
	}
	s := Sessions()[i]
	values, err := s.read(args[1:])
	if err != nil {
		return nil, d.Errf("session %s: %v", s.Name, err)
	}
	file := fmt.Sprintf("%s:%d, in the expansion of `session %s`", line[0].File, line[0].Line, s.Name)
	tokens, err := caddyfile.Tokenize([]byte(s.Expansion), file)
	if err != nil {
		return nil, d.Errf("session %s: %v", s.Name, err)
	}
	expansion := caddyfile.Segment(tokens)
	httpcaddyfile.NewShorthandReplacer().ApplyToSegment(&expansion) // the adapter has done so with the block
	for i := range tokens {
		for name, v := range values {
			tokens[i].Text = strings.ReplaceAll(tokens[i].Text, "{{"+name+"}}", v)
		}
	}
	return tokens, nil
}

func sessionNames() []string {
	var names []string
	for _, s := range Sessions() {
		names = append(names, s.Name)
	}
	return names
}

// sessionArguments are those of the subdirective, as errors show them.
func sessionArguments() string {
	var calls []string
	for _, s := range Sessions() {
		calls = append(calls, strings.TrimSpace(s.Name+" "+s.Arguments))
	}
	return strings.Join(calls, "|")
}
