package suggest

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// texts are the subdirectives of a block, each after a semicolon.
func texts(lines []Line) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return strings.Join(all, "; ")
}

// guess returns the subdirectives that are guessed after one request, on simulated time.
func guess(t *testing.T, e endpoint, header http.Header, ours ...string) string {
	t.Helper()
	asked, lines := 0, ""
	synctest.Test(t, func(t *testing.T) {
		b, err := Guess(t.Context(), Endpoint{
			URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/x", RawQuery: "room=4"}, Header: header, Ours: ours,
			Client: endpoint(func(r *http.Request) *http.Response { asked++; return e(r) }),
		})
		if err != nil {
			t.Fatal(err)
		}
		lines = texts(b.Lines)
	})
	if asked != 1 {
		t.Errorf("%d requests", asked)
	}
	return lines
}

func TestAGuessIsMadeOfOneAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		serve endpoint
		want  string
	}{
		{"a document", func(*http.Request) *http.Response { return says(200, `{"up":true}`) }, "interval 2s 10s; cookies; query room 4"},
		{
			"a list", func(*http.Request) *http.Response { return says(200, `{"list":[{"id":1},{"id":2}]}`) },
			"interval 2s 10s; cookies; query room 4; items list; id id; order by_id",
		},
		{
			"a feed without dates", func(*http.Request) *http.Response {
				return says(200, `<rss version="2.0"><channel><title>t</title><item><guid>a</guid></item><item><guid>b</guid></item></channel></rss>`)
			},
			"interval 1m 10m; cookies; query room 4; format feed; id guid; diff items",
		},
		{
			"RSS 1.0", func(*http.Request) *http.Response {
				return says(200, `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel rdf:about="c"><title>t</title></channel>
					<item rdf:about="http://a/1"><title>one</title><link>http://a/</link></item><item rdf:about="http://a/2"><title>two</title><link>http://a/</link></item></rdf:RDF>`)
			},
			"interval 1m 10m; cookies; query room 4; format feed; id guid; diff items",
		},
		{
			"an event stream", func(r *http.Request) *http.Response { return goingOn(r, "text/event-stream", script{"data: 1\n\n"}) },
			"stream; cookies; query room 4; format sse",
		},
		{
			"lines that go on", func(r *http.Request) *http.Response { return goingOn(r, "application/json", script{"{\"id\":1}\n"}) },
			"stream; cookies; query room 4; format lines",
		},
		{"a request that is held", func(*http.Request) *http.Response { return nil }, "long_poll; query room 4; format message"},
		{"an error", func(*http.Request) *http.Response { return says(503, "later") }, "interval 2s 30s; query room 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := guess(t, c.serve, make(http.Header)); got != c.want {
				t.Errorf("%s\ninstead of %s", got, c.want)
			}
		})
	}
}

// broken is a network on which nothing is reached.
type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

func TestAGuessOfABackendThatIsNotThereIsADocument(t *testing.T) {
	t.Parallel()
	u := &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/x"}
	b, err := Guess(t.Context(), Endpoint{URL: u, Header: make(http.Header), Client: broken{}})
	if err != nil || texts(b.Lines) != "interval 2s 30s" {
		t.Errorf("%v, %v", b, err)
	}
}

func TestALineIsSuggestedForEachFieldThatCaddyAdds(t *testing.T) {
	t.Parallel()
	header := http.Header{"X-Api-Key": {"abc"}, "Accept-Language": {"de"}, "Cookie": {"sid=1"}, "Authorization": {"Bearer x"}}
	const want = "interval 2s 10s; cookies; header_up Accept-Language de; header_up Authorization {env.AUTHORIZATION}; header_up Cookie {env.COOKIE}; " +
		"header_up X-Api-Key {env.X_API_KEY}; query room 4"
	got := guess(t, func(*http.Request) *http.Response { return says(200, "hello") }, header, "Accept-Language", "Authorization", "Cookie", "X-Api-Key")
	if got != want {
		t.Errorf("%s\ninstead of %s", got, want)
	}
}

