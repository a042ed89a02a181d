package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/suggest"
)

// tryFlags are the subdirectives that have a flag.
func tryFlags() (flags []config.Subdirective) {
	for _, group := range config.Subdirectives() {
		for _, s := range group.Subdirectives {
			if s.Trial != "" {
				flags = append(flags, s)
			}
		}
	}
	return flags
}

// flagValues are all values that the flag of a subdirective was given. It implements pflag.Value.
type flagValues struct {
	kind   string
	values []string
}

// Set implements pflag.Value. A flag whose value is optional gets "true" if it has none.
func (f *flagValues) Set(text string) error {
	if f.optional() && text == "true" {
		text = ""
	}
	f.values = append(f.values, strings.TrimSpace(text))
	return nil
}

// String implements pflag.Value.
func (f *flagValues) String() string { return strings.Join(f.values, ", ") }

// Type implements pflag.Value.
func (f *flagValues) Type() string { return f.kind }

// optional reports whether the flag's value is optional.
func (f *flagValues) optional() bool { return f.kind == "boolfunc" } // for which pflag's help names no default

// blocks are the flags whose values are the lines of one block.
var blocks = []string{"open", "wait", "reply", "ack", "close"}

// kindOf returns a word for the value of a subdirective's flag.
func kindOf(subdirective string) string {
	word := soleArgument.FindStringSubmatch(config.ArgumentsOf(subdirective))
	switch {
	case subdirective == "cookies" || subdirective == "long_poll" || subdirective == "stream":
		return "boolfunc"
	case slices.Contains(blocks, subdirective):
		return "line"
	case word != nil:
		return word[1]
	case config.ArgumentsOf(subdirective) == "json_patch", subdirective == "order", subdirective == "format":
		return "name"
	}
	return "words"
}

var soleArgument = regexp.MustCompile(`^<(\w+)>$`)

// flagName is the name of a subdirective as a flag.
func flagName(subdirective string) string { return strings.ReplaceAll(subdirective, "_", "-") }

// flagLines makes a Caddyfile from flags, and knows the flag of each line.
type flagLines struct {
	text  strings.Builder
	flags []string // by line, from the first
}

func (f *flagLines) add(flag, line string) {
	for part := range strings.SplitSeq(line, "\n") {
		f.flags = append(f.flags, flag)
		f.text.WriteString(part + "\n")
	}
}

// caddyfileOf makes the Caddyfile of a site that answers all requests by polling the server of a URL, whose
// certificate need not be trusted. values returns the values of each flag.
func caddyfileOf(u *url.URL, insecure bool, values func(name string) []string) *flagLines {
	f, upstream := new(flagLines), u.Scheme+"://"+u.Host
	f.add("", "{\n\tadmin off\n\tauto_https off\n}\nhttp:// {")
	if insecure && u.Scheme == "https" {
		f.add("URL", "\tsse_bridge {\n\t\tupstream {\n\t\t\treverse_proxy "+upstream+" {\n\t\t\t\ttransport http {\n\t\t\t\t\ttls_insecure_skip_verify\n\t\t\t\t}\n\t\t\t}\n\t\t}")
	} else {
		f.add("URL", "\tsse_bridge "+upstream+" {")
	}
	for _, flag := range tryFlags() {
		lines := values(flag.Name)
		if slices.Contains(blocks, flag.Name) && len(lines) > 0 {
			f.add(flag.Name, "\t\t"+flag.Name+" {")
			for _, line := range lines {
				f.add(flag.Name, "\t\t\t"+line)
			}
			f.add(flag.Name, "\t\t}")
			continue
		}
		for _, v := range lines {
			f.add(flag.Name, strings.TrimRight("\t\t"+flag.Name+" "+flagWords(flag.Name, v), " "))
		}
	}
	f.add("", "\t}\n}")
	return f
}

