package suggest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// fields adds the header fields that Caddy adds to each poll. No secret stands in the block.
func (f *findings) fields(b *Block) {
	for _, name := range f.Ours {
		switch value := f.Header.Get(name); {
		case slices.Contains(f.ownFields, name): // the protocol's block says how they are got
		case Plain(name, value):
			b.add("as it was given", "header_up", name, value)
		default:
			b.add(fmt.Sprintf("as it was given: pass it to Caddy in its environment, as %s%s. All clients then see what it gives access to; if each sends its own, write {header.%s}", EnvName(name), made(name, value), name),
				"header_up", name, "{env."+EnvName(name)+"}")
		}
	}
}

// made says how the value of a header field is made for the environment, if that is more than the secret.
func made(name, value string) string {
	if name != "Authorization" {
		return ""
	}
	switch scheme, _, _ := strings.Cut(value, " "); strings.ToLower(scheme) {
	case "basic":
		return ` with its scheme: AUTHORIZATION="Basic $(printf %s 'user:password' | base64)"`
	case "bearer":
		return ` with its scheme: AUTHORIZATION="Bearer <token>"`
	}
	return ""
}

// aria2 takes its secret as the first parameter of each call.
var tokenParameter = regexp.MustCompile(`"token:[^"]+"`)

// withoutSecrets returns a body whose secrets are placeholders, and the variables that they name.
func withoutSecrets(body string) (text string, variables []string) {
	text, all := secretsIn(body)
	for _, s := range all {
		variables = append(variables, EnvName(s.name))
	}
	return text, variables
}

// secret is one of a body.
type secret struct{ name, value string }

// secretsIn returns a body whose secrets are placeholders, and the secrets.
func secretsIn(body string) (text string, all []secret) {
	masked := func(name, value string) string {
		all = append(all, secret{name, value})
		return "{env." + EnvName(name) + "}"
	}
	if gjson.Valid(body) {
		body = tokenParameter.ReplaceAllStringFunc(body, func(text string) string {
			return `"token:` + masked("token", strings.TrimPrefix(gjson.Parse(text).String(), "token:")) + `"`
		})
		return members.ReplaceAllStringFunc(body, func(member string) string {
			m := members.FindStringSubmatch(member)
			if !trial.Secret(m[2]) || strings.Contains(m[3], "{env.") {
				return member
			}
			return m[1] + `"` + masked(m[2], gjson.Parse(m[3]).String()) + `"`
		}), all
	}
	var pairs []string
	for pair := range strings.SplitSeq(body, "&") {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" && trial.Secret(name) {
			pair = name + "=" + masked(name, value)
		}
		pairs = append(pairs, pair)
	}
	return strings.Join(pairs, "&"), all
}

// Environment is what the placeholders of a block for the endpoint stand for, by the variable's name. Two values for one
// variable are an error.
func (e *Endpoint) Environment() (map[string]string, error) {
	_, secrets := secretsIn(e.Body)
	if isForm(e.contentType()) {
		for i := range secrets { // a poll escapes what it puts in their place
			secrets[i].value = unescape(secrets[i].value)
		}
	}
	for _, name := range e.Ours {
		if value := e.Header.Get(name); !Plain(name, value) {
			secrets = append(secrets, secret{name, value})
		}
	}
	if bot := botToken.FindStringSubmatch(e.URL.Path); bot != nil {
		secrets = append(secrets, secret{"BOT_TOKEN", bot[1]})
	}
	for name, value := range parameters(e.URL.RawQuery) {
		if trial.Secret(name) && value != "" {
			secrets = append(secrets, secret{name, value})
		}
	}
	_, hidden := fixedQuery(e.URL.RawQuery, nil).letters()
	all := make(map[string]string)
	for _, s := range slices.Concat(secrets, hidden) {
		name := EnvName(s.name)
		if other, found := all[name]; found && other != s.value {
			return nil, fmt.Errorf("%s: two values would have the placeholder {env.%s}: give only one of them", s.name, name)
		}
		all[name] = s.value
	}
	return all, nil
}

// members are the texts in JSON, with their names.
var members = regexp.MustCompile(`("([^"\\]+)"\s*:\s*)("(?:[^"\\]|\\.)*")`)
