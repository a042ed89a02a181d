package suggest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// patience is how long the first answer is waited for: the endpoint may hold it until there is news.
const patience = time.Minute

// findings are what is known of an endpoint after its first answer.
type findings struct {
	*Endpoint
	first      reply
	answered   time.Time  // when that had come
	askedFirst int        // how many requests there were until then
	late       bool       // an answer before it was slow
	leftOut    string     // the parameter of the URL without which it was asked; empty for none
	found      page.Found // read as its format says
	list       *list      // nil where there is none
	readings   []reading  // the first answer and those after it; empty until it is read again

	notModified bool     // what has not changed costs a 304
	placed      cursor   // that goes back to the endpoint
	untrusted   bool     // it has a certificate that is not trusted
	ownFields   []string // header fields that the block gets by itself
}

// look gets the first answer. One that has nothing in it since the URL asks for what is new is asked for once
// more without that.
func (f *findings) look(ctx context.Context) error {
	name := f.position()
	if name == "" {
		return f.lookAt(ctx, patience, "")
	}
	if err := f.lookAt(ctx, f.Hold, ""); err != nil || f.first.goesOn || f.list != nil {
		return err
	}
	with := f.first
	if err := f.lookAt(ctx, f.Hold, name); err != nil || f.first.goesOn || f.list != nil {
		return err
	}
	if with.held {
		return f.lookAt(ctx, patience, "")
	}
	f.first, f.leftOut = with, ""
	f.read()
	return nil
}

// lookAt gets the answer without a parameter; all of it where that is empty.
func (f *findings) lookAt(ctx context.Context, within time.Duration, without string) (err error) {
	f.leftOut = without
	f.first, err = f.listen(ctx, within, without, "")
	if f.answered, f.askedFirst = time.Now(), f.asked; err == nil && !f.first.goesOn {
		f.read()
	}
	return err
}

// lookAgain asks again where the first answer was slow. An endpoint that holds requests holds one of the next two as well, or a later one
// if several news came at once; one that was only busy answers all at once, and is judged by that.
func (f *findings) lookAgain(ctx context.Context) error {
	if f.first.held || !f.slow(f.first) || f.counts() {
		return nil
	}
	before := *f
	f.late = true
	for range 2 {
		err := f.lookAt(ctx, f.Hold, f.leftOut)
		if err != nil || f.slow(f.first) || f.first.goesOn || f.first.Status != before.first.Status {
			*f = before
			return err
		}
	}
	return nil
}

// unanswered says what to do where no answer came.
func (f *findings) unanswered(err error) string {
	hint := trial.Hint(trial.Evidence{Err: err})
	if f.untrusted {
		hint += "; or add --insecure, for a block that takes any certificate"
	}
	return hint
}

// distrusted reports whether an error says that the endpoint's certificate is not trusted, where the protocol is
// known by the URL all the same.
func (f *findings) distrusted(err error) bool {
	failed := (*tls.CertificateVerificationError)(nil)
	f.untrusted = errors.As(err, &failed)
	return f.untrusted && f.protocol() != nil
}

// block makes the block: of a protocol that is known by its marks, of a list, or of a document.
func (f *findings) block(ctx context.Context) (*Block, error) {
	b := newBlock(f.Endpoint)
	if known := f.protocol(); known != nil {
		b.Notes = append(b.Notes, "it looks like "+known.name)
		known.write(f, b)
		f.public(b)
		return b, nil
	}
	if f.first.goesOn {
		return b, f.streamBlock(ctx, b)
	}
	return b, f.answerBlock(ctx, b)
}

// protocol returns the protocol that the endpoint is known to have; nil for none.
func (f *findings) protocol() *protocol {
	for i := range protocols {
		if protocols[i].is(f) {
			return &protocols[i]
		}
	}
	return nil
}

// usable reports why nothing can be made of the first answer.
func (f *findings) usable() error {
	a := f.first
	if a.Status != http.StatusUnauthorized && a.Status != http.StatusForbidden && a.Status/100 != 2 && f.protocol() != nil {
		return nil // it wants another method
	}
	if a.held || a.quiet() || a.Status/100 == 2 && !isLogin(f) || a.Header.Get("X-Consul-Index") != "" {
		return nil
	}
	err := fmt.Errorf("the endpoint answers with status %d", a.Status)
	if f.Body == "" && (a.Status == http.StatusMethodNotAllowed || a.Status/100 == 4 && gjson.GetBytes(f.found.Body, "jsonrpc").Exists()) {
		return fmt.Errorf(`%w: it wants another method%s. Add --method POST, and the body that the page sends: --body '…'. A call of JSON-RPC is --body '{"jsonrpc":"2.0","id":1,"method":"…"}'`, err, allowed(a.Header))
	}
	if a.Status/100 == 2 {
		err = errors.New("the endpoint answers with an HTML page")
	}
	return withHint(err, trial.Hint(trial.Evidence{Document: true, Answer: &a.Response, Found: f.found, Err: err}))
}

