package clients

import (
	"context"
	"encoding/json"
	"errors"
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
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
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
	query  string // lastEventId
	status int    // 0 while there is no answer
}

// visits are the requests for each path.
var visits struct {
	mu   sync.Mutex
	to   map[string][]*contact
	away map[string]bool // the next one is answered as by a proxy in front of a Caddy that is not there
}

func (witness) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.witness", New: func() caddy.Module { return new(witness) }}
}

func (witness) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	v := &contact{at: time.Now(), proto: r.Proto, id: r.Header.Get("Last-Event-ID"), query: r.URL.Query().Get("lastEventId")}
	visits.mu.Lock()
	visits.to[r.URL.Path] = append(visits.to[r.URL.Path], v)
	away := visits.away[r.URL.Path]
	delete(visits.away, r.URL.Path)
	visits.mu.Unlock()
	if away {
		w.WriteHeader(http.StatusBadGateway)
		return nil
	}
	err := next.ServeHTTP(&witnessWriter{&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, v}, r)
	if refusal := (caddyhttp.HandlerError{}); errors.As(err, &refusal) { // which Caddy answers later
		visits.mu.Lock()
		v.status = refusal.StatusCode
		visits.mu.Unlock()
	}
	return err
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

// Clients come back from a cut of a stream below /fast after 40 to 60 ms, of one below /slow after 4.8 to 7.2 s, and of one below /slower
// after 16 to 24 s. Streams below /alive say by events that they live. Those below /busy are turned away but for one, which is there from
// the start. Keep-alive comments are sent as often as can be.
//
// Streams below /fast are divided among several bridges, since one with twenty streams that end together has their clients come back over a longer time.
const clientSiteFile = `{
	admin off
	persist_config off
	local_certs
	skip_install_trust
	auto_https disable_redirects
	storage file_system %[1]s
}
(fast) {
	sse_bridge /fast/{args[0]}/* %[4]s {
		import bridge
		retry 50ms
		name fast{args[0]}
	}
}
(datastar) {
	long_poll
	items messages
	id id
	end done
	query lastId {sse.cursor}
	query -datastar
	keepalive 1s
	event =datastar-merge-fragments
	data <<EVENT
		selector #messages
		mergeMode append
		fragments <li data-type="{sse.item.kind|@html}" data-id="{sse.item.id|@html}">{sse.item.text|@html}</li>
		EVENT
}
http://%[2]s, https://%[3]s, https://%[5]s {
	@pages path /page /npm/*
	route @pages {
		reverse_proxy %[4]s
	}
	witness
	import fast 0
	import fast 1
	import fast 2
	sse_bridge /slow/* %[4]s {
		import bridge
		retry 6s
	}
	sse_bridge /slower/* %[4]s {
		import bridge
		retry 20s
	}
	sse_bridge /alive/fast/* %[4]s {
		import bridge alive
		retry 50ms
	}
	sse_bridge /alive/slow/* %[4]s {
		import bridge alive
		retry 6s
	}
	sse_bridge /alive/slower/* %[4]s {
		import bridge alive
		retry 20s
	}
	sse_bridge /datastar/fast/* %[4]s {
		import datastar
		retry 50ms
	}
	sse_bridge /datastar/slow/* %[4]s {
		import datastar
		retry 6s
	}
	sse_bridge /datastar/slower/* %[4]s {
		import datastar
		retry 20s
	}
	sse_bridge /busy/* %[4]s {
		import bridge
		retry 600ms
		limits {
			clients 1
		}
	}
}
`

// Prefixes of streams of their own kind: those that say by events that they live, and those that have events as Datastar takes them.
const (
	alive    = "/alive"
	datastar = "/datastar"
)

// bridges are those of the streams below /fast.
const bridges = 3

const clientSiteBridge = `long_poll
		items messages
		id id
		event kind
		data text
		end done
		query lastId {sse.cursor}
		keepalive 1s
		notices end`

