package page

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

func TestCursorNamesAreThoseThatIdsAreMadeOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config, names string
		document      bool
	}{
		{"", "", true},
		{"format text", "", true},
		{"cursor a; cursor b {sse.header.X}; cursor b c", ",b", true},
		{"id a", "", false},
		{"items a; id b", "", false},
		{"items a", "etag,last_modified", false},
		{"format message", "etag,last_modified", false},
		{"items a; id b; cursor z z; cursor y y; cursor z x", "z,y", false},
	} {
		r := reader(t, c.config)
		if got := strings.Join(r.Cursors(), ","); got != c.names || r.Document() != c.document {
			t.Errorf("%q: cursors %q, document %v; want %q, %v", c.config, got, r.Document(), c.names, c.document)
		}
	}
}

func TestAnEventOfABackendCannotPassForANotice(t *testing.T) {
	t.Parallel()
	for _, config := range []string{"items a; id n; event t", "event a.0.t"} {
		// what cannot stand in a line is dropped on the way, and many clients trim what is around a field
		for _, reserved := range []string{
			`bridge.reset`, `\nbridge.reset`, `bri\u0000dge.re\rset`, ` bridge.reset`, `  bridge.reset`, `\tbridge.reset`, `bridge.reset `, `\u00a0bridge.reset`,
			`\ufeffbridge.reset`, `\u2028bridge.reset`, `\u0085bridge.reset`, `\u001fbridge.reset`, ` \u0000 bridge.reset`, `\n \rbridge.`, `\u200bbridge.reset`,
		} {
			p := mustRead(t, reader(t, config), ok(`{"a":[{"n":1,"t":"`+reserved+`"},{"n":2,"t":"bridged"}]}`), at())
			if e := p.Events[0]; e.Type != "" || !strings.Contains(string(e.Data), reserved) {
				t.Errorf("%s: got the type %q, data %s", config, e.Type, e.Data)
			}
			if _, typ, _ := strings.Cut(string(sse.AppendEvent(nil, p.Events[0].Type, nil, "")), "event: "); typ != "" {
				t.Errorf("%s: a client gets %q", config, typ)
			}
			if last := p.Events[len(p.Events)-1]; len(p.Events) == 2 && last.Type != "bridged" {
				t.Errorf("%s: got the type %q of the last event", config, last.Type)
			}
		}
	}
}

func TestItemsAreFoundInTheBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, body, want string }{
		{"items a", `{"a":[1, "two" ,{"n": 3},null,[4]]}`, `1 two {"n": 3} null [4]`},
		{"items a", `{"a":{"n":1}}`, `{"n":1}`},
		{"items a", `{"a":"one"}`, `one`},
		{"items a", `{"a":["q\"\u00e9",""]}`, `q"é `},
		{"items a", `{"a":[]}`, ``},
		{"items a", `{"a":null}`, ``},
		{"items a", `{"b":[1]}`, ``},
		{"items @this", `[1,2]`, `1 2`},
		{"items @this", `{"n":1}`, `{"n":1}`},
		{"items @this", ` [ ] `, ``},
		{"items @this", `7`, `7`},
		{"id n", `[{"n":1},{"n":2}]`, `{"n":1} {"n":2}`},
		{"id n", `{"n":1}`, `{"n":1}`},
		{"id n", `null`, ``},
		{"id =x", `plain`, `plain`},
		{"items a.b", `{"a":{"b":[1]}}`, `1`},
		{"items a.#", `{"a":[1,2,3]}`, `3`},
		{"items a.#.n", `{"a":[{"n":1},{"m":1},{"n": [2] }]}`, `1 [2]`},
		{"items a.#(k==\"x\")#", `{"a":[{"k":"x","n":1},{"k":"y"},{"k":"x","n":2}]}`, `{"k":"x","n":1} {"k":"x","n":2}`},
		{"items @this|@reverse", `[1,2,3]`, `3 2 1`},
		{"items @values", `{"a":{"n":1},"b":{"n":2}}`, `{"n":1} {"n":2}`},
		{"items @pretty", `[{"n":1}]`, `{ "n": 1 }`},
		{"items a.1", `{"a":[[1],[2, 3]]}`, `2 3`},
	} {
		p := mustRead(t, reader(t, c.config), ok(c.body), at())
		if got := strings.Join(strings.Fields(datas(p)), " "); got != strings.TrimSpace(c.want) {
			t.Errorf("%q in %s: %s, want %s", c.config, c.body, got, c.want)
		}
		equal(t, "news", p.News, c.want != "")
	}
}

