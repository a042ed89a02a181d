package upstream

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// pollRemote is the remote address of polls. It belongs to no client, and no backend trusts it. It must parse,
// or reverse_proxy would drop X-Forwarded-*.
const pollRemote = "0.0.0.0:0"

// nowhere is the server address of polls whose upstream does not ask for it.
var nowhere net.Addr = LocalAddr{"tcp", pollRemote}

// Build makes the request of one poll, on the bridge's own context. Its answer goes to w. Its URL is to, after
// a redirect; otherwise it is the client's URL with the edits.
func (p *Request) Build(ctx context.Context, ask feed.Ask, server *caddyhttp.Server, w http.ResponseWriter, to *url.URL) (*http.Request, error) {
	r, _, err := p.build(ctx, ask, server, w, to)
	return r, err
}

// build is Build. It also returns the absolute URL of the request, before handlers change it.
func (p *Request) build(ctx context.Context, ask feed.Ask, server *caddyhttp.Server, w http.ResponseWriter, to *url.URL) (*http.Request, *url.URL, error) {
	env := p.Env(ask)
	if p.calls != nil && !p.sendable(env) {
		return nil, nil, fmt.Errorf("making the request of `%s`: a text of the answer has a line break or a NUL", p.Plan.Name)
	}
	urls, err := p.urlsOf(ask, env, to)
	if err != nil {
		return nil, nil, err
	}
	r := p.bare(context.WithValue(ctx, http.LocalAddrContextKey, p.localAddr()), env)
	if p.Said.https {
		// an incomplete handshake means that the address is in doubt, to Caddy's matchers too
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	for _, e := range p.HeaderEdits {
		if text, ok := e.Value.Expand(env); e.Del {
			deleteField(r.Header, e.Name)
		} else if ok {
			r.Header.Set(e.Name, headerValue(text))
		}
	}
	p.condition(r.Header, ask)
	absolute := urls.absolute
	if absolute == nil {
		absolute = p.Absolute(&urls.sent, r.Header)
	}
	if !p.Plan.Elsewhere {
		addCookies(r.Header, ask.Session.Jar.Cookies(absolute))
	}

	// handlers take the present request for the original one
	r.URL, r.RequestURI = urls.original, urls.originalURI
	r = caddyhttp.PrepareRequest(r, p.replacer(), w, server)
	trustPoll(r)
	for name, v := range p.Said.Vars {
		caddyhttp.SetVar(r.Context(), name, v)
	}
	sent := urls.sent
	r.URL, r.RequestURI = &sent, urls.sentURI
	return r, absolute, nil
}

// urlsOf returns the URLs of a request.
func (p *Request) urlsOf(ask feed.Ask, env *value.Env, to *url.URL) (*targetURLs, error) {
	switch {
	case to != nil:
		return newTargetURLs(to, to), nil
	case p.polls != nil:
		return p.targetURLs(env, true)
	}
	if urls := p.target(ask).urls; urls != nil {
		return urls, nil
	}
	return p.targetURLs(env, !ask.From.Cursor.IsZero())
}

// bare returns a request with the method, the host, the body and the header of those that are made of p. It is
// what http.NewRequestWithContext makes, without the parsing.
func (p *Request) bare(ctx context.Context, env *value.Env) *http.Request {
	body, bodyType := p.BuildBody(env)
	r := (&http.Request{
		Method: p.Said.Method, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: p.Said.Host, RemoteAddr: pollRemote, Header: p.Said.Header.Clone(),
		Body: http.NoBody, GetBody: func() (io.ReadCloser, error) { return http.NoBody, nil },
	}).WithContext(ctx)
	if len(body) > 0 {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody() // it has no error
		r.ContentLength = int64(len(body))
	}
	if bodyType != "" {
		r.Header.Set("Content-Type", bodyType)
	}
	return r
}

// sendable reports whether all that an answer brings into the request can be sent.
func (p *Request) sendable(env *value.Env) bool {
	ok := true
	look := func(text string) string {
		ok = ok && !strings.ContainsAny(text, unsendable)
		return text
	}
	for _, t := range []value.Template{p.rewritePath, p.rewriteQuery, p.bodyTemplate} {
		t.ExpandEscaped(env, look)
	}
	for _, e := range slices.Concat(p.queryEdits, p.HeaderEdits) {
		e.Value.ExpandEscaped(env, look)
	}
	return ok
}

// replacer returns a replacer that has the client's values for the placeholders of the upstream's handlers.
// They are set as handlers in front set them, so values that the upstream's own handlers set override them.
func (p *Request) replacer() *caddy.Replacer {
	repl := caddy.NewReplacer()
	for name, v := range p.Said.Placeholders {
		repl.Set(name, v)
	}
	return repl
}

// localAddr is the server address of a poll: the client's, if the upstream asks for it; otherwise none.
func (p *Request) localAddr() net.Addr {
	if p.Said.Local == (LocalAddr{}) {
		return nowhere
	}
	return p.Said.Local
}

// Env returns the values for the placeholders of a poll.
func (p *Request) Env(ask feed.Ask) *value.Env {
	if p.polls != nil {
		env := p.polls.Env(ask)
		if a := p.calls; a != nil {
			env.Status, env.Header, env.Body, env.Item = a.Status, a.Header, a.Body, a.Item
		}
		return env
	}
	return &value.Env{Cursor: p.target(ask).cursors, ID: cmp.Or(ask.Session.ID, ask.Chain), Seq: ask.Number, Count: ask.Count}
}

// cursors returns the cursors of a poll, by their names.
func (p *Request) cursors(ask feed.Ask) map[string]string {
	cursors := make(map[string]string)
	maps.Copy(cursors, p.Plan.Start)
	maps.Copy(cursors, ask.Session.Opened)
	if !ask.From.Cursor.IsZero() {
		for _, name := range p.Plan.ClearedCursors { // an empty one is not one that has yet to come
			delete(cursors, name)
		}
	}
	for i, text := range ask.From.Cursor {
		if text != "" {
			cursors[p.Plan.CursorNames[i]] = text
		}
	}
	return cursors
}

// Asks reports whether a poll can be made from a position that came from a client. The upstream cannot have
// given a URL that leads elsewhere, a text where a number is added, or what `matching` does not match.
func (p *Request) Asks(at position.Position) bool {
	if at.Cursor.IsZero() {
		return true
	}
	if p.Unmatched(at) != "" {
		return false
	}
	if _, _, err := p.urls(p.Env(feed.Ask{From: at, Session: new(feed.Session)}), true); err != nil {
		return false
	}
	env := &value.Env{Cursor: make(map[string]string)}
	for i, text := range at.Cursor {
		env.Cursor[p.Plan.CursorNames[i]] = text
	}
	for _, edits := range [][]config.PlannedEdit{p.queryEdits, p.HeaderEdits} {
		if slices.ContainsFunc(edits, func(e config.PlannedEdit) bool { return !e.Value.Counts(env) }) {
			return false
		}
	}
	return p.rewritePath.Counts(env) && p.rewriteQuery.Counts(env) && p.bodyTemplate.Counts(env)
}

// Unmatched returns the placeholder of a cursor that `matching` does not match; empty: there is none.
func (p *Request) Unmatched(at position.Position) string {
	for i, text := range at.Cursor {
		name := p.Plan.CursorNames[i]
		if pattern := p.Plan.Matching[name]; pattern != nil && text != "" && !pattern.MatchString(text) {
			return config.PlaceholderOf(name)
		}
	}
	return ""
}

// urls returns the URL of a poll, and the URL from which FastCGI takes REQUEST_URI. The second one is the
// client's if the upstream sees it and the operator rewrites nothing; otherwise it is that of the poll. When
// there is a cursor, the cursor that the client gave is removed: it is not in the key.
func (p *Request) urls(env *value.Env, placed bool) (current, original *url.URL, err error) {
	said := p.Said
	current = urlOf(said.path, said.Query)
	if !placed {
		current.RawQuery = p.First.query
	}
	if text, known := p.rewritePath.Expand(env); p.Plan.FollowsCursor && known {
		if current, _, err = p.leadsTo(current, text); err != nil {
			return nil, nil, err
		}
		current.RawQuery = p.editQuery(current.RawQuery, env)
		return current, new(*current), nil
	}
	path, pathKnown := p.rewritePath.ExpandEscaped(env, url.PathEscape)
	query, queryKnown := p.rewriteQuery.ExpandEscaped(env, url.QueryEscape)
	rewritten := pathKnown && queryKnown && (!p.rewritePath.IsZero() || p.Plan.RewritesQuery)
	if rewritten {
		path, inserted, found := strings.Cut(path, "?") // a placeholder contained a whole URI
		if path != "" {
			current.Path, current.RawPath = pathOf(path)
			if climbs(current.Path) { // a cursor may come from a client
				return nil, nil, fmt.Errorf("rewriting the poll: the path %q has a segment of dots", current.Path)
			}
		}
		if p.Plan.RewritesQuery {
			current.RawQuery = query
		} else if found {
			current.RawQuery = inserted
		}
	}
	if !strings.HasPrefix(current.Path, "/") {
		return nil, nil, fmt.Errorf("making the poll's URL: the path %q does not begin with a slash", current.Path)
	}
	current.RawQuery = p.editQuery(current.RawQuery, env)
	if rewritten || said.Original == nil {
		return current, new(*current), nil
	}
	original = urlOf(said.Original.Path, said.Original.query)
	if !placed {
		original.RawQuery = p.First.originalQuery
	}
	original.RawQuery = p.editQuery(original.RawQuery, env)
	return current, original, nil
}

func (p *Request) editQuery(query string, env *value.Env) string {
	for _, e := range p.queryEdits {
		if text, ok := e.Value.Expand(env); e.Del {
			query = dropQuery(query, []string{e.Name})
		} else if ok {
			query = setQuery(query, e.Name, text)
		}
	}
	return query
}

func (p *Request) BuildBody(env *value.Env) (body []byte, contentType string) {
	if text, ok := p.bodyTemplate.ExpandEscaped(env, bodyEscape(p.Plan.BodyType)); ok && !p.bodyTemplate.IsZero() {
		return []byte(text), p.Plan.BodyType
	}
	return p.Said.Body, ""
}

// condition makes a poll conditional (RFC 9110, section 13.1), with the document's validators or with those
// that are the cursor.
func (p *Request) condition(header http.Header, ask feed.Ask) {
	if p.polls != nil {
		return // the validators belong to the answers of polls
	}
	etag, modified := ask.Validators.ETag, ask.Validators.LastModified
	if p.Plan.ValidatorCursors && !ask.From.Cursor.IsZero() {
		etag, modified = ask.From.Cursor[0], ask.From.Cursor[1]
	}
	if p.Plan.LastEventID && !ask.From.Cursor.IsZero() {
		header.Set("Last-Event-ID", headerValue(ask.From.Cursor[0])) // HTML standard, 9.2.3
	}
	if etag != "" {
		header.Set("If-None-Match", headerValue(etag))
	}
	if modified != "" {
		header.Set("If-Modified-Since", headerValue(modified))
	}
}

// Absolute returns a poll's absolute URL, to which the upstream's cookies and redirects refer.
func (p *Request) Absolute(u *url.URL, header http.Header) *url.URL {
	abs := urlOf(u.EscapedPath(), u.RawQuery)
	at := origin(p.Said.https, p.Said.Host, header)
	abs.Scheme, abs.Host = at.Scheme, at.Host
	return abs
}
