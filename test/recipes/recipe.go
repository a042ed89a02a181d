// Package recipes holds the recipes of docs/upstreams.md. It tests each with a backend that answers like
// the real one.
package recipes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"golang.org/x/tools/txtar"
)

// Recipe is one file of test/recipes/testdata; what stands in it is described in recipes_test.go.
type Recipe struct {
	Name, Title, About string
	Caddyfile          string
	Client             string // as it is in the file
	Wire               string // the events, as they are in the file

	uri       string
	header    []string // pairs of the client's fields
	Upstreams []*Upstream
	events    []testsite.Received
	ends      bool
	resets    []resetCase

	plan *config.Plan
}

// Upstream is one backend of a recipe.
type Upstream struct {
	Addr              string // as it is in the Caddyfile
	first, afterReset []*exchange
}

// resetCase is a section on a backend that has lost the client's position.
type resetCase struct {
	lastID string // of a client that comes; empty: a newcomer lives through it
	events []testsite.Received
}

// exchange is a poll and its answer.
type exchange struct {
	request string // as it is in the file
	method  string
	uri     *url.URL
	header  http.Header
	absent  []string
	body    string // empty: any

	hold   bool // before the answer
	status int  // 0: none ever comes
	answer http.Header
	text   string
	drags  bool // the answer's end is held

	streams bool     // the answer goes on
	pieces  []string // what is sent of it at a time
	stays   bool     // its end never comes

	asked atomic.Bool
}

// Load reads test/recipes/testdata, ordered by title.
func Load(t *testing.T) []*Recipe {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("test", "recipes", "testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recipes: %v", err)
	}
	var recipes []*Recipe
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Parse(strings.TrimSuffix(filepath.Base(file), ".txtar"), archive)
		if err == nil {
			err = r.compile(t)
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		recipes = append(recipes, r)
	}
	slices.SortFunc(recipes, func(a, b *Recipe) int {
		return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
	})
	return recipes
}

func Parse(name string, archive *txtar.Archive) (*Recipe, error) {
	r := &Recipe{Name: name}
	title, about, _ := strings.Cut(string(archive.Comment), "\n")
	r.Title, r.About = strings.TrimPrefix(title, "# "), strings.TrimSpace(about)
	if r.Title == title || r.About == "" {
		return nil, fmt.Errorf("it must begin with a line %q and some sentences", "# Title")
	}
	for _, f := range archive.Files {
		if err := r.section(f.Name, string(f.Data)); err != nil {
			return nil, fmt.Errorf("section %s: %w", f.Name, err)
		}
	}
	if r.uri == "" || r.events == nil || len(r.Upstreams) == 0 {
		return nil, fmt.Errorf("the sections Caddyfile, client, upstream ADDRESS and events are needed")
	}
	for _, u := range r.Upstreams {
		if !strings.Contains(r.Caddyfile, u.Addr) {
			return nil, fmt.Errorf("the Caddyfile does not hold the address %q", u.Addr)
		}
	}
	return r, nil
}

// compile adapts the Caddyfile, and compiles its first bridge.
func (r *Recipe) compile(t *testing.T) error {
	config, err := testsite.AdaptSite("http://recipe.test {\n" + r.Caddyfile + "}\n")
	if err != nil {
		return err
	}
	handlers := testplan.Blocks(t, string(config))
	if len(handlers) == 0 {
		return fmt.Errorf("there is no sse_bridge in the Caddyfile")
	}
	r.plan, err = handlers[0].Compile()
	return err
}

// anyID stands for an id that is made anew each time.
const anyID = "*"

// placeless reports whether the backend has no position to go on from. Then nobody knows the ids beforehand, and only
// a log can tell what comes after one of them.
func (r *Recipe) placeless() bool {
	return (r.plan.Stream || r.plan.Page.Once && r.plan.Reader.Counts()) && len(r.plan.CursorNames) == 0
}

// pages is how many polls read a set, at most.
func (r *Recipe) pages() int {
	if !r.plan.Reader.Set() || len(r.plan.Page.More) == 0 {
		return 1
	}
	return len(r.Upstreams[0].first)
}

func (r *Recipe) section(name, text string) (err error) {
	kind, rest, _ := strings.Cut(name, " ")
	switch kind {
	case "Caddyfile":
		if r.Caddyfile = text; string(caddyfile.Format([]byte(text))) != text {
			err = fmt.Errorf("`caddy fmt` would make it\n%s", caddyfile.Format([]byte(text)))
		}
	case "client":
		r.Client = strings.TrimSpace(text)
		lines := strings.Split(r.Client, "\n")
		uri, ok := strings.CutPrefix(lines[0], "GET ")
		if !ok {
			return fmt.Errorf("%q must be GET and a URI", lines[0])
		}
		r.uri = uri
		for _, line := range lines[1:] {
			field, text, _ := strings.Cut(line, ": ")
			r.header = append(r.header, field, text)
		}
	case "upstream":
		addr, late := strings.CutSuffix(rest, " after reset")
		i := slices.IndexFunc(r.Upstreams, func(u *Upstream) bool { return u.Addr == addr })
		if i < 0 {
			i, r.Upstreams = len(r.Upstreams), append(r.Upstreams, &Upstream{Addr: addr})
		}
		if list := &r.Upstreams[i].first; !late {
			*list, err = parseExchanges(text)
		} else {
			r.Upstreams[i].afterReset, err = parseExchanges(text)
		}
	case "events":
		r.Wire, r.events = strings.TrimSpace(text), wireEvents(text)
	case "end":
		r.ends = true
	case "reset":
		c := resetCase{}
		if id, ok := strings.CutPrefix(text, "Last-Event-ID: "); ok {
			c.lastID, text, _ = strings.Cut(id, "\n")
		}
		c.events = wireEvents(text)
		r.resets = append(r.resets, c)
	default:
		err = fmt.Errorf("there is no such section")
	}
	return err
}

