package upstream

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

// keepForwarded keeps what a proxy in front says of scheme and host, as reverse_proxy would of the
// request itself: the last one of each, if the proxy is trusted.
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

// trustPoll lets reverse_proxy send what a poll says in these fields. It would write its own, since a
// poll comes from nobody whom it trusts: but all that stands there is of a trusted proxy, or of the
// operator.
func trustPoll(r *http.Request) {
	for _, name := range config.ForwardedFields {
		if len(r.Header[name]) > 0 {
			caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, true)
		}
	}
}

// deleteField deletes a field of a poll's header. reverse_proxy adds those of proxies, unless they are
// there without a value.
func deleteField(header http.Header, name string) {
	if header.Del(name); slices.Contains(config.ForwardedFields, name) {
		header[name] = nil
	}
}

// origin returns scheme and host of a poll as the upstream knows them, by which its cookies and its
// redirects go.
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