func allowed(header http.Header) string {
	if allow := header.Get("Allow"); allow != "" {
		return " (" + allow + ")"
	}
	return ""
}

// password finds the field of a page by which one logs in.
var password = regexp.MustCompile(`(?is)<html.*<input[^>]+type=["']?password`)

func isLogin(f *findings) bool { return f.found.Nature == "HTML" && password.Match(f.first.Body) }

func withHint(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, hint)
}

// public keeps cookies away from an endpoint that has answered without any.
func (f *findings) public(b *Block) {
	own := func(name string) bool { return f.Header.Get(name) != "" && !slices.Contains(f.Ours, name) }
	if !own("Cookie") && f.first.Status/100 == 2 {
		b.add("visitors' cookies are not sent: it answers without any, so all can share its polls. Delete this line if the answer depends on the visitor", "cookies")
	}
	if own("Authorization") {
		b.Notes = append(b.Notes, "each client sends its own Authorization; to poll with one of Caddy's: header_up Authorization {env.…}")
	}
	f.fields(b)
	f.posted(b)
}

// posted writes which request a poll is, if it is no GET.
func (f *findings) posted(b *Block) {
	if b.has("method") {
		return
	}
	if f.method() != http.MethodGet {
		b.add("polls are requests like the one that was tried", "method", f.method())
	}
	if f.Body == "" {
		return
	}
	body, ok := literal(f.Body, f.contentType())
	if !ok {
		b.Notes = append(b.Notes, "something in braces in the body would be a placeholder of Caddy: write it in another way")
	}
	text, variables := withoutSecrets(body)
	if _, with, ok := inBody(text, f.placed.name); ok {
		text = with(f.placed.sent())
	}
	why := "what it was asked with"
	if len(variables) > 0 {
		why += "; pass its secrets to Caddy in its environment: " + strings.Join(variables, ", ")
	}
	kind := ""
	if f.Type != "" || f.contentType() == "application/json" && !strings.HasPrefix(text, `{"`) && !strings.HasPrefix(text, "[") {
		kind = f.contentType()
	}
	b.add(why, "body", text, kind)
}

// send writes how a position goes back to the endpoint. In a body, it stands there already.
func (f *findings) send(b *Block, c *cursor) {
	if _, _, ok := inBody(f.Body, c.name); ok {
		for i := range b.Lines {
			if strings.HasPrefix(b.Lines[i].Text, "body ") {
				b.Lines[i].Why += "; " + c.why
			}
		}
		return
	}
	b.add(c.why, "query", c.name, c.sent())
}

// ownHost names the endpoint's own host for polls, where it answers no other: those of clients ask for the site.
func (f *findings) ownHost(ctx context.Context, b *Block) error {
	e := f.Endpoint
	if e.Host != "" && e.Host != e.URL.Host || e.URL.Scheme != "http" || len(b.Upstream) != 1 || f.first.Status/100 != 2 || f.first.goesOn || f.slow(f.first) || f.counts() {
		return nil
	}
	given := e.Host
	e.Host = "sse-bridge.invalid:1" // some know a name, and look at the port
	a, err := f.ask(ctx, f.Hold, f.leftOut, "")
	if e.Host = given; err != nil || a.held || a.Status/100 == 2 || a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
		return err
	}
	b.upstream(e, true)
	b.Notes = append(b.Notes, fmt.Sprintf("it answers with status %d if the Host of a request is another one than its own: so `header_up` sets the Host of polls", a.Status))
	return nil
}

// pace writes how often the endpoint is asked.
func (f *findings) pace(b *Block, holds bool) {
	h := f.first.Header
	every, err := strconv.Atoi(h.Get("X-Poll-Interval"))
	switch {
	case holds:
		b.add("it held a request for which there was no news", "long_poll")
	case err == nil && every > 0:
		b.add("what its X-Poll-Interval asks for", "interval", fmt.Sprintf("%ds", every))
	case slices.Equal(f.formatWords(), []string{"feed"}):
		b.add("feeds change seldom: every minute, and every ten while nothing happens", "interval", "1m", "10m")
	default:
		b.add("it answers at once: every 2s, and every 10s while nothing happens", "interval", "2s", "10s")
	}
}

func (f *findings) formatWords() []string {
	if f.list == nil {
		return nil
	}
	return f.list.format
}

// format writes the format, where JSON is not what the answer is.
func (f *findings) format(b *Block) {
	if words := f.formatWords(); words != nil {
		b.add("the answer is "+map[string]string{
			"feed": "a feed (RSS, Atom or JSON Feed): each entry is an event", "xml": "XML, which is read like JSON",
			"csv": "a table: each row is an item", "lines": "lines of JSON: each is an item",
		}[words[0]], append([]string{"format"}, words...)...)
	}
}
