package trial

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// explained is the hint for an answer that is read as a configuration says.
func explained(c page.Config, status int, body string, header ...string) string {
	resp := page.Response{Status: status, Header: make(http.Header), Body: []byte(body)}
	for i := 0; i+1 < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	r := page.NewReader(c)
	p, err := r.Read(resp, position.Position{}, nil)
	return Hint(Evidence{Config: c, Document: r.Document(), Answer: &resp, Found: r.Explain(resp, nil), Page: p, Err: err})
}

func listOf(items, id string) (c page.Config) {
	c.Items, _ = value.ParsePath(items)
	if id != "" {
		c.ID, _ = value.Parse(id)
	}
	return c
}

func byID(c page.Config) page.Config {
	c.Order = page.ByID
	return c
}

func kinds(orElse string) page.Config {
	c := listOf("rows", "id")
	c.Event, _ = value.Parse("type")
	c.EventDefault = orElse
	return c
}

func ignoring(words ...string) (c page.Config) {
	condition, _ := value.ParseCondition(words)
	c.Ignore = []value.Condition{condition}
	return c
}

func cursorOf(path string) []page.Cursor {
	v, _ := value.Parse(path)
	return []page.Cursor{{Values: []value.Value{v}}}
}

func TestHints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		config page.Config
		status int
		body   string
		header []string
		want   string // which the hint holds; empty for no hint
	}{
		{"a list", listOf("rows", "id"), 200, `{"rows":[{"id":1}]}`, nil, ""},
		{"an empty list", listOf("rows", "id"), 200, `{"rows":[]}`, nil, ""},
		{"no content", listOf("rows", "id"), 204, "", nil, ""},
		{"not modified", listOf("rows", "id"), 304, "", nil, ""},
		{"a type that has a default", kinds("PUT"), 200, `{"rows":[{"id":1}]}`, nil, ""},
		{"a type that has none", kinds(""), 200, `{"rows":[{"id":1}]}`, nil, "no `type` in the items: there are id"},
		{"a slip", listOf("rwos", ""), 200, `{"rows":[1,2],"jobs":[]}`, nil, "no `rwos` in the answer; did you mean `rows` (an array of 2 values)?"},
		{"deeper", listOf("messages", ""), 200, `{"data":{"messages":[{"a":1}]}}`, nil, "did you mean `data.messages` (an array of 1 object)?"},
		{"another name", listOf("messages", ""), 200, `{"total":2,"rows":[{"a":1}]}`, nil, "did you mean `rows`"},
		{"the answer itself", listOf("messages", ""), 200, `[{"a":1},{"a":2}]`, nil, "did you mean `@this` (an array of 2 objects)?"},
		{"a document", listOf("messages", ""), 200, `{"a":1}`, nil, "it is a document without a list"},
		{"an error", listOf("messages", ""), 200, `{"ok":false,"error":"no room"}`, nil, "in its `error`: no room"},
		{"an error of JSON-RPC", listOf("result", ""), 200, `{"jsonrpc":"2.0","error":{"code":-1,"message":"gone"}}`, nil, "in its `error.message`: gone"},
		{"an error as a document", page.Config{}, 200, `{"error":"no room"}`, nil, "ignore error"},
		{"no error as a document", page.Config{}, 200, `{"error":null,"a":1}`, nil, ""},
		{"an id by another name", listOf("rows", "uuid"), 200, `{"rows":[{"msgId":4,"user_id":9}]}`, nil, "no `uuid` in the items; did you mean `msgId`"},
		{"no id at all", listOf("rows", "uuid"), 200, `{"rows":[{"name":"x"},{"name":"y"}]}`, nil, "there are name"},
		{"an object of objects", listOf("rooms", "id"), 200, `{"rooms":{"a":{"id":1},"b":{"id":2}}}`, nil, "items rooms.@values"},
		{"an object with a list", listOf("data", "id"), 200, `{"data":{"total":1,"rows":[{"id":1}]}}`, nil, "did you mean `data.rows`"},
		{"ids that repeat", listOf("rows", "rev"), 200, `{"rows":[{"rev":7,"n":1},{"rev":0,"n":2},{"rev":0,"n":3}]}`, nil, "2 items of this answer have the id 0"},
		{"ids that repeat by_id", byID(listOf("rows", "rev")), 200, `{"rows":[{"rev":7,"n":1},{"rev":7,"n":2}]}`, nil, "is taken for that one"},
		{"ids that repeat beside a cursor", page.Config{Items: listOf("rows", "").Items, ID: listOf("", "rev").ID, Cursors: cursorOf("next")}, 200, `{"rows":[{"rev":0},{"rev":0}],"next":2}`, nil, ""},
		{"a list unread", page.Config{}, 200, `{"rows":[{"seq":1}]}`, nil, "add items rows and id seq"},
		{"a login page", listOf("rows", "id"), 200, `<html><form><input type="password"></form></html>`, nil, "login page"},
		{"a login page as a document", page.Config{}, 200, `<html><form><input name=p type='password'></form></html>`, nil, "login page"},
		{"a login page with a status", page.Config{}, 503, `<html><form><input type="password"></form></html>`, nil, "login page"},
		{"a gateway's page for an error", listOf("rows", "id"), 502, "<html><h1>502 Bad Gateway</h1></html>", nil, ""},
		{"the text of an error", listOf("rows", "id"), 500, "Internal Server Error", nil, ""},
		{"a login page that is ignored", ignoring("{sse.status}", "200"), 200, `<html><form><input type="password"></form></html>`, nil, ""},
		{"a page", listOf("rows", "id"), 200, `<html><p>Hello</p></html>`, nil, "this is an HTML page"},
		{"a page as a document", page.Config{}, 200, `<!DOCTYPE html><p>Hello</p>`, nil, "the answer is HTML: a login page?"},
		{"a fragment as a document", page.Config{}, 200, `<li>Hello</li>`, nil, ""},
		{"XML", listOf("rows", "id"), 200, `<?xml version="1.0"?><rows/>`, nil, "format xml"},
		{"lines of JSON", listOf("rows", "id"), 200, "{\"id\":1}\n{\"id\":2}\n", nil, "format lines"},
		{"text", listOf("rows", "id"), 200, "hello", nil, "format text"},
		{"401", page.Config{}, 401, "", []string{"WWW-Authenticate", "Bearer realm=x"}, "it asks for Bearer"},
		{"403", page.Config{}, 403, "", nil, "refuses this user"},
		{"404", page.Config{}, 404, "", nil, "accept 404"},
		{"404 that is accepted", page.Config{Accept: []int{404}}, 404, `{"a":1}`, nil, ""},
		{"405", page.Config{}, 405, "", []string{"Allow", "POST"}, "another method here (POST): add a line such as `method POST`"},
		{"302", page.Config{}, 302, "", []string{"Location", "/login"}, "it redirects to /login"},
		{"429", page.Config{}, 429, "", nil, "raise interval"},
		{"403 that says later", page.Config{}, 403, "", []string{"Retry-After", "30"}, "raise interval"},
		{"409 with words", page.Config{}, 409, `{"message":"another reader"}`, nil, "another reader"},
		{"400 with words", page.Config{}, 400, `{"message":"bad since"}`, nil, "bad since"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := explained(c.config, c.status, c.body, c.header...)
			if !strings.Contains(got, c.want) || c.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHintsWhereNoAnswerCame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("dial tcp 127.0.0.1:9: connect: connection refused"), "nothing listens there"},
		{errors.New("dial tcp: lookup messages on 192.0.2.1:53: no such host"), "is it spelled correctly? If it is a path"},
		{errors.New("dial tcp: lookup messages: no such host"), "it begins with a slash: /messages"},
		{errors.New("dial tcp: lookup nowhere.example: no such host"), "is unknown"},
		{fmt.Errorf("no answer within 30s: %w", context.DeadlineExceeded), "long_poll"},
		{errors.New("http: server gave HTTP response to HTTPS client"), "http:// instead of https://"},
		{errors.New("tls: failed to verify certificate"), "not trusted"},
		{errors.New("EOF"), ""},
		{nil, ""},
	} {
		if got := Hint(Evidence{Err: c.err}); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("for %v: got %q, want %q", c.err, got, c.want)
		}
	}
}

func TestAnEmptyPlaceholderIsTheHintForARefusal(t *testing.T) {
	t.Parallel()
	const empty = "{env.X_API_KEY} is empty: set it in Caddy's environment"
	for status, want := range map[int]bool{302: true, 400: true, 401: true, 403: true, 429: false, 500: false} {
		e := Evidence{Answer: &page.Response{Status: status, Header: make(http.Header)}, Err: errors.New("refused"), Empty: empty}
		if got := Hint(e); (got == empty) != want {
			t.Errorf("%d: got %q", status, got)
		}
	}
}
