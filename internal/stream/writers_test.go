package stream

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// chain names the writers from a handler down to net/http.
func chain(w http.ResponseWriter) string {
	var all []string
	for {
		all = append(all, fmt.Sprintf("%T", w))
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return strings.Join(all, " ")
		}
		w = u.Unwrap()
	}
}

// what the writers of a site without directives are.
const plainChain = "*caddyhttp.IdleTimeoutWriter *caddyhttp.readDeadlineWriter *http.response"

func TestOnlyWritersThatPassTheBodyThroughAreUnwrapped(t *testing.T) {
	const recorder = "*caddyhttp.responseRecorder "
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	for name, test := range map[string]struct {
		global, site string
		chain        string // above plainChain
		no           bool
	}{
		"plain":        {},
		"no timeouts":  {global: "servers {\n\t\ttimeouts {\n\t\t\tread_body_idle -1s\n\t\t\twrite_idle -1s\n\t\t}\n\t}"},
		"log":          {site: "log", chain: recorder},
		"metrics":      {global: "metrics", chain: recorder},
		"both":         {global: "metrics", site: "log", chain: recorder + recorder},
		"encode":       {site: "encode", chain: "*encode.responseWriter *caddyhttp.ResponseWriterWrapper "},
		"encode all":   {site: "encode {\n\t\tmatch header Content-Type *\n\t}", chain: "*encode.responseWriter *caddyhttp.ResponseWriterWrapper "},
		"header":       {site: "header X a"},
		"header later": {site: "header >X a", chain: "*headers.responseWriterWrapper "},
		"encoding":     {site: "header >Content-Encoding gzip", chain: "*headers.responseWriterWrapper ", no: true},
		"body":         {site: "request_body {\n\t\tmax_size 1MB\n\t}"},
		"timeouts":     {site: "timeouts {\n\t\tread_timeout 1s\n\t\twrite_timeout 1s\n\t}"},
		"basic_auth":   {site: "basic_auth {\n\t\ta $2a$04$lAFb7S4I5CoOEYtxueob7eUZAcWYFLlvhDdh5kvgE6633tMHW601u\n\t}"},
		"push":         {site: "route {\n\t\tpush\n\t\tprobe\n\t}", chain: "push.linkPusher "},
		"templates":    {site: "route {\n\t\ttemplates\n\t\tprobe\n\t}", chain: recorder},
		"of streams":   {site: "route {\n\t\ttemplates {\n\t\tmime text/event-stream\n\t}\n\t\tprobe\n\t}", chain: recorder, no: true},
		"intercept":    {site: "route {\n\t\tintercept {\n\t\t@bad status 500\n\t\treplace_status @bad 501\n\t}\n\t\tprobe\n\t}", chain: "intercept.interceptedResponseHandler " + recorder},
		"of all":       {site: "route {\n\t\tintercept {\n\t\treplace_status 201\n\t}\n\t\tprobe\n\t}", chain: "intercept.interceptedResponseHandler " + recorder, no: true},
		"errors":       {site: "handle_errors {\n\t\trespond bad\n\t}"},
		"log_append":   {site: "log_append a b"},
		"of bodies":    {site: "log_append a {http.response.body}", chain: recorder, no: true},
		"tracing":      {site: "tracing", chain: "*httpsnoop.rw146 ", no: true},
		"vars":         {site: "vars a b\n\tlog_name x\n\tlog_skip"},
		"handle":       {site: "handle /a {\n\t\tprobe\n\t}"},
		"route":        {site: "route {\n\t\trequest_header X a\n\t\tprobe\n\t}"},
		"handle_path":  {site: "handle_path /a* {\n\t\tprobe\n\t}"},
	} {
		t.Run(name, func(t *testing.T) {
			saw := make(chan string, 1)
			probeWith(func(_ *probe, w http.ResponseWriter, r *http.Request) error {
				SetHeader(w.Header())
				w.WriteHeader(http.StatusOK)
				own, ok := unwrapped(w)
				saw <- fmt.Sprintf("%s, %t, %T", chain(w), ok, own)
				io.WriteString(w, "retry: 1\n\n")
				return nil
			})
			site := test.site
			if !strings.Contains(site, "probe") {
				site += "\n\tprobe"
			}
			s := testsite.Run(t, "{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\t"+test.global+"\n}\n{{site}} {\n\t"+site+"\n}\n")
			answer, _ := testsite.Do(t, http.MethodGet, s.URL+"/a", "", "Authorization", "Basic YTph", "Accept-Encoding", "gzip")
			below := plainChain
			if name == "no timeouts" {
				below = "*http.response"
			}
			want := test.chain + below + ", true, *http.response"
			if test.no {
				want = test.chain + below + ", false, <nil>"
			}
			select {
			case got := <-saw:
				if got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			default:
				t.Errorf("the handler was not called: %s", answer.Status)
			}
		})
	}
}

// shrinking is a writer that unwrapped does not know.
type shrinking struct {
	*caddyhttp.ResponseWriterWrapper
}

func TestUnknownWritersAreNotUnwrapped(t *testing.T) {
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, known := unwrapped(w)
		_, unknown := unwrapped(shrinking{&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}})
		fmt.Fprintf(w, "%s %t %t", r.Proto, known, unknown)
	}))
	up.EnableHTTP2 = true
	up.StartTLS()
	defer up.Close()
	for _, http2 := range []bool{false, true} {
		client := up.Client().Transport.(*http.Transport).Clone()
		client.ForceAttemptHTTP2 = http2
		if !http2 {
			client.TLSClientConfig.NextProtos = nil
		}
		defer client.CloseIdleConnections()
		resp, err := (&http.Client{Transport: client}).Get(up.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		want := "HTTP/1.1 true false"
		if http2 {
			want = "HTTP/2.0 false false"
		}
		if string(body) != want {
			t.Errorf("got %q, want %q", body, want)
		}
	}
}

func BenchmarkUnwrapped(b *testing.B) {
	done := make(chan bool)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w = &caddyhttp.IdleTimeoutWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
		w = caddyhttp.NewResponseRecorder(w, nil, func(int, http.Header) bool { return false })
		w.WriteHeader(http.StatusOK)
		w = caddyhttp.NewResponseRecorder(w, nil, nil)
		w.WriteHeader(http.StatusOK)
		for b.Loop() {
			if _, ok := unwrapped(w); !ok {
				b.Error("not unwrapped")
			}
		}
		close(done)
	}))
	defer up.Close()
	resp, err := http.Get(up.URL)
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	<-done
}
