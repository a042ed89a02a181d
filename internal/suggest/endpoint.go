package suggest

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Endpoint is what is looked at.
type Endpoint struct {
	URL    *url.URL
	Host   string      // of all requests; empty: the URL's
	Header http.Header // likewise
	Ours   []string    // the fields of Header that Caddy adds to each poll; the others are clients' own
	Method string      // of all requests; empty: GET
	Body   string      // likewise
	Type   string      // the Content-Type of Body; empty: JSON if it is that, else a form
	Client http.RoundTripper
	Say    func(text string) // is told what goes on, where it takes its time, one thing at a time; not nil

	// Hold is how long an answer may take until the endpoint counts as one that holds requests. Half
	// of it is slow already. An answer without a length that has begun and takes as long goes on. Default: 2s.
	Hold time.Duration
	// Listen is how long an answer that goes on is read, at least. Default: 15s.
	Listen time.Duration

	// Insecure says that Client takes any certificate, so that the block has to as well.
	Insecure bool
	// Apart is how long after one another the readings are made that show what changes. Default: 3s.
	Apart time.Duration

	asked int // how many requests there were
}

// maxBody bounds what is read of an answer.
const maxBody = 8 << 20

// reply is what the endpoint says to one request.
type reply struct {
	page.Response
	took     time.Duration
	held     bool      // there was none in time
	goesOn   bool      // it has not ended; what has come of it is there
	arrivals []arrival // of its body
}

// quiet reports whether the endpoint says that there is nothing new.
func (r reply) quiet() bool {
	switch r.Status {
	case http.StatusNoContent, http.StatusNotModified, http.StatusRequestTimeout:
		return true
	}
	return r.held || r.Status/100 == 2 && len(r.Body) == 0
}

// slow reports whether a reply was held for a while.
func (e *Endpoint) slow(r reply) bool { return r.held || r.took >= e.Hold/2 }

// ask asks the endpoint, with one parameter of its query set, or, to nothing, left out; and waits for so
// long at most.
func (e *Endpoint) ask(ctx context.Context, within time.Duration, name, value string, header ...string) (reply, error) {
	return e.request(ctx, within, 0, name, value, header...)
}

// listen is ask that reads an answer that goes on for longer.
func (e *Endpoint) listen(ctx context.Context, within time.Duration, name, value string) (reply, error) {
	return e.request(ctx, within, e.Listen, name, value)
}

func (e *Endpoint) request(ctx context.Context, within, listen time.Duration, name, value string, header ...string) (reply, error) {
	u, body := *e.URL, e.Body
	if edited, ok := e.bodyWith(name, value); ok {
		body = edited
	} else if name != "" {
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
	}
	polling, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(polling, e.method(), u.String(), strings.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("making a request: %w", err)
	}
	r.Host, r.Header = cmp.Or(e.Host, u.Host), e.Header.Clone()
	if body == "" {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", e.contentType())
	}
	r.Header.Set("Accept-Encoding", "identity") // as polls of a stream: compression holds back what has come
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	e.asked++
	start := time.Now()
	late, said := time.AfterFunc(within, cancel), make(chan struct{})
	quiet := time.AfterFunc(e.Hold, func() {
		defer close(said)
		e.waiting(within)
	})
	hush := sync.OnceFunc(func() { // one thing is said at a time
		if !quiet.Stop() {
			<-said
		}
	})
	defer hush()
	client := http.Client{Transport: e.Client, CheckRedirect: sameOrigin}
	resp, err := client.Do(r)
	if err == nil {
		defer resp.Body.Close()
		if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") { // all the same
			resp.Body = &unzipped{ReadCloser: resp.Body}
		}
		late.Stop()
		hush()
		var answered reply
		if answered, err = e.take(polling, resp, start, within-time.Since(start), listen); err == nil {
			return answered, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return reply{}, ctx.Err()
	case polling.Err() != nil:
		return reply{took: time.Since(start), held: true}, nil
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL, which may hold secrets
	}
	return reply{}, fmt.Errorf("asking %s: %w", e.URL.Host, err)
}

// unzipped is a body without its compression.
type unzipped struct {
	io.ReadCloser
	plain *gzip.Reader
}

// Read implements io.Reader.
func (u *unzipped) Read(p []byte) (n int, err error) {
	if u.plain == nil {
		if u.plain, err = gzip.NewReader(u.ReadCloser); err != nil {
			return 0, fmt.Errorf("reading a compressed answer: %w", err)
		}
	}
	return u.plain.Read(p)
}

func (e *Endpoint) method() string { return cmp.Or(e.Method, http.MethodGet) }

// contentType is that of the requests' body, as `body` sets it.
func (e *Endpoint) contentType() string {
	if e.Type == "" && value.ValidJSON([]byte(e.Body)) {
		return "application/json"
	}
	return cmp.Or(e.Type, "application/x-www-form-urlencoded")
}

// waiting says that an answer is waited for, if that may take long.
func (e *Endpoint) waiting(within time.Duration) {
	if within > e.Hold {
		e.Say("the endpoint holds the request: waiting up to a minute for its answer, which comes when something happens there")
	}
}

// sameOrigin follows redirects as polls do: to the same scheme and host, five at most.
func sameOrigin(r *http.Request, via []*http.Request) error {
	if len(via) > 5 || r.URL.Scheme != via[0].URL.Scheme || r.URL.Host != via[0].URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// position returns the parameter of the URL that is a position, by its name; empty for none.
func (e *Endpoint) position() string {
	for name, value := range parameters(e.URL.RawQuery) {
		if value != "" && isPosition(name) {
			return name
		}
	}
	return ""
}

// login takes the login in the URL for a header field, as clients send it.
func (e *Endpoint) login() {
	if e.URL.User == nil {
		return
	}
	plain := *e.URL
	plain.User = nil
	password, _ := e.URL.User.Password()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(e.URL.User.Username()+":"+password))
	e.URL, e.Header, e.Ours = &plain, e.Header.Clone(), append(slices.Clone(e.Ours), "Authorization")
	e.Header.Set("Authorization", basic)
}

// validators are the header fields that ask for what is not this answer.
func (r reply) validators() (header []string) {
	if tag := r.Header.Get("ETag"); tag != "" {
		header = append(header, "If-None-Match", tag)
	}
	if modified := r.Header.Get("Last-Modified"); modified != "" {
		header = append(header, "If-Modified-Since", modified)
	}
	return header
}
