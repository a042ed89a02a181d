package config

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

func TestWrongJSONIsRefused(t *testing.T) {
	for _, test := range []struct{ name, fields, want string }{
		{"method", `"method": "GET /"`, "method: "},
		{"method's placeholder", `"method": "{sse.verb}"`, "method: "},
		{"method from the position", `"method": "{sse.cursor}", "items": "a", "id": "id"`, "method: {sse.cursor} has a placeholder of the bridge"},
		{"rewrite", `"rewrite": "poll.php"`, "rewrite: "},
		{"query without a name", `"query": [{"name": "", "value": "x"}]`, "query: the name is missing"},
		{"query deleted and set", `"query": [{"name": "a", "value": "x", "delete": true}]`, "query a: "},
		{"query's placeholder", `"query": [{"name": "a", "value": "{sse.curser}"}]`, "query a: "},
		{"query from an answer", `"query": [{"name": "a", "value": "{sse.status}"}]`, "query a: "},
		{"connection header", `"header_up": [{"name": "Proxy-Authorization", "value": "x"}]`, "header_up Proxy-Authorization: "},
		{"host", `"header_up": [{"name": "host", "value": "x"}]`, "header_up host: "},
		{"header's name", `"header_up": [{"name": "a b", "value": "x"}]`, "header_up a b: "},
		{"cookie's name", `"cookies": ["a;b"]`, "cookies: "},
		{"empty cookie name", `"cookies": [""]`, "cookies: "},
		{"empty body", `"body": {"template": ""}`, "body: "},
		{"negative interval", `"interval": {"min": "-2s"}`, "interval: "},
		{"max below min", `"interval": {"min": "5s", "max": "2s"}`, "interval: "},
		{"max below the default min", `"interval": {"max": "1s"}`, "interval: the maximum of 1s is below the minimum of 2s"},
		{"negative hold", `"long_poll": "-1s"`, "long_poll: "},
		{"negative timeout", `"timeout": -1`, "timeout: "},
		{"negative keepalive", `"keepalive": -1`, "keepalive: "},
		{"negative retry", `"retry": -1`, "retry: "},
		{"format", `"format": "yaml"`, "format: "},
		{"separator of JSON", `"format": "json", "separator": ";"`, "separator: "},
		{"separator of two characters", `"format": "csv", "separator": ";;"`, "separator: "},
		{"header of lines", `"format": "lines", "header": true`, "header: "},
		{"items of lines", `"format": "lines", "items": "a"`, "items: "},
		{"cursor in the JSON of lines", `"format": "lines", "cursor": [{"values": ["a"]}], "query": [{"name": "a", "value": "{sse.cursor}"}]`, "cursor: "},
		{"condition without a value", `"more": [{"value": ""}]`, "more: "},
		{"condition turned around in its value", `"end": [{"value": "!a"}]`, "end: "},
		{"condition's path", `"ignore": [{"value": "a"}, {"value": "a["}]`, "ignore: "},
		{"condition's cursor", `"reset": [{"value": "{sse.cursor.x}"}]`, "reset: there is no {sse.cursor.x}"},
		{"retry_after's path", `"retry_after": "a["`, "retry_after: "},
		{"items' path", `"items": "a["`, "items: "},
		{"items of a text", `"format": "text", "items": "a"`, "items: "},
		{"id of a message", `"format": "message", "id": "a"`, "id: "},
		{"id that nothing sends", `"items": "a", "id": "id"`, "id: the id is the cursor"},
		{"event without a value", `"event": {"value": "", "default": "x"}`, "event: "},
		{"event's path", `"event": {"value": "a.."}`, "event: "},
		{"data's path", `"data": "a|"`, "data: "},
		{"cursor's name", `"cursor": [{"name": "a-b", "values": ["c"]}]`, "cursor: "},
		{"cursor without values", `"cursor": [{"name": "a", "values": []}]`, "cursor a: "},
		{"empty cursor value", `"cursor": [{"name": "a", "values": ["b", ""]}]`, "cursor a: "},
		{"cursor twice", `"cursor": [{"values": ["b"]}, {"values": ["c"]}]`, "cursor: it is given twice"},
		{"cursor that nothing sends", `"cursor": [{"name": "x", "values": ["b"]}]`, "cursor x: the answers contain it"},
		{"cursor that nothing reads", `"rewrite": "/{sse.cursor.x}"`, "rewrite: there is no {sse.cursor.x}"},
		{"start of no cursor", `"start": {"": "0"}`, "start: "},
		{"order", `"items": "a", "order": "random"`, "order: "},
		{"order of nothing", `"order": "newest_first"`, "order: "},
		{"order by no id", `"items": "a", "order": "by_id"`, "order: "},
		{"status", `"accept": [404, 503]`, "accept: 503"},
		{"cluster of a block", `"cluster": "on"`, "cluster: \"on\" is not a value: write `cluster off`, or remove it"},
		{"origin", `"cors": ["https://example.com/"]`, "cors: "},
		{"negative limit", `"limits": {"feeds": -1}`, "limits feeds: "},
		{"negative size", `"limits": {"log": -1}`, "limits log: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkRefused(t, jsonWithUpstream(test.fields), test.want)
		})
	}
}

