package upstream

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

// keepForwarded keeps the scheme and host that a trusted proxy in front reports. Like reverse_proxy, it uses
// the last value of each field.
func keepForwarded(header http.Header, plan *config.Plan, r *http.Request) {
	if !plan.Wants.Trust(r) {
		return
	}
	for _, name := range []string{config.ForwardedProto, config.ForwardedHost} {
		if values := r.Header[name]; len(values) > 0 && values[len(values)-1] != "" {
			header[name] = values[len(values)-1:]
		}
	}
}

// trustPoll lets reverse_proxy forward these fields of a poll. Without it, reverse_proxy would replace them,
// because it does not trust the address of polls. The fields are safe: they come from a trusted proxy or from
// the operator.
func trustPoll(r *http.Request) {
	for _, name := range config.ForwardedFields {
		if len(r.Header[name]) > 0 {
			caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, true)
		}
	}
}

// deleteField deletes a field of a poll's header. It keeps the fields of proxies without a value, or
// reverse_proxy would add them again.
func deleteField(header http.Header, name string) {
	if header.Del(name); slices.Contains(config.ForwardedFields, name) {
		header[name] = nil
	}
}

// origin returns the scheme and host of a poll as the upstream knows them. Its cookies and redirects refer to
// them.
func origin(https bool, host string, header http.Header) *url.URL {
	u := &url.URL{Scheme: "http", Host: host}
	if https {
		u.Scheme = "https"
	}
	if proto := strings.ToLower(header.Get(config.ForwardedProto)); proto == "http" || proto == "https" {
		u.Scheme = proto
	}
	if public, err := url.Parse("//" + header.Get(config.ForwardedHost)); err == nil && public.Host != "" && public.Host == header.Get(config.ForwardedHost) {
		u.Host = public.Host
	}
	return u
}
