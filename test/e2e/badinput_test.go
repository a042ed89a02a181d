package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func init() {
	caddy.RegisterModule(panicky{})
	httpcaddyfile.RegisterHandlerDirective("test_panic", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		h.Next()
		if h.NextArg() {
			return panicky{Mode: h.Val()}, nil
		}
		return panicky{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("test_panic", httpcaddyfile.Before, "respond")
}

// panics is whether upstreams with test_panic do.
var panics atomic.Bool

// panicky is an upstream handler that does not end its answers: it panics by a mistake, or to
// abort as reverse_proxy does, or returns.
type panicky struct {
	Mode string `json:"mode,omitempty"`
}

func (panicky) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_panic", New: func() caddy.Module { return new(panicky) }}
}

func (p panicky) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if !panics.Load() {
		return next.ServeHTTP(w, r)
	}
	w.Header().Set("Content-Length", "100")
	io.WriteString(w, `{"messages":[{"id":9,"text":"x"}]}`)
	switch p.Mode {
	case "abort":
		panic(http.ErrAbortHandler)
	case "return":
		return nil
	}
	panic("a mistake")
}

// logged is what a run of Caddy has logged.
type logged struct{ file string }

// global returns the global options of a Caddyfile that logs to a file of the test.
func global(t *testing.T, more ...string) (*logged, string) {
	l := &logged{filepath.Join(t.TempDir(), "log")}
	return l, "{\n\tadmin off\n\tpersist_config off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n\tstorage file_system " + t.TempDir() +
		"\n\tlog {\n\t\toutput file " + l.file + "\n\t\tformat json\n\t}\n" + strings.Join(more, "\n") + "\n}\n"
}

// lines returns the messages of a level of one feed, by its path.
func (l *logged) lines(t *testing.T, level, path string) (messages []string) {
	t.Helper()
	content, err := os.ReadFile(l.file)
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		var line struct{ Level, Path, Msg, Error, State string }
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Level == level && line.Path == path {
			messages = append(messages, line.Msg+": "+line.Error)
		}
	}
	return messages
}

// bad is what a backend does instead of answering.
type bad struct {
	name    string
	answer  http.HandlerFunc // nil: the connection is refused, or the upstream panics
	comment string
	reason  string // which the log names
	lines   []string
}

func writes(header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if name, text, found := strings.Cut(header, ": "); found {
			w.Header().Set(name, text)
		}
		io.WriteString(w, body)
	}
}

// hijacked writes raw bytes and closes the connection.
func hijacked(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, raw)
		conn.Close()
	}
}

// unpacked lets reverse_proxy ask for gzip and unpack it, which the bridge does by itself.
var unpacked = []string{"request_header -Accept-Encoding"}

// emptyGzip answers with a cursor, and none of the 18 bytes that a gzip has at least.
func emptyGzip(encoding string, flush bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", encoding)
		w.Header().Set("X-Next", "9")
		if flush {
			w.(http.Flusher).Flush() // in chunks, of which there is none
		} else {
			w.Header().Set("Content-Length", "0")
		}
	}
}

