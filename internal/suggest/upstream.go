package suggest

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// newBlock returns the block of an endpoint, with nothing in it yet.
func newBlock(e *Endpoint) *Block {
	b := &Block{Path: pathOf(e.URL)}
	b.upstream(e, false)
	return b
}

// pathOf returns the path of a URL as a matcher has it, in which some characters mean more than themselves.
func pathOf(u *url.URL) string {
	path, special := u.Path, `%\{}`
	if strings.Contains(u.RawPath, "%") { // an escaped slash is another path than a slash
		path, special = u.RawPath, `\{}`
	}
	var s strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c == '[': // which clients send as it is, or escaped
			s.WriteByte('?')
		case strings.IndexByte(special, c) >= 0, c <= unicode.MaxASCII && unicode.IsControl(rune(c)):
			fmt.Fprintf(&s, "%%%02X", c)
		default:
			s.WriteByte(c)
		}
	}
	return s.String()
}

// upstream names the endpoint's server. With its own host, polls ask for that, and not for the host that clients do.
func (b *Block) upstream(e *Endpoint, ownHost bool) {
	address, host := e.URL.Host, ""
	name := e.URL.Hostname()
	switch {
	case e.Host != "" && e.Host != e.URL.Host:
		host = e.Host
	case e.URL.Scheme == "https": // reverse_proxy sets the Host for it
	case ownHost || strings.Contains(name, ".") && strings.Trim(name, "0123456789.") != "":
		host = "{upstream_hostport}"
	}
	if e.URL.Scheme == "https" {
		address = "https://" + address
	}
	var inner []string
	if host != "" {
		inner = append(inner, "header_up Host "+Quote(host))
	}
	if e.Insecure && e.URL.Scheme == "https" {
		inner = append(inner, "# its certificate is not checked, as you asked for: better, name that of its authority with tls_trust_pool file ca.crt",
			"transport http {", "\ttls_insecure_skip_verify", "}")
	}
	if inner == nil {
		if address == name { // which may be that of a subdirective, such as stream
			address += ":80"
		}
		b.Upstream = []string{address}
		return
	}
	b.Upstream = append(append([]string{"upstream {", "\treverse_proxy " + address + " {"}, indented(inner)...), "\t}", "}")
}

func indented(lines []string) []string {
	deeper := make([]string, len(lines))
	for i, l := range lines {
		deeper[i] = "\t\t" + l
	}
	return deeper
}
