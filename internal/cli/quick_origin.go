package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/quick"
)

// isBlock reports what is wrong with a text that should be one sse_bridge, before it is read as a part of a site.
func isBlock(text string) error {
	if before, _, found := strings.Cut(text, "{$"); found { // it is replaced before anything is read, and can become all that is refused below
		return &quick.BlockError{Line: 1 + strings.Count(before, "\n"), Err: errors.New("variables of the form {$…} are not possible here")}
	}
	tokens, err := caddyfile.Tokenize([]byte(text), "block")
	if err != nil && !errors.Is(err, io.EOF) { // which is that of an empty text
		return &quick.BlockError{Err: err}
	}
	depth, directives, line := 0, 0, 0
	for _, t := range tokens {
		starts := t.Line != line
		line = t.Line
		switch {
		case t.Text == "{" && !t.Quoted():
			depth++
		case t.Text == "}" && !t.Quoted():
			depth--
		case starts && depth == 0 && t.Text == config.Directive:
			directives++
		case starts && depth == 0:
			return &quick.BlockError{Line: t.Line, Err: fmt.Errorf("%w: %q is another directive", errOtherBlock, t.Text)}
		case starts && t.Text == "import":
			return &quick.BlockError{Line: t.Line, Err: fmt.Errorf("%w: import is not possible here", errOtherBlock)}
		}
		if strings.Contains(t.Text, "{file.") {
			return &quick.BlockError{Line: t.Line, Err: fmt.Errorf("%q: files cannot be read here", t.Text)}
		}
		if depth < 0 {
			return &quick.BlockError{Line: t.Line, Err: fmt.Errorf("%w: this brace closes nothing", errOtherBlock)}
		}
	}
	switch {
	case depth > 0:
		return &quick.BlockError{Line: line, Err: fmt.Errorf("%w: a brace is not closed", errOtherBlock)}
	case directives != 1:
		return &quick.BlockError{Err: errOtherBlock}
	}
	return nil
}

// outsideOf finds the placeholders that read files or the environment, wherever they stand.
var outsideOf = regexp.MustCompile(`\{(file|env)\.([^{}]*)`)

// fence is what a block can do here. Whoever has the page can change the block, and must reach nothing else with it:
// no other server, no file, and of the environment only what the command line has put there.
type fence struct {
	target *url.URL
	env    []string // the names of the variables that may be read
}

// quickHandlers are the handlers that may be in a block. They send requests nowhere by themselves, and read no files,
// but for reverse_proxy, whose addresses are checked.
var quickHandlers = []string{"sse_bridge", "reverse_proxy", "subroute", "headers", "rewrite", "vars", "encode"}

// quickMatchers are the matchers that may be in a block: they look at nothing but the request.
var quickMatchers = []string{
	"client_ip", "header", "header_regexp", "host", "method", "not", "path", "path_regexp", "protocol", "query", "remote_ip",
}

// check reports what in a configuration leads out of the fence.
func (f fence) check(config []byte) error {
	var all any
	if err := json.Unmarshal(config, &all); err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	return f.walk(all)
}

func (f fence) walk(v any) error {
	switch v := v.(type) {
	case string:
		return f.text(v)
	case []any:
		for _, one := range v {
			if err := f.walk(one); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := f.handler(v); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if err := cmp.Or(f.text(name), matchers(name, v[name]), f.walk(v[name])); err != nil {
				return err
			}
		}
	}
	return nil
}

// text checks what placeholders read.
func (f fence) text(text string) error {
	for _, m := range outsideOf.FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] == "file":
			return fmt.Errorf("%s}: files cannot be read here", m[0])
		case !slices.Contains(f.env, m[2]):
			return fmt.Errorf("%s}: of the environment, only what the command line gives can be read here: give it with -H", m[0])
		}
	}
	return nil
}

// matchers checks the matchers of routes, and those of what a matcher excludes.
func matchers(name string, value any) error {
	sets, _ := value.([]any)
	if !slices.Contains([]string{"match", "retry_match", "not"}, name) {
		return nil
	}
	for _, set := range sets {
		set, _ := set.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if !slices.Contains(quickMatchers, name) {
				return fmt.Errorf("the matcher %s is not possible here", name)
			}
		}
	}
	return nil
}

// handler checks an object that may be a handler.
func (f fence) handler(v map[string]any) error {
	name, ok := v["handler"].(string)
	if !ok {
		return nil
	}
	switch {
	case !slices.Contains(quickHandlers, name):
		return fmt.Errorf("%s is not possible here: %w", name, f.only())
	case name == "sse_bridge" && v["hosts"] != nil:
		return fmt.Errorf("hosts is not possible here: %w", f.only())
	case name == "reverse_proxy":
		return f.proxy(v)
	}
	return nil
}

// only is the error of what would reach another server.
func (f fence) only() error {
	return fmt.Errorf("this command only polls %s://%s", f.target.Scheme, f.target.Host)
}

// These fields of a reverse_proxy, of its transport and of its TLS lead nowhere else, and read no files.
var (
	proxyFields = []string{
		"handler", "transport", "load_balancing", "upstreams", "flush_interval", "trusted_proxies", "headers", "request_buffers", "response_buffers",
		"proxy_status_name", "stream_timeout", "stream_buffer_size", "stream_close_delay", "rewrite", "handle_response", "verbose_logs",
	}
	transportFields = []string{
		"protocol", "tls", "keep_alive", "compression", "max_conns_per_host", "dial_timeout", "dial_fallback_delay", "response_header_timeout",
		"expect_continue_timeout", "max_response_header_size", "write_buffer_size", "read_buffer_size", "read_timeout", "write_timeout", "versions",
	}
	tlsFields = []string{"insecure_skip_verify", "server_name", "handshake_timeout", "renegotiation", "curves"}
)

// errNoFiles is the error of a TLS that needs certificates.
var errNoFiles = errors.New("this command reads no certificates, but takes any with --insecure")

func (f fence) proxy(proxy map[string]any) error {
	want := f.target.Host
	if f.target.Port() == "" {
		want = net.JoinHostPort(f.target.Hostname(), map[string]string{"http": "80", "https": "443"}[f.target.Scheme])
	}
	upstreams, _ := proxy["upstreams"].([]any)
	for _, u := range upstreams {
		if u, ok := u.(map[string]any); !ok || u["dial"] != want {
			return fmt.Errorf("%v is not the endpoint's address: %w", u["dial"], f.only())
		}
	}
	transport, _ := proxy["transport"].(map[string]any)
	tls, https := transport["tls"].(map[string]any)
	for _, part := range []struct {
		name   string
		fields map[string]any
		fine   []string
		why    error
	}{
		{"of reverse_proxy", proxy, proxyFields, f.only()},
		{"in the transport of reverse_proxy", transport, transportFields, f.only()},
		{"in the TLS of reverse_proxy", tls, tlsFields, errNoFiles},
	} {
		for _, name := range slices.Sorted(maps.Keys(part.fields)) {
			if !slices.Contains(part.fine, name) {
				return fmt.Errorf("%s %s is not possible here: %w", name, part.name, part.why)
			}
		}
	}
	if protocol := transport["protocol"]; protocol != nil && protocol != "http" {
		return fmt.Errorf("the transport %v of reverse_proxy is not possible here: %w", protocol, f.only())
	}
	if https != (f.target.Scheme == "https") {
		return fmt.Errorf("reverse_proxy uses another scheme than the endpoint: %w", f.only())
	}
	return nil
}
