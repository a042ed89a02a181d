package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// KindOfHost returns the kind of polls that a cursor leads to a host of [config.Hosts].
func KindOfHost(i int, https bool) Kind {
	if https {
		return Kind(-1 - 2*i)
	}
	return Kind(-2 - 2*i)
}

// For returns the request of a poll at the host to which the cursor leads. It is p itself, unless that is a host
// of the list.
//
// The list is the same for all clients of a bridge, and the host is part of the cursor. So two chains at different
// hosts are at different positions, and never taken for one.
func (p *Request) For(ask feed.Ask) *Request {
	if p.Plan.Hosts == nil {
		return p
	}
	text, known := p.rewritePath.Expand(p.Env(ask))
	if !known {
		return p
	}
	_, which, err := p.leadsTo(urlOf(p.Said.path, ""), text)
	if err != nil {
		return p // Build returns it
	}
	return p.Of(which)
}

// Of returns the request of a kind: that of the polls, that of a step, or that of the polls at another host. The
// last one says nothing of the client but its language, since its credentials are for the block's own host alone.
func (p *Request) Of(which Kind) *Request {
	switch {
	case which == KindPoll:
		return p
	case which > 0:
		return p.Steps[which-1]
	}
	n := int(-1 - which)
	plan := *p.Plan
	plan.Elsewhere, plan.Wants = true, config.Wants{}
	other := *p
	other.Plan, other.which, other.First = &plan, which, first{}
	language := make(http.Header)
	if values := p.Said.Header.Values("Accept-Language"); len(values) > 0 {
		language["Accept-Language"] = values
	}
	other.Said = &Said{
		Method: p.Said.Method, https: n%2 == 0, Host: plan.Hosts.Names[n/2], path: "/", Header: PollHeader(&plan, language),
	}
	return &other
}

// leadsTo returns the target of a cursor that is a URL, and the kind of the poll there.
//
// At a host of the list it may have any path: the operator trusts the host, and a client that made the cursor up
// brings no credentials there. All other URLs go to the block's own host, and only their path and query are used.
// Then the path must be at or below that of the poll, because a client may have sent the cursor.
//
// The cursors of a set are those of its pages. They never come from a client, so they may lead anywhere at the
// origin, as redirects may.
func (p *Request) leadsTo(from *url.URL, cursor string) (*url.URL, Kind, error) {
	base := *from
	hosts := p.Plan.Hosts
	if hosts != nil {
		base.Scheme = hosts.Scheme()
		if host, _, _ := strings.Cut(cursor, "/"); slices.Contains(hosts.Names, strings.ToLower(host)) {
			cursor = "//" + cursor // host/path, as VK writes it
		}
	}
	to, err := base.Parse(cursor)
	if err != nil {
		return nil, KindPoll, errors.New("following the cursor: it is not a URL") // the error would have the cursor, which may hold a key
	}
	if hosts != nil && to.Host != "" {
		if i := hosts.Find(to); i >= 0 {
			if to.User != nil || climbs(to.Path) {
				return nil, KindPoll, fmt.Errorf("following the cursor: the URL at %s has a user, or a segment of dots in its path", to.Host)
			}
			if to.Path == "" {
				to.Path = "/"
			}
			return urlOf(to.EscapedPath(), to.RawQuery), KindOfHost(i, to.Scheme == "https"), nil
		}
		if !p.ownHost(to.Host) {
			return nil, KindPoll, fmt.Errorf("following the cursor: %s://%s is neither the host of the `upstream` nor one that `hosts` allows", to.Scheme, to.Host)
		}
	}
	if p.Plan.Page.Set && strings.HasPrefix(to.Path, "/") && !climbs(to.Path) {
		return urlOf(to.EscapedPath(), to.RawQuery), KindPoll, nil
	}
	below := strings.TrimSuffix(from.Path, "/") + "/"
	if to.Path != from.Path && !strings.HasPrefix(to.Path, below) || climbs(to.Path) {
		return nil, KindPoll, fmt.Errorf("following the cursor: its path is not at or below %q", from.Path)
	}
	return urlOf(to.EscapedPath(), to.RawQuery), KindPoll, nil
}

// ownHost reports whether a host is the block's own: that of an upstream, or that by which clients or a proxy in
// front know it.
func (p *Request) ownHost(host string) bool {
	own := append([]string{p.Said.Host, origin(p.Said.https, p.Said.Host, p.Said.Header).Host}, p.Plan.Hosts.Own...)
	return slices.ContainsFunc(own, func(own string) bool { return config.SameHost(own, host) })
}