func TestTheCommentOfAFieldSaysHowItsValueIsMade(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"Basic YW5uOnMzY3JldA==": `as AUTHORIZATION with its scheme: AUTHORIZATION="Basic $(printf %s 'user:password' | base64)". All clients`,
		"Bearer s3cret":          `as AUTHORIZATION with its scheme: AUTHORIZATION="Bearer <token>". All clients`,
		"s3cret":                 "as AUTHORIZATION. All clients",
	} {
		b, err := Guess(t.Context(), Endpoint{
			URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/x"}, Header: http.Header{"Authorization": {value}}, Ours: []string{"Authorization"}, Client: broken{},
		})
		if err != nil {
			t.Fatal(err)
		}
		if text := b.String(); !strings.Contains(text, want) || strings.Contains(text, "s3cret") || strings.Contains(text, "YW5u") {
			t.Errorf("%s: %s", value, text)
		}
	}
}

func TestItemsAreLinesForAListOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ answer, path, want string }{
		{`{"list":[{"id":1,"type":"a"},{"id":2,"type":"b"}]}`, "list", "items list; id id; event type; order by_id"},
		{`{"list":[{"id":2},{"id":1}]}`, "list", "items list; id id; order by_id"},
		{`[{"uuid":"b"},{"uuid":"a"}]`, "@this", "items @this; id uuid; diff items"},
		{`[{"uuid":"b","type":"x"}]`, "@this", "items @this; id uuid; diff items"},
		{`[{"uuid":"b","sent":7},{"uuid":"a","sent":8}]`, "@this", "items @this; id uuid; order overlap"},
		{`[{"uuid":"b","sent":8},{"uuid":"a","sent":7}]`, "@this", "items @this; id uuid; order newest_first"},
		{`[{"uuid":"b","sent":7},{"uuid":"a","sent":7}]`, "@this", "items @this; id uuid; diff items"},
		{`{"list":["x","y"]}`, "list", "items list"},
		{`{"list":[]}`, "list", "items list"},
		{`{"list":7}`, "list", ""},
		{`{}`, "list", ""},
		{`no JSON`, "list", ""},
	} {
		if got := texts(Items([]byte(c.answer), c.path)); got != c.want {
			t.Errorf("%s of %s: %s\ninstead of %s", c.path, c.answer, got, c.want)
		}
	}
}

func TestTheEnvironmentHasWhatTheBlockHasPlaceholdersFor(t *testing.T) {
	t.Parallel()
	e := Endpoint{
		URL:    &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/x", RawQuery: "room=4&api_key=a%20b&token=&p=x;my_token=i%20j"},
		Header: http.Header{"X-Thing": {"c"}, "Accept-Language": {"de"}, "Authorization": {"Bearer d"}},
		Ours:   []string{"Accept-Language", "X-Thing"},
	}
	for body, want := range map[string]map[string]string{
		"": {},
		`{"jsonrpc":"2.0","password":"e\"f","params":["token:g"]}`: {"PASSWORD": `e"f`, "TOKEN": "g"},
		"user=ann&passwd=h":             {"PASSWD": "h"},
		"user=ann&passwd=p%2Bq%20r+%26": {"PASSWD": "p+q r &"},
	} {
		e.Body = body
		want["API_KEY"], want["X_THING"], want["MY_TOKEN"] = "a b", "c", "i j"
		if got, err := e.Environment(); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v, %v\ninstead of %v", body, got, err, want)
		}
	}
	e.Body = `{"api_key":"another"}`
	if got, err := e.Environment(); err == nil {
		t.Errorf("two values for one variable: %v", got)
	}
}