var badInput = []bad{
	{"over the limit", writes("", `{"messages":["`+strings.Repeat("a", 2000)+`"]}`), page.Unreadable, "larger than", nil},
	{"gzip bomb", writes("Content-Encoding: gzip", string(testsite.Gzipped(strings.Repeat(" ", 1<<16)))), page.Unreadable, "larger than", nil},
	{"gzip bomb that the proxy unpacks", writes("Content-Encoding: gzip", string(testsite.Gzipped(strings.Repeat(" ", 1<<20)))), page.Unreadable, "larger than", unpacked},
	{"broken gzip", writes("Content-Encoding: gzip", string(testsite.Gzipped("{}")[:15])), page.Unreadable, "gzip", nil},
	{"gzip without its end", writes("Content-Encoding: gzip", string(testsite.Gzipped("{}")[:18])), page.Unreadable, "gzip", nil},
	{"gzip that is broken off", writes("Content-Encoding: gzip", string(testsite.Gzipped("{}")[:5])), page.Unreadable, "gzip", nil},
	{"gzip with something behind it", writes("Content-Encoding: gzip", string(testsite.Gzipped("{}"))+"xx"), page.Unreadable, "gzip", nil},
	{"empty gzip", emptyGzip("gzip", false), page.Unreadable, "gzip", nil},
	{"empty gzip in chunks", emptyGzip("GZIP", true), page.Unreadable, "gzip", nil},
	{"empty deflate", emptyGzip("deflate", true), page.Unreadable, `"deflate"`, nil},
	{"gzip twice", emptyGzip("gzip, gzip", true), page.Unreadable, `"gzip, gzip"`, nil},
	{"encoding that is not known", writes("Content-Encoding: br", "abc"), page.Unreadable, `"br"`, nil},
	{"truncated JSON", writes("Content-Type: application/json", `{"messages":[{"id":9,"text":"x"}`), page.Unreadable, "JSON that ends early", nil},
	{"HTML for JSON", writes("Content-Type: application/json", "<html>secret</html>"), page.Unreadable, "HTML where JSON was expected", nil},
	{"login page", writes("Content-Type: text/html", "<!DOCTYPE html><title>Log in</title>"), page.Unreadable, "HTML where JSON was expected", nil},
	{"invalid UTF-8", writes("", "\xff\xfe\xff{\"messages\":[]"), page.Unreadable, "JSON was expected", nil},
	{"503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "status 503", "", nil},
	{"404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "upstream refuses", "404", nil},
	{"closes at once", hijacked(""), page.Unreachable, "", nil},
	{"closes early", hijacked("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"messages\":[{\"id\":9,\"text\":\"x\"}]}"), page.Unreachable, "", nil},
	{"closes before the body", hijacked("HTTP/1.1 200 OK\r\nX-Next: 9\r\nContent-Length: 100\r\n\r\n"), page.Unreachable, "", nil},
	{"closes before the gzip", hijacked("HTTP/1.1 200 OK\r\nX-Next: 9\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n"), page.Unreachable, "", nil},
	{"breaks off before chunks", hijacked("HTTP/1.1 200 OK\r\nX-Next: 9\r\nTransfer-Encoding: chunked\r\n\r\n"), page.Unreachable, "", nil},
	{"breaks chunks off", hijacked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":"), page.Unreachable, "", nil},
	{"is no HTTP", hijacked("SSH-2.0-OpenSSH_9.2\r\n"), page.Unreachable, "", nil},
	{"never answers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, page.Late, "none within 4s", []string{"timeout 4s"}},
	{"refuses connections", nil, page.Unreachable, "refused", nil},
	{"aborts", nil, page.Unreachable, "broke off its answer", []string{"test_panic abort"}},
	{"ends early", nil, page.Unreachable, "ended after 34 of 100 bytes", []string{"test_panic return"}},
	{"panics", nil, page.Unreachable, "panicked: a mistake", []string{"test_panic"}},
}

// sometimes is a backend in front of a chat that is bad for a while.
type sometimes struct {
	chat   *testsite.Chat
	answer atomic.Pointer[http.HandlerFunc]
	polls  atomic.Int32 // while it is bad
}

func (s *sometimes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if answer := s.answer.Load(); answer != nil {
		s.polls.Add(1)
		(*answer)(w, r)
		return
	}
	s.chat.ServeHTTP(w, r)
}

// A backend that is bad for two polls or more costs its clients nothing but time.
func TestBadInputLosesNothing(t *testing.T) {
	log, options := global(t)
	backends := make([]*sometimes, len(badInput))
	servers := make([]*restartable, len(badInput))
	var blocks strings.Builder
	for i, b := range badInput {
		backends[i] = &sometimes{chat: testsite.NewChat(0)}
		backends[i].chat.Say("one")
		servers[i] = newRestartable(t, backends[i])
		var line, handler string
		for _, l := range b.lines {
			if strings.HasPrefix(l, "test_panic") || strings.HasPrefix(l, "request_header") {
				handler = l
			} else {
				line = l
			}
		}
		fmt.Fprintf(&blocks, "\tsse_bridge /%d {\n\t\tinterval 50ms\n\t\titems messages\n\t\tid id\n\t\tdata text\n\t\tquery lastId {sse.cursor}\n\t\t%s\n\t\tlimits {\n\t\t\tresponse 1KiB\n\t\t}\n"+
			"\t\tupstream {\n\t\t\t%s\n\t\t\treverse_proxy %s\n\t\t}\n\t}\n", i, line, handler, servers[i].addr)
	}
	s := testsite.Run(t, options+"{{site}} {\n"+blocks.String()+"}\n")
	panics.Store(false)
	streams := make([]*testsite.Subscription, len(badInput))
	for i := range badInput {
		streams[i] = testsite.Subscribe(t, s.URL+"/"+strconv.Itoa(i))
		streams[i].Want("one|1")
	}
	for i, b := range badInput {
		switch {
		case b.answer != nil:
			backends[i].answer.Store(&b.answer)
		case b.lines == nil:
			servers[i].stop()
		}
		backends[i].chat.Say("two", "three")
	}
	panics.Store(true)
	t.Run("bad", func(t *testing.T) {
		for i, b := range badInput {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				streams[i].T = t
				path := "/" + strconv.Itoa(i)
				streams[i].HasComment(b.comment)
				if b.answer != nil {
					testsite.Eventually(t, "two polls", func() bool { return backends[i].polls.Load() >= 2 })
				}
				testsite.Eventually(t, "a warning", func() bool { return len(log.lines(t, "warn", path)) > 0 })
				if warnings := log.lines(t, "warn", path); len(warnings) != 1 || !strings.Contains(warnings[0], b.reason) {
					t.Errorf("logged %q, want it once, with %q", warnings, b.reason)
				}
			})
		}
	})
	panics.Store(false)
	for i := range badInput {
		backends[i].answer.Store(nil)
		servers[i].start()
	}
	t.Run("well", func(t *testing.T) {
		for i, b := range badInput {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				stream := streams[i]
				stream.T = t
				stream.Want("two|2", "three|3")
				backends[i].chat.Say("four")
				stream.Want("four|4")
				path := "/" + strconv.Itoa(i)
				testsite.Eventually(t, "a word of the recovery", func() bool { return len(log.lines(t, "info", path)) == 1 })
				if warnings := log.lines(t, "warn", path); len(warnings) != 1 {
					t.Errorf("logged %q", warnings)
				}
				for _, comment := range streams[i].Seen() {
					if comment != "" && comment != b.comment {
						t.Errorf("the client was told %q", comment)
					}
				}
			})
		}
	})
	if panicked := log.lines(t, "error", ""); len(panicked) > 0 {
		t.Errorf("logged %q", panicked)
	}
}

