// Package upstream makes polls. It takes from a client's request the parts that polls may send; they are
// the key of the client's feed. It builds each poll with a cursor in it, sends it through the routes of
// the configuration, and reads the answer in bounded memory.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// maxRequestBody bounds the body of a client's request, which its polls repeat.
const maxRequestBody = 1 << 20

// Request makes the polls of a client: their content, and the plan that puts a cursor into it.
type Request struct {
	Plan  *config.Plan
	Said  *Said
	Key   Key // of said
	First first
	bound // the plan, with the texts of said in it

	LastID string
	Sent   original // operators see the path

	which Kind
	polls *Request   // of a step: the polls that it belongs to
	calls *value.Env // of a step: the answer that calls for it; nil: none does
	Steps []*Request // in the order of [config.Plan.Steps]
	steps            // the same, by their kinds
}

// NewRequest takes from a client's request the parts that its polls may send, and nothing else. Its error is a
// caddyhttp.HandlerError with the status for the client.
func NewRequest(plan *config.Plan, r *http.Request) (*Request, error) {
	p := &Request{Plan: plan}
	p.LastID, p.First.query = splitID(r)
	p.Sent = sentURL(r)
	s := &Said{
		https: r.TLS != nil, Host: r.Host, path: r.URL.EscapedPath(), Header: PollHeader(plan, r.Header), Vars: operatorVars(r.Context()),
	}
	keepForwarded(s.Header, plan, r)
	if plan.Wants.Original {
		p.First.originalQuery = p.Sent.query
	}
	if len(plan.Steps) == 0 { // steps send the parts that polls replace
		dropReplaced(plan, s.Header, &p.First)
	}
	cursors := plan.CursorParameters()
	s.Query = dropQuery(p.First.query, cursors)
	s.take(plan.Wants, original{p.Sent.Path, dropQuery(p.First.originalQuery, cursors)}, r)

	var err error
	if s.Body, err = readBody(r); err != nil {
		return nil, err
	}
	repl := clientReplacer(r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer), s.Body)
	if len(s.Body) == 0 || replacesBody(plan) {
		s.Body = nil
		s.Header.Del("Content-Type")
	}
	if s.Method, err = methodOf(plan, r, repl); err != nil {
		return nil, err
	}
	s.texts = resolve(plan, repl)
	p.Said, p.bound = s, bindTo(plan, s.texts)

	if err = p.newSteps(r, repl); err != nil {
		return nil, err
	}
	p.Key = s.key()
	return p, nil
}

// sentURL returns the URL as the client sent it, without its last event id.
func sentURL(r *http.Request) original {
	if sent, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && sent.URL != nil {
		return original{sent.URL.EscapedPath(), dropID(sent.URL.RawQuery)}
	}
	return original{r.URL.EscapedPath(), dropID(r.URL.RawQuery)}
}

// dropReplaced removes the parts that edits delete or replace in every poll. They do not go upstream, so they
// must not divide a feed. Parts that an edit with a cursor writes stay, because the first poll has them.
func dropReplaced(c *config.Plan, header http.Header, queries *first) {
	for _, e := range c.HeaderUp {
		if e.Always() {
			header.Del(e.Name)
		}
	}
	var names []string
	for _, e := range c.Query {
		if e.Always() {
			names = append(names, e.Name)
		}
	}
	queries.query, queries.originalQuery = dropQuery(queries.query, names), dropQuery(queries.originalQuery, names)
}

// methodOf returns the method of the polls, with the client's placeholders resolved.
func methodOf(c *config.Plan, r *http.Request, repl *caddy.Replacer) (string, error) {
	if c.Method.IsZero() {
		return r.Method, nil
	}
	method := strings.ToUpper(repl.ReplaceAll(c.Method.String(), ""))
	if !config.IsToken(method) {
		return "", caddyhttp.Error(http.StatusBadRequest, fmt.Errorf("%q cannot be the method of a poll", method))
	}
	return method, nil
}

// replacesBody reports whether no poll has the client's own body.
func replacesBody(c *config.Plan) bool { return !c.Body.IsZero() && len(c.Body.Cursors()) == 0 }

// readBody reads the whole body of the client, even if polls have another body: placeholders may contain it,
// and net/http notices that a client has gone only after its body has been read.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 { // Caddy wraps an empty body
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1))
	if err != nil {
		return nil, caddyhttp.Error(http.StatusBadRequest, fmt.Errorf("reading the request's body: %w", err))
	}
	if len(body) > maxRequestBody {
		return nil, caddyhttp.Error(http.StatusRequestEntityTooLarge, errors.New("the request's body is larger than 1 MiB, the limit for a body that polls repeat"))
	}
	return body, nil
}

// PollHeader keeps the fields of a client's header that a poll may have, and adds those of a browser's AJAX
// library: frameworks answer differently without them, and EventSource cannot send them.
func PollHeader(plan *config.Plan, client http.Header) http.Header {
	header := make(http.Header)
	kept := []string{"Accept-Language", "Content-Type"}
	if !plan.Elsewhere {
		kept = append(kept, "Authorization", "Cookie")
	}
	for _, name := range append(kept, plan.Wants.Carried...) {
		if values := client.Values(name); len(values) > 0 {
			header[name] = slices.Clone(values)
		}
	}
	if plan.Cookies != nil {
		keepCookies(header, *plan.Cookies)
	}
	header.Set("X-Requested-With", "XMLHttpRequest")
	header.Set("Accept", "application/json, text/javascript;q=0.9, */*;q=0.5")
	switch plan.Page.Format {
	case page.EventStream:
		header.Set("Accept", "text/event-stream")
		header.Set("Cache-Control", "no-cache") // HTML standard, 9.2.3
	case page.Multipart:
		header.Set("Accept", "multipart/mixed, multipart/x-mixed-replace, multipart/*;q=0.9")
	case page.Scripts:
		header.Set("Accept", "text/html, */*;q=0.5")
	}
	header.Set("User-Agent", "sse_bridge")
	return header
}

func operatorVars(ctx context.Context) map[string]any {
	all, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	vars := make(map[string]any, len(all))
	for name, v := range all {
		if !slices.Contains(config.OwnVars, name) {
			vars[name] = v
		}
	}
	return vars
}