func TestTheOrderOfAFeedIsThatOfItsDates(t *testing.T) {
	t.Parallel()
	entry := func(id, hour string) string {
		return "<item><guid>" + id + "</guid><pubDate>Mon, 30 Nov 2026 " + hour + ":00:00 GMT</pubDate></item>"
	}
	for _, c := range []struct{ name, entries, order, why string }{
		{"oldest first", entry("a", "07") + entry("b", "08") + entry("c", "09"), "order overlap", "items that were already sent are dropped by their ids"},
		{"newest first", entry("c", "09") + entry("b", "08") + entry("a", "07"), "order newest_first", "the newest `published` comes first"},
		{"in no order", entry("b", "08") + entry("c", "09") + entry("a", "07"), "diff items", "neither an id nor a time grows or falls from item to item, so it is unknown where new ones come"},
		{"of one time", entry("a", "07") + entry("b", "07"), "diff items", "neither an id nor a time grows or falls"},
		{"with one entry", entry("a", "07"), "diff items", "there is only one item, so it is unknown where new ones come"},
	} {
		block, _, err := blockFor(t, "http://127.0.0.1:1/feed", func(*http.Request) *http.Response {
			return says(200, `<rss version="2.0"><channel><title>t</title>`+c.entries+`</channel></rss>`, "Content-Type", "application/rss+xml")
		})
		if err != nil || !strings.Contains(block, "\t# "+c.why) || !strings.Contains(block, "\t"+c.order+"\n") || strings.Count(block, "unknown where") > 1 || strings.Contains(block, "assumed") {
			t.Errorf("%s: %v\n%s\ninstead of %s", c.name, err, block, c.order)
		}
	}
}

// Two numbers that have nothing to do with each other grow every second time.
func TestFewIDsThatAreFarApartShowNoOrder(t *testing.T) {
	t.Parallel()
	const unknown = "neither an id nor a time grows or falls from item to item, so it is unknown where new ones come"
	for _, c := range []struct{ name, ids, order, why string }{
		{"grow by chance", "8812345 90133017 701244871", "diff items", unknown},
		{"fall by chance", "90133017 8812345", "diff items", unknown},
		{"of a table with few rows", "1 2", "order by_id", "ids grow"},
		{"of a table with gaps", "117 803 1204", "order by_id", "ids grow"},
		{"of a table with many rows", "701244871 701261202", "order by_id", "ids grow"},
		{"of a clock", "1796093333310 1796093341207", "order by_id", "ids grow"},
		{"that grow five times", "12 8812345 90133017 701244871 901244871", "order by_id", "ids grow"},
	} {
		var items []string
		for id := range strings.FieldsSeq(c.ids) {
			items = append(items, `{"id":`+id+`,"message":"m`+id+`"}`)
		}
		block, _, err := blockFor(t, "http://127.0.0.1:1/messages", func(*http.Request) *http.Response {
			return says(200, "["+strings.Join(items, ",")+"]", "Content-Type", "application/json")
		})
		if err != nil || !strings.Contains(block, "\t# "+c.why) || !strings.Contains(block, "\t"+c.order) {
			t.Errorf("ids %s: %v\n%s\ninstead of %s", c.name, err, block, c.order)
		}
	}
}

// The time of an item decides where its id shows nothing.
func TestItemsWithIDsThatAreFarApartStandInTheOrderOfTheirTimes(t *testing.T) {
	t.Parallel()
	block, _, err := blockFor(t, "http://127.0.0.1:1/messages", func(*http.Request) *http.Response {
		return says(200, `[{"id":8812345,"message":"b","sent":"2026-11-30T08:00:00Z"},{"id":90133017,"message":"a","sent":"2026-11-30T07:00:00Z"}]`, "Content-Type", "application/json")
	})
	if err != nil || !strings.Contains(block, "\torder newest_first\n") {
		t.Errorf("%v\n%s", err, block)
	}
}

// An endpoint that brings the items before one, of those that stand after a number, shows that new ones come first.
func TestIDsThatAreFarApartStandInTheOrderThatAParameterShows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ ids, order string }{{"9120 12", "\torder newest_first\n"}, {"44000 9120 12", "\torder newest_first\n"}, {"12 9120", ""}} {
		block, _, err := blockFor(t, "http://127.0.0.1:1/messages?since=0", func(r *http.Request) *http.Response {
			since, _ := strconv.Atoi(r.URL.Query().Get("since"))
			var items []string
			for id := range strings.FieldsSeq(c.ids) {
				if n, _ := strconv.Atoi(id); n > since {
					items = append(items, `{"id":`+id+`,"message":"m`+id+`"}`)
				}
			}
			return says(200, "["+strings.Join(items, ",")+"]", "Content-Type", "application/json")
		})
		if err != nil || !hasLine(block, "query since {sse.cursor}") || !strings.Contains(block, c.order) || c.order == "" && strings.Contains(block, "\torder ") {
			t.Errorf("ids %s: %v\n%s", c.ids, err, block)
		}
	}
}
