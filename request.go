package ssebridge

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// maxRequestBody bounds the body of a client's request, which its polls repeat.
const maxRequestBody = 1 << 20

// ownVars are the request variables that Caddy sets for each request; all others are operators'.
var ownVars = []string{caddyhttp.ClientIPVarKey, caddyhttp.TrustedProxyVarKey, "start_time", "uuid", "trace_id", "span_id"}

// feedKey identifies a poll request: everything that can steer the upstream's answer.
type feedKey [sha256.Size]byte

// pollRequest is all that a client's polls say but the cursor. What of the client's request
// is not in the key is not in here either, so that no client can receive what its own poll
// would not have fetched.
type pollRequest struct {
	plan   *compiled
	keys   feedKeys
	first  string // what of the first poll is not in the key: equal for equal first polls
	lastID string

	method        string
	https         bool
	host          string
	path          string // escaped; as routes above have rewritten it
	query         string // raw, likewise; with the values that the client gave for cursors
	original      string // the path as the client sent it
	originalQuery string // and the query
	header        http.Header
	body          []byte
	local         any // http.LocalAddrContextKey
	vars          map[string]any

	which     request
	polls     *pollRequest // of a step: the polls that it stands beside
	elsewhere bool         // of a step: another host answers it
	open      *pollRequest // what is asked before the first poll of a chain; nil for nothing
	wait      *pollRequest // what is asked between polls; nil for nothing

	// with the client's placeholders resolved
	reader                    *page.Reader
	rewritePath, rewriteQuery value.Template
	queryEdits, headerEdits   []compiledEdit
	bodyTemplate              value.Template
}

// newPollRequest takes from a client's request what its polls may say, and nothing else. Its
// error is a caddyhttp.HandlerError with the status for the client.
func newPollRequest(plan *compiled, r *http.Request) (*pollRequest, error) {
	p := &pollRequest{
		plan: plan, method: r.Method, https: r.TLS != nil, host: r.Host,
		path: r.URL.EscapedPath(), header: pollHeader(plan, r.Header),
		local: r.Context().Value(http.LocalAddrContextKey), vars: operatorVars(r.Context()),
	}
	p.lastID, p.query = splitID(r)
	p.original, p.originalQuery = p.path, p.query
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.URL != nil {
		p.original, p.originalQuery = original.URL.EscapedPath(), dropID(original.URL.RawQuery)
	}
	if plan.open == nil && plan.wait == nil { // steps send what polls replace
		p.dropReplaced()
	}
	p.first = fmt.Sprintf("%q %q", p.query, p.originalQuery)
	if err := p.readBody(r); err != nil {
		return nil, err
	}
	repl := clientReplacer(r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer), p.body)
	if err := p.bindMethod(repl); err != nil {
		return nil, err
	}
	if len(p.body) == 0 || p.bodyReplaced() {
		p.body = nil
		p.header.Del("Content-Type")
	}

	k := newKeyWriter()
	p.bind(repl, k)
	cursors := plan.cursorParameters()
	k.add("url", strconv.FormatBool(p.https), p.method, p.host, p.path, dropQuery(p.query, cursors), p.original, dropQuery(p.originalQuery, cursors))
	k.add("body", string(p.body))
	var err error
	if p.open, err = p.step(anOpen, plan.open, r, repl, k); err != nil {
		return nil, err
	}
	if p.wait, err = p.step(aWait, plan.wait, r, repl, k); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(p.vars)) {
		k.add("var", name, fmt.Sprintf("%#v", p.vars[name])) // quoted: ["a b"] is not ["a", "b"]
	}
	for _, name := range slices.Sorted(maps.Keys(p.header)) {
		if name != "Cookie" {
			k.add("header", append([]string{name}, p.header[name]...)...)
		}
	}
	p.keys.shape = k.sum()
	k.add("cookie", p.header["Cookie"]...)
	p.keys.key = k.sum()
	return p, nil
}

// dropReplaced drops what edits delete or replace in every poll: it does not go upstream, so it
// must not divide a feed either. What an edit with a cursor writes stays, as the first poll has it.
func (p *pollRequest) dropReplaced() {
	for _, e := range p.plan.headerUp {
		if e.always() {
			p.header.Del(e.name)
		}
	}
	var names []string
	for _, e := range p.plan.query {
		if e.always() {
			names = append(names, e.name)
		}
	}
	p.query, p.originalQuery = dropQuery(p.query, names), dropQuery(p.originalQuery, names)
}

