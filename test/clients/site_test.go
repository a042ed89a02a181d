package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func init() {
	caddy.RegisterModule(witness{})
	httpcaddyfile.RegisterHandlerDirective("witness", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		return witness{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("witness", httpcaddyfile.Before, "encode")
}

// witness is a handler that lets its request pass and keeps what it saw of it.
type witness struct{}

// contact is one request of a client.
type contact struct {
	at     time.Time
	proto  string
	id     string // Last-Event-ID, in the header alone
	status int    // 0 while there is no answer
}

// visits are the requests for each path.
var visits struct {
	mu sync.Mutex
	to map[string][]*contact
}

func (witness) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.witness", New: func() caddy.Module { return new(witness) }}
}

func (witness) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	v := &contact{at: time.Now(), proto: r.Proto, id: r.Header.Get("Last-Event-ID")}
	visits.mu.Lock()
	visits.to[r.URL.Path] = append(visits.to[r.URL.Path], v)
	visits.mu.Unlock()
	return next.ServeHTTP(&witnessWriter{&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, v}, r)
}

type witnessWriter struct {
	*caddyhttp.ResponseWriterWrapper
	visit *contact
}

func (w *witnessWriter) WriteHeader(status int) {
	visits.mu.Lock()
	w.visit.status = status
	visits.mu.Unlock()
	w.ResponseWriterWrapper.WriteHeader(status)
}

// talk is what the legacy backend of one trial says.
type talk struct {
	mu     sync.Mutex
	said   []seen
	wake   chan struct{}
	done   bool // nothing will follow
	refuse bool
}

// say lets events with running numbers be said, and done as the last of them.
func (r *talk) say(done bool, events ...seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		e.ID = strconv.Itoa(len(r.said) + 1)
		r.said = append(r.said, e)
	}
	r.done = done
	close(r.wake)
	r.wake = make(chan struct{})
}

func (r *talk) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	type item struct {
		ID   int    `json:"id"`
		Kind string `json:"kind"`
		Text string `json:"text"`
	}
	since, _ := strconv.Atoi(request.URL.Query().Get("lastId"))
	for {
		r.mu.Lock()
		said, done, refuse, wake := r.said[min(since, len(r.said)):], r.done, r.refuse, r.wake
		r.mu.Unlock()
		if refuse {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if len(said) > 0 || done {
			items := make([]item, len(said))
			for i, e := range said {
				items[i] = item{since + i + 1, e.Type, e.Data}
			}
			json.NewEncoder(w).Encode(map[string]any{"messages": items, "done": done})
			return
		}
		select {
		case <-wake:
		case <-request.Context().Done():
			return
		}
	}
}

// clientSite is a Caddy in front of talks, over HTTP and over HTTPS.
type clientSite struct {
	plain, secure string // addresses
	authority     string // the file of the certificate's authority

	mu    sync.Mutex
	talks map[string]*talk
}

// Clients come back from a cut of a stream below /fast after 40 to 60 ms, and of one below /slow after
// 4.8 to 7.2 s. Keep-alive comments are sent as often as can be.
const clientSiteFile = `{
	admin off
	persist_config off
	local_certs
	skip_install_trust
	auto_https disable_redirects
	storage file_system %[1]s
}
http://%[2]s, https://%[3]s {
	route /page {
		reverse_proxy %[4]s
	}
	witness
	sse_bridge /fast/* %[4]s {
		import bridge
		retry 50ms
	}
	sse_bridge /slow/* %[4]s {
		import bridge
		retry 6s
	}
}
`

const clientSiteBridge = `long_poll
		items messages
		id id
		event kind
		data text
		end done
		query lastId {sse.cursor}
		keepalive 1s`