func TestUpstreamsThatCannotAnswerAreRefused(t *testing.T) {
	bridge := `{"handler": "sse_bridge", "upstream": [{"handle": [{"handler": "static_response"}]}]}`
	for _, test := range []struct{ name, config, want string }{
		{"none", `{}`, "upstream: it is missing"},
		{"empty", `{"upstream": []}`, "upstream: it is missing"},
		{"a bridge", `{"upstream": [{"handle": [` + bridge + `]}]}`, "upstream: it leads to another"},
		{"a bridge in a subroute", `{"upstream": [{"handle": [{"handler": "subroute", "routes": [{"handle": [` + bridge + `]}]}]}]}`, "upstream: it leads to another"},
		{"a bridge with an escaped name", `{"upstream": [{"handle": [` + strings.Replace(bridge, "sse_bridge", `sse\u005fbridge`, 1) + `]}]}`, "upstream: it leads to another"},
	} {
		t.Run(test.name, func(t *testing.T) { checkRefused(t, test.config, test.want) })
	}
}

// checkRefused loads the handler as Caddy does.
func checkRefused(t *testing.T, config, want string) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	_, err := ctx.LoadModuleByID("http.handlers.sse_bridge", json.RawMessage(config))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q in it", err, want)
	}
}

func TestDefaultsAreApplied(t *testing.T) {
	t.Parallel()
	c, err := fromJSON(t, "").Compile()
	if err != nil {
		t.Fatal(err)
	}
	if c.IntervalMin != 2*time.Second || c.IntervalMax != 2*time.Second || c.Hold != 0 || c.Timeout != 30*time.Second ||
		c.Keepalive != 15*time.Second || c.Retry != 3*time.Second {
		t.Errorf("durations: %+v", c)
	}
	if want := (Limits{Feeds: 10000, Chains: 8, Polls: 64, Streams: 1000, Response: 8388608, Log: 67108864}); c.Limits != want {
		t.Errorf("limits: got %+v, want %+v", c.Limits, want)
	}
	if !c.Method.IsZero() || !c.RewritePath.IsZero() || c.RewritesQuery || !c.Body.IsZero() || len(c.Query)+len(c.HeaderUp) > 0 {
		t.Errorf("the poll is edited: %+v", c)
	}
	if !c.Reader.Document() || len(c.CursorNames) > 0 {
		t.Errorf("an answer is no document, or has the cursors %q", c.CursorNames)
	}
}

func TestWhatIsGivenReplacesItsDefaultAlone(t *testing.T) {
	t.Parallel()
	c, err := fromJSON(t, `"long_poll": "50s", "interval": {"min": "5s"}, "limits": {"chains": 2, "log": 1024}`).Compile()
	if err != nil {
		t.Fatal(err)
	}
	if c.Hold != 50*time.Second || c.Timeout != time.Minute || c.IntervalMin != 5*time.Second || c.IntervalMax != 5*time.Second {
		t.Errorf("durations: %+v", c)
	}
	if want := (Limits{Feeds: 10000, Chains: 2, Polls: 64, Streams: 1000, Response: 8388608, Log: 1024}); c.Limits != want {
		t.Errorf("limits: got %+v, want %+v", c.Limits, want)
	}
}