// pairs are further forms in which flags with a name and a value may be written, besides the words of a
// Caddyfile.
var pairs = map[string]*regexp.Regexp{
	"query":     regexp.MustCompile(`^([^-\s="'` + "`" + `{][^\s="'` + "`" + `{]*)=((?s:.*))$`),
	"header_up": regexp.MustCompile(`^([A-Za-z0-9!#$%&'*+.^_|~-]+):\s*((?s:.*))$`),
	"cursor":    regexp.MustCompile(`^([A-Za-z_]\w*)=((?s:.+))$`),
	"start":     regexp.MustCompile(`^([A-Za-z_]\w*)=((?s:.+))$`),
}

// flagWords writes the value of a flag as the arguments of its subdirective. If there is only one argument, it
// need not be quoted.
func flagWords(name, v string) string {
	if form, ok := pairs[name]; ok {
		if m := form.FindStringSubmatch(v); m != nil {
			return m[1] + " " + suggest.Quote(m[2])
		}
	}
	if single := name == "body" || soleArgument.MatchString(config.ArgumentsOf(name)); single && v != "" && !strings.ContainsAny(v[:1], "\"`") {
		return suggest.Quote(v)
	}
	if v == "" {
		switch name {
		case "cookies", "long_poll", "stream":
			return ""
		}
		return `""`
	}
	return v
}

// place finds the line in an error of the Caddyfile adapter.
var place = regexp.MustCompile(`^(?:parsing caddyfile tokens for '[\w-]+': )?((?s:.*?)),? (?:at|on line)? ?flags:(\d+)$`)

// adapt makes the configuration. Its errors name flags instead of lines.
func (f *flagLines) adapt() ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(f.text.String()), map[string]any{"filename": "flags"})
	if err == nil {
		return config, nil
	}
	m := place.FindStringSubmatch(err.Error())
	if m == nil {
		return nil, err
	}
	line, _ := strconv.Atoi(m[2]) // it is digits
	if line < 1 || line > len(f.flags) || f.flags[line-1] == "" || f.flags[line-1] == "URL" {
		return nil, errors.New(m[1])
	}
	text := strings.TrimPrefix(m[1], f.flags[line-1])
	return nil, errors.New("--" + flagName(f.flags[line-1]) + text)
}

// adaptFile makes the configuration of a Caddyfile.
func adaptFile(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the Caddyfile: %w", err)
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": name})
	return config, err
}

// served is the part of a configuration that decides which requests a server answers.
type served struct {
	Apps struct {
		HTTP struct {
			HTTPPort  int                 `json:"http_port"`
			HTTPSPort int                 `json:"https_port"`
			Servers   map[string]servedBy `json:"servers"`
		} `json:"http"`
	} `json:"apps"`
}

// servedBy is that part of a server.
type servedBy struct {
	Listen []string `json:"listen"`
	Routes []struct {
		Match []struct {
			Host []string `json:"host"`
		} `json:"match"`
		Handle json.RawMessage `json:"handle"`
	} `json:"routes"`
	AutomaticHTTPS struct {
		Disable bool     `json:"disable"`
		Skip    []string `json:"skip"`
	} `json:"automatic_https"`
	TLS []json.RawMessage `json:"tls_connection_policies"`
}

func readServed(config []byte) (s served, err error) {
	if err = json.Unmarshal(config, &s); err != nil {
		return s, fmt.Errorf("reading the configuration's sites: %w", err)
	}
	s.Apps.HTTP.HTTPPort = cmp.Or(s.Apps.HTTP.HTTPPort, caddyhttp.DefaultHTTPPort)
	s.Apps.HTTP.HTTPSPort = cmp.Or(s.Apps.HTTP.HTTPSPort, caddyhttp.DefaultHTTPSPort)
	return s, nil
}