func newClientSite(t *testing.T) *clientSite {
	t.Helper()
	storage := t.TempDir()
	s := &clientSite{
		plain: testsite.FreeAddr(t), secure: testsite.FreeAddr(t), talks: make(map[string]*talk),
		authority: filepath.Join(storage, "pki", "authorities", "local", "root.crt"),
	}
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, followPage)
			return
		}
		s.mu.Lock()
		talk := s.talks[r.URL.Path]
		s.mu.Unlock()
		talk.ServeHTTP(w, r)
	})
	visits.mu.Lock()
	visits.to = make(map[string][]*contact)
	visits.mu.Unlock()
	file := strings.ReplaceAll(clientSiteFile, "import bridge", clientSiteBridge)
	testsite.Run(t, fmt.Sprintf(file, storage, s.plain, s.secure, addr))
	client, end, err := target{authority: s.authority}.httpClient()
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	testsite.Eventually(t, "the certificate", func() bool {
		resp, err := client.Get("https://" + s.secure + "/page")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	return s
}

// tryout is one client that follows a talk over a wire of its own.
type tryout struct {
	t    *testing.T
	talk *talk
	wire *testsite.Wire
	path string

	mu    sync.Mutex
	got   []seen
	ended error // why the client has given up, or nil
}

// newTrial makes a talk, of the pace "fast" or "slow", without a client.
func (s *clientSite) newTrial(t *testing.T, pace string, secure bool) *tryout {
	t.Helper()
	addr, scheme := s.plain, "http"
	if secure {
		addr, scheme = s.secure, "https"
	}
	tr := &tryout{t: t, talk: &talk{wake: make(chan struct{})}, wire: testsite.NewWire(t, addr)}
	tr.wire.URL = scheme + strings.TrimPrefix(tr.wire.URL, "http")
	s.mu.Lock()
	tr.path = fmt.Sprintf("/%s/%d", pace, len(s.talks))
	s.talks[tr.path] = tr.talk
	s.mu.Unlock()
	return tr
}

// follow has the client follow the talk until the test ends.
func (tr *tryout) follow(p program, query string, to target) {
	to.url = tr.wire.URL + tr.path + query
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := p.follow(ctx, to, func(e seen) {
			if e.Type == "" {
				e.Type = "message"
			}
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.got = append(tr.got, e)
		})
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if tr.ended = err; err == nil {
			tr.ended = io.EOF
		}
	}()
	tr.t.Cleanup(func() {
		cancel()
		<-done
		if tr.t.Failed() {
			tr.t.Logf("%s: %.300v, got %q", tr.path, tr.ended, tr.got)
			for _, v := range tr.visits() {
				tr.t.Logf("%+v", v)
			}
		}
	})
}

// events returns what the client has got, without the empty events that a client has made itself.
func (tr *tryout) events() []seen {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(tr.got), func(e seen) bool { return e.Data == "" })
}

func (tr *tryout) hasEnded() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.ended != nil
}

func (tr *tryout) visits() (list []contact) {
	visits.mu.Lock()
	defer visits.mu.Unlock()
	for _, v := range visits.to[tr.path] {
		list = append(list, *v)
	}
	return list
}

// comes waits until the client has come for the nth time, and reports whether it has; the
// other case is that it has given up.
func (tr *tryout) comes(n int) bool {
	tr.t.Helper()
	testsite.Eventually(tr.t, fmt.Sprintf("request %d, or the client to give up", n), func() bool {
		return len(tr.visits()) >= n || tr.hasEnded()
	})
	return len(tr.visits()) >= n
}

// opened waits until the client's nth request has an answer.
func (tr *tryout) opened(n int) {
	tr.t.Helper()
	testsite.Eventually(tr.t, fmt.Sprintf("an answer to request %d", n), func() bool {
		list := tr.visits()
		return len(list) >= n && list[n-1].status == http.StatusOK
	})
}

func (tr *tryout) say(texts ...string) {
	for _, text := range texts {
		tr.talk.say(false, seen{Type: "message", Data: text})
	}
}

// has waits until the client has n events.
func (tr *tryout) has(n int) {
	tr.t.Helper()
	testsite.Eventually(tr.t, fmt.Sprintf("event %d", n), func() bool { return len(tr.events()) >= n })
}

// cut cuts the wire and returns after how long the client came back, or false if it has given up.
func (tr *tryout) cut() (time.Duration, bool) {
	tr.t.Helper()
	n, at := len(tr.visits()), time.Now()
	tr.wire.Cut()
	if !tr.comes(n + 1) {
		return 0, false
	}
	return tr.visits()[n].at.Sub(at), true
}