func TestItemsHaveTypesDataAndKeys(t *testing.T) {
	t.Parallel()
	p := mustRead(t, reader(t, "items a; id i; event t note; data d"), ok(`{"a":[
		{"i":1,"t":"x","d":{"k": 1.10}},
		{"i":"two","t":null,"d":"a\nb"},
		{"i":9007199254740993,"t":"","d":null},
		{"i":null,"d":[]},
		{"t":"x"}]}`), at())
	var got []string
	for _, e := range p.Events {
		got = append(got, fmt.Sprintf("%s|%s|%q", e.Key, e.Type, e.Data))
	}
	equal(t, "events", strings.Join(got, " "),
		`1|x|"{\"k\": 1.10}" two|note|"a\nb" 9007199254740993|note|"null" |note|"[]" |x|""`)
}

func TestDataThatNoItemHasIsAnErrorOnlyOnAFirstPage(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; id i; data text")
	_, err := r.Read(ok(`{"a":[{"i":1},{"i":2}]}`), at(), nil)
	if err == nil || !strings.Contains(err.Error(), "data path text found nothing") {
		t.Errorf("a first page: %v", err)
	}
	// later, one such item must not hold up those behind it
	p := mustRead(t, r, ok(`{"a":[{"i":3}]}`), at("2"))
	equal(t, "id", ids(p), "3")
	equal(t, "data", datas(p), "")
}

func TestAPageHasAtMostTenThousandItems(t *testing.T) {
	t.Parallel()
	r := reader(t, "items @this")
	p := mustRead(t, r, ok("["+strings.Repeat("1,", 9_999)+"1]"), at())
	equal(t, "events", len(p.Events), 10_000)
	_, err := r.Read(ok("["+strings.Repeat("1,", 10_000)+"1]"), at(), nil)
	if err == nil || !strings.Contains(err.Error(), "more than 10000 items") {
		t.Errorf("10,001 items: %v", err)
	}
}

// page writes items with these ids; "-" is none.
func page(ids ...string) string {
	var out []string
	for i, id := range ids {
		if id == "-" {
			out = append(out, fmt.Sprintf(`{"n":%d}`, i))
		} else {
			out = append(out, fmt.Sprintf(`{"id":%q,"n":%d}`, id, i))
		}
	}
	return "[" + strings.Join(out, ",") + "]"
}

func TestOrderAndWhatCameBefore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		order, from, page string
		want, next        string
		lost, stuck       bool
	}{
		{"", "", "1 2 3", "1 2 3", "3", false, false},
		{"", "1", "2 3", "2 3", "3", false, false},
		{"", "2", "1 2 3", "3", "3", false, false},
		{"", "3", "1 2 3", "", "3", false, true},
		{"", "9", "1 2 3", "1 2 3", "3", false, false}, // the upstream has begun again
		{"", "2", "3 2 1", "1", "1", false, false},
		{"", "b", "a b b c", "b~1.rM-mD4-K c", "c", false, false}, // the second b may have come since
		{"newest_first", "", "3 2 1", "1 2 3", "3", false, false},
		{"newest_first", "1", "3 2 1", "2 3", "3", false, false},
		{"newest_first", "3", "3 2 1", "", "3", false, false},
		{"newest_first", "0", "3 2 1", "1 2 3", "3", false, false},
		{"overlap", "", "1 2", "1 2", "2", false, false},
		{"overlap", "1", "1 2 3", "2 3", "3", false, false},
		{"overlap", "1", "0 1 2", "2", "2", false, false},
		{"overlap", "2", "2", "", "2", false, false},
		{"overlap", "1", "3 4", "3 4", "4", true, false},
		{"overlap", "1", "", "", "1", false, false},
		{"by_id", "", "10 9 100 -3", "-3 9 10 100", "100", false, false},
		{"by_id", "9", "10 9 007 100", "10 100", "100", false, false},
		{"by_id", "100", "10 9", "", "100", false, false},
		{"by_id", "-5", "-10 -5 -2 0", "-2 0", "0", false, false},
		{"by_id", "9223372036854775807", "9223372036854775808 9223372036854775806", "9223372036854775808", "9223372036854775808", false, false},
		{"by_id", "now", "2 1", "1 2", "2", false, false},
	} {
		r := reader(t, "id id; "+strings.TrimSuffix("order "+c.order, "order "))
		from := at()
		if c.from != "" {
			from = at(c.from)
		}
		p := mustRead(t, r, ok(page(strings.Fields(c.page)...)), from)
		if ids(p) != c.want || p.Next.ID() != c.next || p.Lost != c.lost || p.Stuck != c.stuck || p.News != (c.want != "") {
			t.Errorf("%s from %q, page %s: %q, next %s, lost %v, stuck %v, news %v; want %q, %s, %v, %v",
				c.order, c.from, c.page, ids(p), p.Next.ID(), p.Lost, p.Stuck, p.News, c.want, c.next, c.lost, c.stuck)
		}
	}
	for _, bad := range []string{"1 x", "1 -", "1 1.0", "1 +2", "1 1e3", "1 --2"} {
		_, err := reader(t, "id id; order by_id").Read(ok(page(strings.Fields(bad)...)), at(), nil)
		if err == nil || !strings.Contains(err.Error(), "id is not an integer in item 2 of 2") {
			t.Errorf("by_id with %q: %v", bad, err)
		}
	}
}