// Go's client takes a gzip of no bytes for an answer without any, where it has asked for gzip by itself.
func TestAnEmptyGzipMovesNoCursor(t *testing.T) {
	for name, flush := range map[string]bool{"in chunks": true, "with its length": false} {
		t.Run(name, func(t *testing.T) {
			var polls atomic.Int32
			addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
				since, _ := strconv.Atoi(r.URL.Query().Get("since"))
				if since == 1 && polls.Add(1) < 3 {
					emptyGzip("gzip", flush)(w, r)
					return
				}
				w.Header().Set("X-Next", strconv.Itoa(min(since+1, 9)))
				fmt.Fprintf(w, "[%d]", since)
			})
			s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+addr+" {\n\t\tinterval 50ms\n\t\titems @this\n\t\tcursor {sse.header.X-Next}\n\t\tquery since {sse.cursor}\n\t}\n}")
			stream := testsite.Subscribe(t, s.URL+"/")
			stream.Want("0", "1", "2", "3")
			stream.HasComment(page.Unreadable)
		})
	}
}

func TestGzipThatNobodyAskedForIsRead(t *testing.T) {
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(testsite.Gzipped(`{"a":1}`))
	})
	s := testsite.Run(t, testsite.BridgeSite(addr))
	testsite.Subscribe(t, s.URL+"/").Want(`{"a":1}`)
}

func TestDocumentsOfInvalidUTF8AreMadeValid(t *testing.T) {
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, writes("Content-Type: text/plain", "caf\xe9 \x00"))))
	testsite.Subscribe(t, s.URL+"/").Want("caf\ufffd \ufffd")
}

// restartable is a backend that can stop listening, and listen again at the same address.
type restartable struct {
	t      *testing.T
	addr   string
	h      http.Handler
	mu     sync.Mutex
	server *http.Server
}

func newRestartable(t *testing.T, h http.Handler) *restartable {
	r := &restartable{t: t, addr: testport.Free(t), h: h}
	r.start()
	t.Cleanup(r.stop)
	return r
}

func (r *restartable) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		return
	}
	l := testport.Listen(r.t, r.addr)
	r.server = &http.Server{Handler: r.h}
	go r.server.Serve(l)
}

func (r *restartable) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		r.server.Close()
		r.server = nil
	}
}

// Interface guards
var _ caddyhttp.MiddlewareHandler = panicky{}
