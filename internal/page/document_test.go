package page

import (
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

func TestDocumentKeyIsThatOfItsCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config, a, b string
		same         bool
	}{
		{"", `{"a":1,"b":[2,{"c":null}]}`, "{\"b\": [2, {\"c\":null}],\n\"a\":1 }", true},
		{"", `{"a":"\u00e9"}`, `{"a":"é"}`, true},
		{"", `[1,2]`, `[2,1]`, false},
		{"", `1.10`, `1.1`, false},
		{"", `[9007199254740992]`, `[9007199254740993]`, false},
		{"", `{"a":null}`, `{}`, false},
		{"", "a", "a\n", true},
		{"", "a", "a ", false},
		{"format text", `{"a":1}`, `{"a": 1}`, false},
		{"data a", `{"a":{"x":1,"y":2},"time":1}`, `{"time":2,"a":{"y":2,"x":1}}`, true},
		{"data a; event b", `{"a":1,"b":"x"}`, `{"a":1,"b":"y"}`, false},
	} {
		r := reader(t, c.config)
		a, b := mustRead(t, r, ok(c.a), at()).Events[0], mustRead(t, r, ok(c.b), at()).Events[0]
		if (a.Key == b.Key) != c.same || a.Key == "" {
			t.Errorf("%s: keys of %s and %s are %s and %s, want same: %v", c.config, c.a, c.b, a.Key, b.Key, c.same)
		}
	}
}

func TestDocumentIsOneEvent(t *testing.T) {
	t.Parallel()
	r := reader(t, "data data_from_file; event kind doc; cursor timestamp")
	if !r.Document() || strings.Join(r.Cursors(), ",") != "" || len(r.Cursors()) != 1 {
		t.Fatalf("Document %v, Cursors %q", r.Document(), r.Cursors())
	}
	p := mustRead(t, r, recorded(t, "filemtime.http"), position.Position{})
	e := p.Events[0]
	equal(t, "data", string(e.Data), "\n")
	equal(t, "type", e.Type, "doc")
	equal(t, "its own position", e.At.ID(), "")
	equal(t, "next", p.Next.ID(), "1795225630")
	equal(t, "news", p.News, true)

	p = mustRead(t, r, ok(`{"data_from_file":"x","timestamp":null,"kind":"mine"}`), p.Next)
	equal(t, "next without a cursor", p.Next.ID(), "1795225630")
	equal(t, "type", p.Events[0].Type, "mine")

	p = mustRead(t, r, ok(`{"timestamp":2}`), at("1"))
	if p.News != true || len(p.Events) > 0 || p.Next.ID() != "2" || !p.Dataless {
		t.Errorf("without its data: %+v", p)
	}
}

// A poll that sends no cursor asks for what there is now.
func TestADocumentWhoseDataIsGoneIsNull(t *testing.T) {
	t.Parallel()
	c := config(t, "data source")
	c.Unsent = true
	r := NewReader(c)
	p := mustRead(t, r, ok(`{"source":{"title":"x"}}`), at())
	equal(t, "data", string(p.Events[0].Data), `{"title":"x"}`)
	equal(t, "dataless", p.Dataless, false)
	for _, answer := range []string{`{}`, `{"source":null}`} {
		q := mustRead(t, r, ok(answer), at())
		equal(t, "data of "+answer, string(q.Events[0].Data), "null")
		if q.Events[0].Key == p.Events[0].Key {
			t.Errorf("%s is the same document", answer)
		}
	}
	equal(t, "dataless", mustRead(t, r, ok(`{}`), at()).Dataless, true)
	if _, err := r.Read(ok("<!doctype html>"), at(), nil); err == nil {
		t.Error("HTML is read")
	}
}

func TestConsulIndexSteersPollsAlsoFromA404(t *testing.T) {
	t.Parallel()
	r := reader(t, "accept 404; cursor {sse.header.X-Consul-Index}")
	p := mustRead(t, r, recorded(t, "consul_kv.http"), at(""))
	equal(t, "index", p.Next.ID(), "15")
	equal(t, "events", len(p.Events), 1)
	same := mustRead(t, r, recorded(t, "consul_kv.http"), p.Next) // a wake-up is no promise of a change
	equal(t, "key", same.Events[0].Key, p.Events[0].Key)

	p = mustRead(t, r, recorded(t, "consul_missing.http"), p.Next)
	equal(t, "index of a 404", p.Next.ID(), "1")
	equal(t, "events of an empty 404", len(p.Events), 0)
	equal(t, "news of a new index", p.News, true)
	p = mustRead(t, r, recorded(t, "consul_missing.http"), p.Next)
	equal(t, "news of the same index", p.News, false)

	p = mustRead(t, r, ok("[]", "X-Consul-Index: 12321683101613696215"), at("15"))
	equal(t, "index above 63 bits", p.Next.ID(), "12321683101613696215")

	_, err := reader(t, "cursor {sse.header.X-Consul-Index}").Read(recorded(t, "consul_missing.http"), at("15"), nil)
	if err == nil {
		t.Error("a 404 that is not accepted was read")
	}
}

