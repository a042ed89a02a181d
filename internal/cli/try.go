package cli

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// reporter writes reports of polls.
type reporter interface {
	Write(*trial.Report) error
	// Waiting is called if the first answer takes long.
	Waiting(so time.Duration)
}

// silence is how long the command waits for the first answer before it prints something.
const silence = 2 * time.Second

// attempt is one client of a configuration that does not listen. Its request goes through the routes of the
// site, and its polls are reported.
type attempt struct {
	server  *caddyhttp.Server
	request *http.Request
	out     reporter
	polls   int // how many polls are made; 0: no limit
	judge   trial.Judge
	unsent  trial.Unsent
	secrets bool // secrets are not masked
	hidden  trial.Secrets
	seen    func(trial.Evidence) // is told what a poll, or the first of some records, has brought; nil: nobody asks

	mu        sync.Mutex
	asked     *upstream.Request // nil until a bridge is reached
	exchanges []exchanged       // of the poll under way
	told      chan struct{}     // closed with its report; nil without exchanges
	stream    streamed          // the answer that goes on
	reported  int
	warned    bool // the first report has what is to be said of the block
	failed    bool
	done      bool  // all polls that were wanted are reported
	err       error // of the reporter
	stop      context.CancelFunc
}

// errNoBridge means that a request reaches no sse_bridge.
var errNoBridge = errors.New("no sse_bridge answers a request for this URL")

// provisionServer sets a configuration up as `caddy validate` does, and returns its server of that name.
// Nothing listens, and nothing is logged.
func provisionServer(config []byte, name string) (*caddyhttp.Server, error) {
	var c caddy.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c.Logging = silent()
	ctx, err := caddy.ProvisionContext(&c)
	if err != nil {
		return nil, fmt.Errorf("setting up the configuration: %w", err)
	}
	app, err := ctx.App("http")
	if err != nil {
		return nil, fmt.Errorf("setting up the configuration: %w", err)
	}
	return app.(*caddyhttp.App).Servers[name], nil
}

// silent is a log that writes nothing, because the reports contain everything.
func silent() *caddy.Logging {
	return &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "FATAL"}}}}
}

// run is the client, until the context ends, the polls have been made, or the stream is over.
func (t *attempt) run(ctx context.Context) error {
	t.watch()
	return t.follow(ctx)
}

// watch has all polls reported. No bridge has a client yet.
func (t *attempt) watch() {
	for _, b := range bridge.All() {
		b.WatchBy(t)
	}
}

// follow is run after watch. It can be repeated when the stream was over.
func (t *attempt) follow(ctx context.Context) error {
	ctx, t.stop = context.WithCancel(ctx)
	defer t.stop()
	late := time.AfterFunc(silence, t.waiting)
	defer late.Stop()
	w := &unread{header: make(http.Header)}
	t.server.ServeHTTP(w, t.request.WithContext(ctx))
	t.settle(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil:
		return fmt.Errorf("writing the report of a poll: %w", t.err)
	case t.asked == nil && ctx.Err() == nil:
		answer := "no handler answered it"
		if w.status != 0 {
			answer = fmt.Sprintf("it was answered with status %d", w.status)
		}
		return fmt.Errorf("%w: %s. Compare it with the site's address and the matchers in the Caddyfile", errNoBridge, answer)
	}
	return nil
}

// settle waits for the report of an answer that has come: a refusal ends the stream before it is
// reported.
func (t *attempt) settle(ctx context.Context) {
	t.mu.Lock()
	told := t.told
	t.mu.Unlock()
	if told == nil {
		return
	}
	timer := time.NewTimer(silence)
	defer timer.Stop()
	select {
	case <-told:
	case <-timer.C: // the poll was abandoned
	case <-ctx.Done():
	}
}

// waiting reports that the first poll has not been answered yet, if that is so.
func (t *attempt) waiting() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reported == 0 && t.stream.number == 0 {
		t.out.Waiting(silence)
	}
}

// Through returns routes that note what goes through them.
func (t *attempt) Through(which upstream.Kind, routes caddyhttp.Handler) caddyhttp.Handler {
	return recorder{t, which, routes}
}

// withLogin takes the user and the password out of a URL, and returns header fields with them, as clients send them.
// An Authorization that is given goes first.
func withLogin(u *url.URL, header []string) []string {
	user := u.User
	u.User = nil
	if user == nil || slices.ContainsFunc(header, func(field string) bool {
		name, _, _ := strings.Cut(field, ":")
		return strings.EqualFold(strings.TrimSpace(name), "Authorization")
	}) {
		return header
	}
	password, _ := user.Password()
	return append(slices.Clone(header), "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
}

// tryRequest makes the request of an EventSource for a URL, with header fields of the form
// "Name: value".
func tryRequest(u *url.URL, header []string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodGet, u.String(), nil) //nolint:noctx // it gets a context when it is served
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	for _, field := range header {
		name, text, ok := strings.Cut(field, ":")
		if name = strings.TrimSpace(name); !ok || !config.IsToken(name) {
			return nil, fmt.Errorf("-H: %q is not a header field such as 'Cookie: sid=42'", field)
		}
		if strings.EqualFold(name, "Host") {
			r.Host = strings.TrimSpace(text)
			continue
		}
		r.Header.Add(name, strings.TrimSpace(text))
	}
	r.Header.Set("Accept", "text/event-stream")
	r.RemoteAddr, r.RequestURI = "127.0.0.1:0", u.RequestURI()
	if u.Scheme == "https" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: u.Hostname()}
	}
	return r, nil
}

// unread is an answer that nobody reads.
type unread struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (w *unread) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *unread) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *unread) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

// FlushError lets the stream flush, which does nothing here.
func (w *unread) FlushError() error { return nil }

// recorder notes requests to an upstream, and their answers.
type recorder struct {
	attempt *attempt
	which   upstream.Kind
	next    caddyhttp.Handler
}

// ServeHTTP implements caddyhttp.Handler.
func (rec recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("reading the poll's body: %w", err)
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	e, answer := exchanged{which: rec.which, asked: r.Clone(context.WithoutCancel(r.Context())), body: body, sent: time.Now()}, w.(*upstream.Answer)
	rec.attempt.sent(e)
	err = errBrokenOff
	defer func() { // a handler may panic to abort its answer
		if answer.GoesOn() {
			return // its head has been noted
		}
		e.answered(answer, err)
		rec.attempt.note(e)
	}()
	if err = rec.next.ServeHTTP(w, r); err == nil && r.Context().Err() != nil { // the bridge has ended the answer
		err = context.Cause(r.Context())
	}
	return err
}

// errBrokenOff is the error of an answer whose handler does not return.
var errBrokenOff = errors.New("the upstream broke off its answer")

// Interface guards
var (
	_ http.ResponseWriter = (*unread)(nil)
	_ caddyhttp.Handler   = recorder{}
)