func TestPageCursors(t *testing.T) {
	t.Parallel()
	const config = "items a; cursor next; cursor last; cursor shard {sse.header.X-Shard}"
	for _, c := range []struct {
		name, body, from, next string
		events                 int
		news, stuck            bool
	}{
		{"first", `{"a":[1],"next":"n","last":"l"}`, "", "n,", 1, true, false},
		{"the first that is there", `{"a":[1],"next":"","last":"l"}`, "", "l,", 1, true, false},
		{"null is none", `{"a":[1],"next":null,"last":7}`, "", "7,", 1, true, false},
		{"absent keeps", `{"a":[]}`, "x,y", "x,y", 0, false, false},
		{"an empty page that moves", `{"a":[],"next":"z"}`, "x,y", "z,y", 0, true, false},
		{"an empty page that stands", `{"a":[],"next":"x"}`, "x,y", "x,y", 0, false, false},
		{"no items at all", `{"next":"z"}`, "x,", "z,", 0, true, false},
	} {
		from, _ := position.Parse(c.from, 2)
		p := mustRead(t, reader(t, config), ok(c.body), from)
		if p.Next.ID() != c.next || len(p.Events) != c.events || p.News != c.news || p.Stuck != c.stuck {
			t.Errorf("%s: next %s, %d events, news %v, stuck %v", c.name, p.Next.ID(), len(p.Events), p.News, p.Stuck)
		}
	}
	r := reader(t, config)
	for _, code := range []int{204, 304, 408, 404} {
		p, err := r.Read(status(code, "", "X-Shard: s2"), at("x", "s1"), nil)
		switch code {
		case 204: // the only answer of these
			equal(t, "next after 204", p.Next.ID(), "x,s2")
			equal(t, "news of 204", p.News, true)
		case 404:
			if err == nil {
				t.Error("404 was read")
			}
		default:
			equal(t, fmt.Sprint("next after ", code), p.Next.ID(), "x,s1")
		}
	}
}

func TestMessagesFollowTheValidators(t *testing.T) {
	t.Parallel()
	const second = "Last-Modified: Sat, 21 Nov 2026 01:00:00 GMT"
	r := reader(t, "format message")
	p := mustRead(t, r, ok("a", second, "ETag: 0"), position.Position{})
	q := mustRead(t, r, ok("b", second, "ETag: 1"), p.Next) // within the same second
	equal(t, "ids", ids(p)+" "+ids(q), "0,Sat%2C%2021%20Nov%202026%2001:00:00%20GMT 1,Sat%2C%2021%20Nov%202026%2001:00:00%20GMT")
	for _, code := range []int{204, 304, 408} {
		n := mustRead(t, r, status(code, "", "ETag: 9"), q.Next)
		if n.News || !n.Next.Cursor.Equal(q.Next.Cursor) {
			t.Errorf("%d moved %v to %v", code, q.Next.Cursor, n.Next.Cursor)
		}
	}
	empty := mustRead(t, r, ok("", second, "ETag: 2"), q.Next)
	if !empty.News || len(empty.Events) != 0 || empty.Next.Cursor[0] != "2" {
		t.Errorf("an empty message must not be asked for again: %+v", empty)
	}
	again := mustRead(t, r, ok("b", second, "ETag: 1"), q.Next)
	equal(t, "events of an answer that does not move", ids(again), again.Next.ID())
}