func TestPollsAreCompiled(t *testing.T) {
	t.Parallel()
	c, err := fromJSON(t, `"method": "post", "items": "@this", "id": "id", "rewrite": "/x", "body": {"template": "{\"a\":1}"},
		"query": [{"name": "Since", "value": "{sse.cursor+1}"}, {"name": "_", "delete": true}, {"name": "e"}],
		"header_up": [{"name": "x-client-ip", "value": "{http.vars.client_ip}"}], "start": {"": "0"}`).Compile()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Method.String(); got != "POST" {
		t.Errorf("method: %q", got)
	}
	if got := c.HeaderUp[0].Name; got != "X-Client-Ip" {
		t.Errorf("header_up: %q", got)
	}
	if e := c.Query; len(e) != 3 || e[0].Name != "Since" || e[0].Del || e[0].Value.IsZero() || !e[1].Del || !e[1].Value.IsZero() || e[2].Del || !e[2].Value.IsZero() {
		t.Errorf("query: %+v", e)
	}
	if !slices.Equal(c.CursorNames, []string{""}) || c.Start[""] != "0" {
		t.Errorf("cursors %q from %q", c.CursorNames, c.Start)
	}
}

// TestAProgramYieldsACursorOnlyIfItNamesOne has programs with a name that only contains that.
func TestAProgramYieldsACursorOnlyIfItNamesOne(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]int{
		".body.items[] | {id: .id, data: .cursor_color}":                 0,
		".body | (.items[] | {id: .id, data: .}), {cursor: .next}":       1,
		".body | (.items[] | {data: .}), ({} | .cursor = .next)":         1,
		".body | (.items[] | {data: .}), {\"cursor\": .next_cursor}":     1,
		".body.items[] | select(.of != \"next_cursor\") | {id, data: .}": 0,
	} {
		fields, err := json.Marshal(map[string]any{"jq": program, "query": []Edit{{Name: "after", Value: "{sse.cursor}"}}})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := fromJSON(t, string(fields[1:len(fields)-1])).Compile()
		if err != nil || len(plan.Page.ProgramCursors) != want {
			t.Errorf("%s: got %q, %v", program, plan.Page.ProgramCursors, err)
		}
	}
}

func TestBodyTypeIsGuessed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		` {"since":{sse.cursor}}`: "application/json",
		`{}`:                      "application/json",
		`[1]`:                     "application/json",
		`{sse.cursor}`:            "application/x-www-form-urlencoded",
		`since={sse.cursor}`:      "application/x-www-form-urlencoded",
	} {
		if got := bodyType(&Body{Template: text}); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if got := bodyType(&Body{Template: "{}", ContentType: "text/plain"}); got != "text/plain" {
		t.Errorf("the given type became %s", got)
	}
}

func TestOriginsAreWhatBrowsersSend(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"https://example.com", "http://localhost:3000", "http://[::1]:8080", "app://local", "https://xn--bcher-kva.example"} {
		if err := checkOrigin(origin, 2); err != nil {
			t.Errorf("%s: %v", origin, err)
		}
	}
	for _, origin := range []string{
		"", "*", "null", "example.com", "https://", "https://:443", "https://example.com:", "https://example.com/", "https://example.com?a", "https://example.com#a",
		"HTTPS://example.com", "https://Example.com", "https://a@example.com", "https://*.example.com", "https://a,https://b", "//example.com",
		"https://example.com:443", "http://example.com:80", "https://bücher.example", "https://a b",
	} {
		if err := checkOrigin(origin, 2); err == nil {
			t.Errorf("%q is taken for an origin", origin)
		}
	}
}

func TestJSONSurvivesARoundTrip(t *testing.T) {
	t.Parallel()
	h := fromJSON(t, `"cookies": [], "start": {"": "0"}, "items": "a", "id": "b", "query": [{"name": "c", "value": "{sse.cursor}"}]`)
	again := new(Config)
	if err := caddy.StrictUnmarshalJSON(caddyconfig.JSON(h, nil), again); err != nil {
		t.Fatal(err)
	}
	if again.Cookies == nil || len(*again.Cookies) != 0 {
		t.Errorf("no cookies became %v", again.Cookies)
	}
}

// fromJSON returns a configuration with the given JSON fields and an upstream.
func fromJSON(t testing.TB, fields string) *Config {
	t.Helper()
	c := new(Config)
	if err := caddy.StrictUnmarshalJSON([]byte(jsonWithUpstream(fields)), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func jsonWithUpstream(fields string) string {
	if fields != "" {
		fields = ", " + fields
	}
	return `{"upstream": [{"handle": [{"handler": "static_response", "body": "[]"}]}]` + fields + `}`
}

func TestNullIsAFieldThatIsNotThere(t *testing.T) {
	t.Parallel()
	for field := range reflect.TypeFor[Config]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		var c Config
		if err := json.Unmarshal([]byte(`{"`+name+`": null}`), &c); err != nil || !reflect.DeepEqual(c, Config{}) {
			t.Errorf("%s: null is %+v, %v", name, c, err)
		}
	}
}