// serverFor returns the name of the server that listens at the address of a URL.
func serverFor(config []byte, u *url.URL) (string, error) {
	s, err := readServed(config)
	if err != nil {
		return "", err
	}
	port := u.Port()
	if port == "" {
		port = strconv.Itoa(s.Apps.HTTP.HTTPPort)
		if u.Scheme == "https" {
			port = strconv.Itoa(s.Apps.HTTP.HTTPSPort)
		}
	}
	var found string
	for _, name := range slices.Sorted(maps.Keys(s.Apps.HTTP.Servers)) {
		server := s.Apps.HTTP.Servers[name]
		if !slices.ContainsFunc(server.Listen, func(address string) bool { return strings.HasSuffix(address, ":"+port) }) {
			continue
		}
		if len(server.hosts()) > 0 { // others may have the port at another address
			return name, nil
		}
		found = cmp.Or(found, name)
	}
	if found != "" {
		return found, nil
	}
	sites := s.sites()
	if len(sites) == 0 {
		return "", fmt.Errorf("no site of the configuration listens on port %s", port)
	}
	return "", fmt.Errorf("no site of the configuration listens on port %s: its sites with an sse_bridge are %s", port, strings.Join(sites, ", "))
}

// sites are the addresses of the sites that have an sse_bridge.
func (s served) sites() []string {
	var all []string
	for _, server := range s.Apps.HTTP.Servers {
		for _, host := range server.hosts() {
			for _, address := range server.Listen {
				all = append(all, s.address(server, host, address))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// hosts are those of the sites that have an sse_bridge; an empty one is any.
func (s servedBy) hosts() (all []string) {
	for _, route := range s.Routes {
		var handlers any
		if json.Unmarshal(route.Handle, &handlers) != nil || !config.HoldsBridge(handlers) {
			continue
		}
		if len(route.Match) > 0 && len(route.Match[0].Host) > 0 {
			all = append(all, route.Match[0].Host...)
		} else {
			all = append(all, "")
		}
	}
	return all
}

// hasTLS reports whether a site's connections are encrypted at a port that does not say so.
func (s servedBy) hasTLS(host string) bool {
	return len(s.TLS) > 0 || host != "" && !s.AutomaticHTTPS.Disable && !slices.Contains(s.AutomaticHTTPS.Skip, host)
}

func (s served) address(by servedBy, host, listen string) string {
	_, port, err := net.SplitHostPort(listen)
	scheme := "http://"
	if port != strconv.Itoa(s.Apps.HTTP.HTTPPort) && by.hasTLS(host) {
		scheme = "https://"
	}
	host = cmp.Or(host, "localhost")
	switch {
	case err != nil:
		return "http://" + host
	case port == strconv.Itoa(s.Apps.HTTP.HTTPPort):
		return "http://" + host
	case port == strconv.Itoa(s.Apps.HTTP.HTTPSPort):
		return "https://" + host
	}
	return scheme + net.JoinHostPort(host, port)
}

// siteURL returns the URL of a target, which is a whole URL, or a path of a site. The site need not be named
// if there is only one.
func siteURL(config []byte, site, target string) (*url.URL, error) {
	switch {
	case site == "" && strings.HasPrefix(target, "/"):
		s, err := readServed(config)
		if err != nil {
			return nil, err
		}
		sites := s.sites()
		if len(sites) == 0 {
			return nil, errors.New("the Caddyfile has no site with an sse_bridge")
		}
		if len(sites) > 1 {
			return nil, fmt.Errorf("name the site with --site: those with an sse_bridge are %s", strings.Join(sites, ", "))
		}
		target = sites[0] + target
	case site != "":
		if !strings.Contains(site, "://") {
			site = "http://" + site
		}
		base, err := url.Parse(site)
		if err != nil {
			return nil, fmt.Errorf("--site: %w", err)
		}
		u, err := base.Parse(target)
		if err != nil {
			return nil, fmt.Errorf("the URL: %w", err)
		}
		target = u.String()
	}
	return parseTarget(target)
}

// parseTarget reads a URL with a scheme and a host.
func parseTarget(target string) (*url.URL, error) {
	if !strings.Contains(target, "://") {
		return nil, fmt.Errorf("%q is not a URL: write it as in a browser, such as http://127.0.0.1:9000/messages", target)
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("the URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is not a URL of http or https", target)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}