// Within its second, a list may change again without a new one.
func TestTheValidatorsOfAListCountOnceTheirSecondIsOver(t *testing.T) {
	t.Parallel()
	const (
		second   = "Last-Modified: Sat, 21 Nov 2026 01:00:00 GMT"
		within   = "Date: Sat, 21 Nov 2026 01:00:00 GMT"
		after    = "Date: Sat, 21 Nov 2026 01:00:01 GMT"
		modified = "Sat%2C%2021%20Nov%202026%2001:00:00%20GMT"
	)
	r := reader(t, "format lines")
	for _, c := range []struct {
		header []string
		id     string
	}{
		{[]string{second, within}, "~1"},
		{[]string{second}, "~1"},
		{[]string{second, after}, "," + modified + "~1"},
		{[]string{second, within, "ETag: 7"}, "~1"},
		{[]string{second, after, "ETag: 7"}, "7," + modified + "~1"},
	} {
		id, _, _ := strings.Cut(ids(mustRead(t, r, ok("a", c.header...), at())), ".")
		equal(t, fmt.Sprintf("the id with %q", c.header), id, c.id)
	}
	first := mustRead(t, r, ok("a", second, within), at())
	p := mustRead(t, r, ok("a\nb", second, after), first.Next)
	if id, _, _ := strings.Cut(ids(p), "."); id != ","+modified+"~2" || p.Lost {
		t.Errorf("what was added within the second: %+v", p)
	}
}

func TestRecordedPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, config, file, from, want, next string }{
		{"couchdb", "items results; id seq", "couchdb_changes.http", "", "1 2 3", "3"},
		{"couchdb from 1", "items results; id seq", "couchdb_changes.http", "1", "2 3", "3"},
		{"couchdb long poll", "items results; id seq", "couchdb_longpoll.http", "3", "4", "4"},
		{"chat", "id id; data txt", "chat_messages.http", "1", "2 3", "3"},
		{"chat without news", "id id; data txt", "chat_empty.http", "1", "", "1"},
		// X-Etcd-Index, 6, is where the watch began: from there 6 would be lost
		{"etcd", "items @this; id node.modifiedIndex; event action", "etcd_watch.http", "4", "5", "5"},
	} {
		from := at()
		if c.from != "" {
			from = at(c.from)
		}
		p := mustRead(t, reader(t, c.config), recorded(t, c.file), from)
		if ids(p) != c.want || p.Next.ID() != c.next {
			t.Errorf("%s: %q, next %s; want %q, %s", c.name, ids(p), p.Next.ID(), c.want, c.next)
		}
	}
	html := mustRead(t, reader(t, ""), recorded(t, "chat_html.http"), at()).Events[0]
	equal(t, "html", string(html.Data), "<li id=\"m1\"><b>bob</b> hi 1</li>\n<li id=\"m2\"><b>bob</b> hi 2</li>\n<li id=\"m3\"><b>bob</b> hi 3</li>")
}

func TestItemsThatAreMissingAreToldFromNone(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{`{"message":[]}`: true, `{"messages":[]}`: false, `{"messages":null}`: false, `{"messages":[{"id":1}]}`: false, ``: false} {
		p, err := reader(t, "items messages; id id").Read(ok(body), position.Position{}, nil)
		if err != nil || p.Itemless != want {
			t.Errorf("%s: Itemless is %t, %v", body, p.Itemless, err)
		}
	}
}

func TestAPageWhoseItemsHaveNoIDsSaysSo(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{`[{"id":1},{"x":2}]`: false, `[{"x":1},{"x":2}]`: true, `[]`: false} {
		p, err := reader(t, "items @this; id id").Read(ok(body), position.Position{}, nil)
		if err != nil || p.Idless != want {
			t.Errorf("%s: Idless is %t, %v", body, p.Idless, err)
		}
	}
	if p := mustRead(t, reader(t, "items @this"), ok(`[{"x":1}]`), at()); p.Idless {
		t.Error("an id is missing that is not configured")
	}
}

func TestOnlyAPollWithACursorIsStuck(t *testing.T) {
	t.Parallel()
	for _, unsent := range []bool{false, true} {
		c := config(t, "items a")
		c.Unsent = unsent
		r := NewReader(c)
		first := mustRead(t, r, ok(`{"a":[1,2]}`), at("", ""))
		if again := mustRead(t, r, ok(`{"a":[1,2]}`), first.Next); again.News || again.Stuck == unsent {
			t.Errorf("without a cursor, %t: %+v", unsent, again)
		}
	}
}