func TestDocumentValidators(t *testing.T) {
	t.Parallel()
	const date, old, fresh = "Date: Sat, 21 Nov 2026 01:00:10 GMT", "Last-Modified: Sat, 21 Nov 2026 01:00:09 GMT", "Last-Modified: Sat, 21 Nov 2026 01:00:10 GMT"
	modified := func(s string) string { return strings.TrimPrefix(s, "Last-Modified: ") }
	for _, c := range []struct {
		status int
		header []string
		want   Validators
	}{
		{200, []string{date, old}, Validators{LastModified: modified(old)}},
		{200, []string{date, fresh}, Validators{}},
		{200, []string{old}, Validators{}},
		{200, []string{date, "Last-Modified: yesterday"}, Validators{}},
		{200, []string{date, old, `ETag: W/"a"`}, Validators{ETag: `W/"a"`, LastModified: modified(old)}},
		{200, []string{date, fresh, `ETag: W/"a"`}, Validators{}},
		{200, []string{fresh, `ETag: W/"a"`}, Validators{ETag: `W/"a"`, LastModified: modified(fresh)}},
		{200, []string{date, "Last-Modified: yesterday", `ETag: "a"`}, Validators{ETag: `"a"`, LastModified: "yesterday"}},
		{200, []string{"ETag: unquoted"}, Validators{ETag: "unquoted"}},
		{200, []string{date, `ETag: W/"1795222809"`}, Validators{ETag: `W/"1795222809"`}},
		{200, []string{date, `ETag: W/"1795222810"`}, Validators{}},
		{200, []string{date, `ETag: 1795222811`}, Validators{}},
		{200, []string{date, `ETag: "9999999999"`}, Validators{ETag: `"9999999999"`}},
		{204, []string{date, old, `ETag: "a"`}, Validators{}},
		{304, []string{date, old, `ETag: "a"`}, Validators{}},
		{408, []string{date, old, `ETag: "a"`}, Validators{}},
	} {
		p := mustRead(t, reader(t, ""), status(c.status, "x", c.header...), at())
		if p.Validators != c.want || p.Next.ID() != "" {
			t.Errorf("%d %q: %+v, next %q, want %+v and no id", c.status, c.header, p.Validators, p.Next.ID(), c.want)
		}
	}
}

// The upstream can have read what it answers with when it got the request.
func TestTheContentOfAnAnswerCanBeOlderThanItsDate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		date string
		took time.Duration
		want bool
	}{
		{"Sat, 21 Nov 2026 01:00:10 GMT", 0, true},
		{"Sat, 21 Nov 2026 01:00:10 GMT", time.Millisecond, false},
		{"Sat, 21 Nov 2026 01:00:11 GMT", time.Millisecond, true},
		{"Sat, 21 Nov 2026 01:00:11 GMT", 2 * time.Second, false},
	} {
		resp := ok("x", "Date: "+c.date, "Last-Modified: Sat, 21 Nov 2026 01:00:09 GMT")
		resp.Took = c.took
		if p := mustRead(t, reader(t, ""), resp, at()); p.Validators != (Validators{}) != c.want {
			t.Errorf("%s after %s: %+v", c.date, c.took, p.Validators)
		}
	}
}

func TestAnyFormatIsADocumentThatIsSentAsPatches(t *testing.T) {
	for _, c := range []struct{ block, answer, want string }{
		{"format csv header", "id,n\n1,a\n", `[{"id":"1","n":"a"}]`},
		{"format csv", "1,a\n", `[["1","a"]]`},
		{"format lines", "a\n{\"n\":1}\n42\n", `["a",{"n":1},"42"]`},
		{"format text", "a \"b\"\r\n{\"n\":1}\n", `["a \"b\"","{\"n\":1}"]`},
		{"format csv header; data 0.n", "id,n\n1,a\n", `a`},
	} {
		p, err := NewReader(config(t, c.block+"; diff json_patch")).Read(ok(c.answer), position.Position{}, nil)
		if err != nil || len(p.Events) != 1 || string(p.Events[0].Data) != c.want {
			t.Errorf("%s of %q: %+v, %v", c.block, c.answer, p.Events, err)
		}
	}
}