// bindMethod resolves the placeholders of the method.
func (p *pollRequest) bindMethod(repl *caddy.Replacer) error {
	if p.plan.method.IsZero() {
		return nil
	}
	p.method = strings.ToUpper(repl.ReplaceAll(p.plan.method.String(), ""))
	if !isToken(p.method) {
		return caddyhttp.Error(http.StatusBadRequest, fmt.Errorf("%q is not a method that a poll could have", p.method))
	}
	return nil
}

// bind resolves the client's placeholders, once: what they held is never expanded again. All
// that comes of it is part of the key.
func (p *pollRequest) bind(repl *caddy.Replacer, k *keyWriter) {
	keyed := func(resolve func(text, empty string) string) func(string) string {
		return func(text string) string {
			text = resolve(text, "")
			k.add("text", text)
			return text
		}
	}
	known := keyed(repl.ReplaceKnown)
	p.rewritePath = p.plan.rewritePath.Bind(keyed(escapingReplacer(repl, escapePath).ReplaceAll))
	p.rewriteQuery = p.plan.rewriteQuery.Bind(keyed(escapingReplacer(repl, url.QueryEscape).ReplaceAll))
	p.queryEdits = bindEdits(p.plan.query, known)
	p.headerEdits = bindEdits(p.plan.headerUp, known)
	p.bodyTemplate = p.plan.body.Bind(keyed(bodyReplacer(repl, p.plan.bodyType).ReplaceKnown))

	p.reader = p.plan.readerFor(known)
}

// readerFor returns the reader of a client's answers: that of all, unless a value holds one of the
// client's placeholders.
func (c *compiled) readerFor(resolve func(text string) string) *page.Reader {
	same := true
	known := func(text string) string {
		resolved := resolve(text)
		same = same && resolved == text
		return resolved
	}
	reading := c.page
	reading.ID, reading.Epoch = reading.ID.Bind(known), reading.Epoch.Bind(known)
	reading.Event, reading.Data = reading.Event.Bind(known), reading.Data.Bind(known)
	reading.RetryAfter = reading.RetryAfter.Bind(known)
	for _, conditions := range []*[]value.Condition{&reading.Ignore, &reading.More, &reading.Reset, &reading.End} {
		*conditions = slices.Clone(*conditions)
		for i, c := range *conditions {
			(*conditions)[i] = c.Bind(known)
		}
	}
	reading.Cursors = slices.Clone(reading.Cursors)
	for i, cursor := range reading.Cursors {
		values := slices.Clone(cursor.Values)
		for j := range values {
			values[j] = values[j].Bind(known)
		}
		reading.Cursors[i].Values = values
	}
	if same {
		return c.reader
	}
	return page.NewReader(reading)
}

func bindEdits(edits []compiledEdit, resolve func(string) string) []compiledEdit {
	bound := slices.Clone(edits)
	for i := range bound {
		bound[i].value = bound[i].value.Bind(resolve)
	}
	return bound
}

// bodyReplaced reports whether no poll has the client's own body.
func (p *pollRequest) bodyReplaced() bool {
	return !p.plan.body.IsZero() && len(p.plan.body.Cursors()) == 0
}

// readBody reads all of the client's body, also where polls have another: placeholders may
// hold it, and net/http notices that a client has gone only when its body has been read.
func (p *pollRequest) readBody(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1))
	if err != nil {
		return caddyhttp.Error(http.StatusBadRequest, fmt.Errorf("reading the request's body: %w", err))
	}
	if len(body) > maxRequestBody {
		return caddyhttp.Error(http.StatusRequestEntityTooLarge, errors.New("the request's body is larger than 1 MiB, which polls would repeat"))
	}
	p.body = body
	return nil
}

// pollHeader keeps what a poll may have of a client's header, and adds what a browser's AJAX
// library would: frameworks answer differently without it, and EventSource cannot send it.
func pollHeader(plan *compiled, client http.Header) http.Header {
	header := make(http.Header)
	for _, name := range []string{"Authorization", "Accept-Language", "Content-Type", "Cookie"} {
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

// keyWriter hashes fields with their lengths, so that no two lists of fields look alike.
type keyWriter struct{ h hash.Hash }

func newKeyWriter() *keyWriter { return &keyWriter{h: sha256.New()} }

func (k *keyWriter) add(kind string, fields ...string) {
	k.text(kind)
	k.length(len(fields))
	for _, f := range fields {
		k.text(f)
	}
}

func (k *keyWriter) text(s string) {
	k.length(len(s))
	k.h.Write([]byte(s))
}

func (k *keyWriter) length(n int) {
	k.h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func (k *keyWriter) sum() (key feedKey) {
	k.h.Sum(key[:0])
	return key
}
