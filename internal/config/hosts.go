package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Hosts are the hosts to which a cursor that is a URL may lead. Polls of them have routes of their own.
type Hosts struct {
	Names []string // in lower case, with a port if it is not the scheme's own
	Own   []string // those of the upstream block; each may have a port
	HTTPS bool     // the upstream block uses TLS, so nothing else goes to the hosts either
}

// Scheme is the scheme of a URL that has none.
func (h *Hosts) Scheme() string {
	if h.HTTPS {
		return "https"
	}
	return "http"
}

// Find returns the number of the host to which a URL leads; -1: it is none of the list, or the scheme is not allowed.
func (h *Hosts) Find(u *url.URL) int {
	if u.Scheme != "https" && (u.Scheme != "http" || h.HTTPS) {
		return -1
	}
	return slices.IndexFunc(h.Names, func(name string) bool { return HostPort(u.Scheme, name) == HostPort(u.Scheme, u.Host) })
}

// Routes returns the routes to a host. The poll itself says in Host which one it is.
func (h *Hosts) Routes(i int, https bool) caddyhttp.RouteList {
	scheme := "http"
	transport := map[string]any{"protocol": "http"}
	if https {
		scheme, transport["tls"] = "https", struct{}{}
	}
	raw, err := json.Marshal(map[string]any{
		"handler": "reverse_proxy", "transport": transport,
		"upstreams": []map[string]string{{"dial": HostPort(scheme, h.Names[i])}},
	})
	if err != nil {
		panic(err) // it consists of texts
	}
	return caddyhttp.RouteList{{HandlersRaw: []json.RawMessage{raw}}}
}

// HostPort returns a host in lower case with its port, which with the scheme are an origin (RFC 6454, section 4).
func HostPort(scheme, host string) string {
	u := url.URL{Host: host}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func (h *Config) compileHosts(c *Plan) error {
	if len(h.Hosts) == 0 {
		return nil
	}
	if !c.FollowsCursor {
		return wrong("hosts", "only a cursor that is a URL leads to another host: add `rewrite {sse.cursor}`, or remove `hosts`")
	}
	for i, host := range h.Hosts {
		err := checkHost(host)
		switch {
		case err != nil:
		case slices.Contains(h.Hosts[:i], host):
			err = fmt.Errorf("%s is given twice: remove one of the two", host)
		case slices.ContainsFunc(c.routes.dials, func(dial string) bool { return SameHost(dial, host) }):
			err = fmt.Errorf("%s is the host of the `upstream`, to which cursors lead in any case: remove it", host)
		}
		if err != nil {
			return &fieldError{"hosts." + strconv.Itoa(i), "hosts", err}
		}
	}
	c.Hosts = &Hosts{Names: h.Hosts, Own: c.routes.dials, HTTPS: c.routes.tls}
	return nil
}

// SameHost reports whether two hosts are the same for one of the schemes.
func SameHost(a, b string) bool {
	return HostPort("https", a) == HostPort("https", b) || HostPort("http", a) == HostPort("http", b)
}

// checkHost accepts a host with an optional port (RFC 3986, section 3.2).
func checkHost(host string) error {
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host || u.Hostname() == "" || strings.ToLower(host) != host || strings.HasSuffix(host, ":") ||
		strings.ContainsAny(host, "*{},%") || strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return fmt.Errorf("%q is not a host: write host or host:port in lower-case ASCII, without a scheme, a path or a wildcard, such as eu.example.com", host)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New(port + " is not a port: use a number from 1 to 65535")
		}
	}
	return nil
}