func newClientSite(t *testing.T) *clientSite {
	t.Helper()
	storage := t.TempDir()
	s := &clientSite{
		plain: testport.Free(t), secure: testport.Free(t), talks: make(map[string]*talk),
		authority: filepath.Join(storage, "pki", "authorities", "local", "root.crt"),
	}
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/page":
			servePage(w, r)
			return
		case strings.HasPrefix(r.URL.Path, "/npm/"):
			serveNPM(w, r)
			return
		}
		s.mu.Lock()
		talk := s.talks[r.URL.Path]
		s.mu.Unlock()
		talk.ServeHTTP(w, r)
	})
	visits.mu.Lock()
	visits.to, visits.away = make(map[string][]*contact), make(map[string]bool)
	visits.mu.Unlock()
	file := strings.ReplaceAll(clientSiteFile, "import bridge", clientSiteBridge)
	testsite.Run(t, fmt.Sprintf(file, storage, s.plain, s.secure, addr, byName(s.secure)))
	client, end, err := target{authority: s.authority}.httpClient()
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	for _, addr := range []string{s.secure, byName(s.secure)} {
		testsite.Eventually(t, "the certificate", func() bool {
			resp, err := client.Get("https://" + addr + "/page")
			if err == nil {
				resp.Body.Close()
			}
			return err == nil
		})
	}
	const occupied = "/busy/occupied"
	s.mu.Lock()
	s.talks[occupied] = &talk{wake: make(chan struct{})}
	s.mu.Unlock()
	testsite.Subscribe(t, "http://"+s.plain+occupied).HasComment("")
	return s
}

// byName returns a URL or an address with the name of this host in the place of its IP address.
func byName(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }

// tryout is one client that follows a talk over a wire of its own.
type tryout struct {
	t    *testing.T
	talk *talk
	wire *testsite.Wire
	path string

	mu    sync.Mutex
	alone bool // the client is one that knows only HTTP
	got   []seen
	ended error // why the client has given up, or nil
}

// newTrial makes a talk, of the pace "fast", "slow", "slower" or "busy", without a client. It is for one client, which is told that its
// stream lives if it wants to know.
func (s *clientSite) newTrial(t *testing.T, p program, pace string, secure bool) *tryout {
	t.Helper()
	addr, scheme := s.plain, "http"
	if secure {
		addr, scheme = s.secure, "https"
	}
	tr := &tryout{t: t, talk: &talk{wake: make(chan struct{})}, wire: testsite.NewWire(t, addr)}
	tr.wire.URL = scheme + strings.TrimPrefix(tr.wire.URL, "http")
	s.mu.Lock()
	tr.path = fmt.Sprintf("/%s/%d/%d", pace, len(s.talks)%bridges, len(s.talks))
	if p.prefix != "" && pace != "busy" {
		tr.path = fmt.Sprintf("%s/%s/%d", p.prefix, pace, len(s.talks))
	}
	s.talks[tr.path] = tr.talk
	s.mu.Unlock()
	return tr
}

// follow has the client follow the talk until the test ends. It waits until the client has come, so that no trial waits for its start: dozens of
// clients that start at once need the whole processor, some for seconds each.
func (tr *tryout) follow(p program, query string, to target) {
	tr.t.Helper()
	came := len(tr.visits())
	to.url = tr.wire.URL + tr.path + query
	tr.alone = p.family == httpClients
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
	if !testsite.Within(startPatience, func() bool { return len(tr.visits()) > came || tr.hasEnded() }) {
		tr.t.Fatalf("the client has not come in %s", startPatience)
	}
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

// stopped says how a client has given up. One that knows only HTTP ends in any case; what counts is whether it tells that the stream has not.
func (tr *tryout) stopped() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	switch {
	case !tr.alone:
		return "stops"
	case errors.Is(tr.ended, io.EOF):
		return "ends"
	default:
		return "error"
	}
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

// comesBack is what a client does that makes another request.
const comesBack = "comes back"

// does reports what the client does within a time: comes for the nth time, stops, or nothing but wait.
func (tr *tryout) does(n int, within time.Duration) string {
	what := "waits"
	testsite.Within(within, func() bool {
		switch {
		case len(tr.visits()) >= n:
			what = comesBack
		case tr.hasEnded():
			what = tr.stopped()
		default:
			return false
		}
		return true
	})
	return what
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

// hasAll waits until the client has all that was said, and checks that it is that and no more.
func (tr *tryout) hasAll() {
	tr.t.Helper()
	tr.has(len(tr.talk.said))
	if got := tr.events(); !slices.Equal(got, tr.talk.said) {
		tr.t.Errorf("got %q,\nwant %q", got, tr.talk.said)
	}
}

// cut cuts the wire, and returns what the client does, and if it comes back, after how long.
func (tr *tryout) cut() (time.Duration, string) {
	tr.t.Helper()
	n, at := len(tr.visits()), time.Now()
	tr.wire.Cut()
	what := tr.does(n+1, testsite.Patience/2)
	if what != comesBack {
		return 0, what
	}
	return tr.visits()[n].at.Sub(at), what
}
