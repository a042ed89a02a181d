package ssebridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// maxRequestBody bounds the body of a client's request, which its polls repeat.
const maxRequestBody = 1 << 20

// pollRequest is how the polls of a client are made: what they say, and the plan by which a cursor
// is put into it.
type pollRequest struct {
	plan  *compiled
	said  *said
	key   feedKey // of said
	first first
	bound // the plan, with the texts of said in it

	lastID string
	sent   original // operators are told the path

	which request
	polls *pollRequest // of a step: the polls that it stands beside
	open  *pollRequest // what is asked before the first poll of a chain; nil for nothing
	wait  *pollRequest // what is asked between polls; nil for nothing
}

// newPollRequest takes from a client's request what its polls may say, and nothing else. Its
// error is a caddyhttp.HandlerError with the status for the client.
func newPollRequest(plan *compiled, r *http.Request) (*pollRequest, error) {
	p := &pollRequest{plan: plan}
	p.lastID, p.first.query = splitID(r)
	p.sent = sentURL(r)
	s := &said{
		https: r.TLS != nil, host: r.Host, path: r.URL.EscapedPath(), header: pollHeader(plan, r.Header), vars: operatorVars(r.Context()),
	}
	keepForwarded(s.header, plan, r)
	if plan.wants.original {
		p.first.originalQuery = p.sent.query
	}
	if plan.open == nil && plan.wait == nil { // steps send what polls replace
		dropReplaced(plan, s.header, &p.first)
	}
	cursors := plan.cursorParameters()
	s.query = dropQuery(p.first.query, cursors)
	s.take(plan.wants, original{p.sent.path, dropQuery(p.first.originalQuery, cursors)}, r)

	var err error
	if s.body, err = readBody(r); err != nil {
		return nil, err
	}
	repl := clientReplacer(r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer), s.body)
	if len(s.body) == 0 || replacesBody(plan) {
		s.body = nil
		s.header.Del("Content-Type")
	}
	if s.method, err = methodOf(plan, r, repl); err != nil {
		return nil, err
	}
	s.texts = resolve(plan, repl)
	p.said, p.bound = s, bindTo(plan, s.texts)

	if p.open, err = p.step(anOpen, plan.open, r, repl); err != nil {
		return nil, err
	}
	if p.wait, err = p.step(aWait, plan.wait, r, repl); err != nil {
		return nil, err
	}
	if p.open != nil {
		s.open = p.open.said
	}
	if p.wait != nil {
		s.wait = p.wait.said
	}
	p.key = s.key()
	return p, nil
}

// sentURL returns the URL as the client sent it, but for the event id that it has seen last.
func sentURL(r *http.Request) original {
	if sent, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && sent.URL != nil {
		return original{sent.URL.EscapedPath(), dropID(sent.URL.RawQuery)}
	}
	return original{r.URL.EscapedPath(), dropID(r.URL.RawQuery)}
}

// take takes of a client's request what the handlers of an upstream want of it.
func (s *said) take(wants wants, sent original, r *http.Request) {
	s.original, s.local = nil, localAddr{}
	if wants.original {
		s.original = &sent
	}
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && wants.local {
		s.local = localAddr{addr.Network(), addr.String()}
	}
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	s.placeholders = make(map[string]any, len(wants.placeholders))
	for _, name := range wants.placeholders {
		if v, known := repl.Get(name); known {
			s.placeholders[name] = v
		}
	}
}

// dropReplaced drops what edits delete or replace in every poll: it does not go upstream, so it
// must not divide a feed either. What an edit with a cursor writes stays, as the first poll has it.
func dropReplaced(c *compiled, header http.Header, queries *first) {
	for _, e := range c.headerUp {
		if e.always() {
			header.Del(e.name)
		}
	}
	var names []string
	for _, e := range c.query {
		if e.always() {
			names = append(names, e.name)
		}
	}
	queries.query, queries.originalQuery = dropQuery(queries.query, names), dropQuery(queries.originalQuery, names)
}

// methodOf returns the method of the polls, with the client's placeholders resolved.
func methodOf(c *compiled, r *http.Request, repl *caddy.Replacer) (string, error) {
	if c.method.IsZero() {
		return r.Method, nil
	}
	method := strings.ToUpper(repl.ReplaceAll(c.method.String(), ""))
	if !isToken(method) {
		return "", caddyhttp.Error(http.StatusBadRequest, fmt.Errorf("%q is not a method that a poll could have", method))
	}
	return method, nil
}

// replacesBody reports whether no poll has the client's own body.
func replacesBody(c *compiled) bool { return !c.body.IsZero() && len(c.body.Cursors()) == 0 }

// readBody reads all of the client's body, also where polls have another: placeholders may
// hold it, and net/http notices that a client has gone only when its body has been read.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1))
	if err != nil {
		return nil, caddyhttp.Error(http.StatusBadRequest, fmt.Errorf("reading the request's body: %w", err))
	}
	if len(body) > maxRequestBody {
		return nil, caddyhttp.Error(http.StatusRequestEntityTooLarge, errors.New("the request's body is larger than 1 MiB, which polls would repeat"))
	}
	return body, nil
}

// pollHeader keeps what a poll may have of a client's header, and adds what a browser's AJAX
// library would: frameworks answer differently without it, and EventSource cannot send it.
func pollHeader(plan *compiled, client http.Header) http.Header {
	header := make(http.Header)
	kept := []string{"Accept-Language", "Content-Type"}
	if !plan.elsewhere {
		kept = append(kept, "Authorization", "Cookie")
	}
	for _, name := range append(kept, plan.wants.carried...) {
		if values := client.Values(name); len(values) > 0 {
			header[name] = slices.Clone(values)
		}
	}
	if plan.cookies != nil {
		keepCookies(header, *plan.cookies)
	}
	header.Set("X-Requested-With", "XMLHttpRequest")
	header.Set("Accept", "application/json, text/javascript;q=0.9, */*;q=0.5")
	header.Set("User-Agent", "sse_bridge")
	return header
}

func operatorVars(ctx context.Context) map[string]any {
	all, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	vars := make(map[string]any, len(all))
	for name, v := range all {
		if !slices.Contains(ownVars, name) {
			vars[name] = v
		}
	}
	return vars
}