func wireEvents(text string) (events []testsite.Received) {
	testsite.ParseStream(strings.NewReader(strings.TrimSpace(text)+"\n\n"), func(e testsite.Received) { events = append(events, e) }, func(string) {})
	return events
}

// inWireForm is the reverse of wireEvents.
func inWireForm(events ...testsite.Received) string {
	var b strings.Builder
	for _, e := range events {
		if e.Type != "" {
			fmt.Fprintf(&b, "event: %s\n", e.Type)
		}
		fmt.Fprintf(&b, "data: %s\n", strings.ReplaceAll(e.Data, "\n", "\ndata: "))
		if e.ID != "" {
			fmt.Fprintf(&b, "id: %s\n", e.ID)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// parseExchanges reads blocks of lines: those of the request begin with ">", those of the
// answer's head with "< ", and all that follow are its body.
func parseExchanges(text string) ([]*exchange, error) {
	var all []*exchange
	var e *exchange
	var quoted bool
	var body []string
	finish := func() (err error) {
		if e == nil {
			return nil
		}
		for len(body) > 0 && body[len(body)-1] == "" {
			body = body[:len(body)-1]
		}
		for _, line := range body {
			if line += "\n"; quoted {
				if line, err = strconv.Unquote(strings.TrimSpace(line)); err != nil {
					return fmt.Errorf("a quoted body consists of Go's strings, and not of %s", line)
				}
			}
			e.text += line
			e.pieces = append(e.pieces, line)
		}
		return nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		asks, isRequest := strings.CutPrefix(line, ">")
		says, isHead := strings.CutPrefix(line, "< ")
		switch asks = strings.TrimPrefix(asks, " "); {
		case isRequest && (e == nil || e.hold || e.status > 0):
			if err := finish(); err != nil {
				return nil, err
			}
			e, body, quoted = &exchange{request: line, header: make(http.Header), answer: make(http.Header)}, nil, false
			all = append(all, e)
			method, uri, _ := strings.Cut(asks, " ")
			u, err := url.ParseRequestURI(uri)
			if err != nil {
				return nil, fmt.Errorf("%q is no method and URI: %w", line, err)
			}
			e.method, e.uri = method, u
		case e == nil:
			return nil, fmt.Errorf("%q comes before any request", line)
		case isRequest:
			e.request += "\n" + line
			field, text, isField := strings.Cut(asks, ": ")
			if name, ok := strings.CutPrefix(asks, "!"); ok {
				e.absent = append(e.absent, name)
			} else if isField && !strings.ContainsAny(field, ` "{`) {
				e.header.Set(field, text)
			} else {
				e.body += asks
			}
		case isHead && body == nil:
			field, text, isField := strings.Cut(says, ": ")
			switch {
			case says == "hold" && e.status == 0:
				e.hold = true
			case says == "hold":
				e.drags = true
			case says == "quoted":
				quoted = true
			case says == "stream" || says == "stream end":
				e.streams, e.stays = true, says == "stream"
			case isField:
				e.answer.Add(field, text)
			default:
				var err error
				if e.status, err = strconv.Atoi(says); err != nil {
					return nil, fmt.Errorf("%q is no status, field, hold or quoted", line)
				}
			}
		default:
			body = append(body, line)
		}
	}
	return all, finish()
}

// matches reports whether a request is that of the exchange. A * stands for anything: in a segment
// of the path, and as a parameter's, a field's or the body's whole value.
func (e *exchange) matches(r *http.Request, body string) bool {
	if ok, _ := path.Match(e.uri.Path, r.URL.Path); r.Method != e.method || !ok && e.uri.Path != r.URL.Path {
		return false
	}
	query := r.URL.Query()
	for name, values := range e.uri.Query() {
		if values[0] == "*" && query.Has(name) {
			query[name] = values
		}
	}
	if !reflect.DeepEqual(query, e.uri.Query()) {
		return false
	}
	for name := range e.header {
		if got, has := r.Header[name]; !has || e.header.Get(name) != "*" && e.header.Get(name) != got[0] {
			return false
		}
	}
	return !slices.ContainsFunc(e.absent, func(name string) bool { return r.Header.Get(name) != "" }) &&
		(e.body == "" || e.body == "*" || e.body == body || sameJSON(e.body, body) || sameXML(e.body, body))
}

// sameXML reports whether a body is that of a pattern: there, a * stands for any text without quotes and tags.
func sameXML(pattern, body string) bool {
	if !strings.HasPrefix(pattern, "<") {
		return false
	}
	ok, err := regexp.MatchString("^"+strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `[^"<>]*`)+"$", body)
	return ok && err == nil
}

func sameJSON(texts ...string) bool {
	values := make([]any, len(texts))
	for i, text := range texts {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if decoder.Decode(&values[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}
