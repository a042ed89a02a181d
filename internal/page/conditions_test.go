package page

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func TestIgnoredItemsMoveTheCursor(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; id id; ignore type heartbeat; ignore !id")
	p := mustRead(t, r, ok(`{"a":[{"id":1},{"id":2,"type":"heartbeat"},{"id":3},{"id":4,"type":"heartbeat"},{"x":1}]}`), at("0"))
	equal(t, "ids", ids(p), "1 3")
	equal(t, "cursor", p.Next.Cursor[0], "4")
	equal(t, "news", p.News, true)
	p = mustRead(t, r, ok(`{"a":[{"id":5,"type":"heartbeat"}]}`), at("4"))
	equal(t, "next", p.Next.ID(), "5")
	equal(t, "events", len(p.Events), 0)
	equal(t, "news", p.News, true)
	equal(t, "stuck", p.Stuck, false)
	p = mustRead(t, r, ok(`{"a":[{"type":"heartbeat"}]}`), at("4"))
	equal(t, "stuck by an item without an id", p.Stuck, false)
}

func TestIgnoredItemsCountWhereAPageIsReadAgain(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; cursor next; ignore skip")
	page := ok(`{"a":[{"n":1},{"skip":true},{"n":2},{"n":3}],"next":"c2"}`)
	p := mustRead(t, r, page, at("c1"))
	equal(t, "done", p.Events[1].At.Done, 3)
	again := mustRead(t, r, page, p.Events[1].At)
	equal(t, "the rest", datas(again), `{"n":3}`)
	equal(t, "next", again.Next.ID(), "c2")
}

func TestIgnoredDocumentIsNoNews(t *testing.T) {
	t.Parallel()
	r := reader(t, "ignore state loading; cursor {sse.header.X-Index}")
	p := mustRead(t, r, ok(`{"state":"loading"}`), at(""))
	equal(t, "events", len(p.Events), 0)
	equal(t, "news", p.News, false)
	p = mustRead(t, r, ok(`{"state":"loading"}`, "X-Index: 7"), at(""))
	equal(t, "next", p.Next.Cursor[0], "7")
	p = mustRead(t, r, ok(`{"state":"ready"}`), at(""))
	equal(t, "events", len(p.Events), 1)
}

func TestMoreAndEndAreSeenInAnswers(t *testing.T) {
	t.Parallel()
	r := reader(t, "items data; id id; more has_more; more next; end state done failed; accept 404")
	for _, c := range []struct {
		resp      Response
		more, end bool
	}{
		{ok(`{"data":[{"id":1}]}`), false, false},
		{ok(`{"data":[{"id":1}],"has_more":false,"state":"running"}`), false, false},
		{ok(`{"data":[{"id":1}],"has_more":true}`), true, false},
		{ok(`{"data":[],"next":"/x","state":"failed"}`), true, true},
		{status(404, `{"state":"done"}`), false, true},
		{status(204, ""), false, false},
		{status(304, `{"state":"done"}`), false, false},
	} {
		p := mustRead(t, r, c.resp, at("0"))
		if p.More != c.more || p.End != c.end {
			t.Errorf("%d %s: more %v, end %v", c.resp.Status, c.resp.Body, p.More, p.End)
		}
	}
	if _, err := r.Read(status(500, `{"state":"done"}`), at("0"), nil); err == nil {
		t.Error("an error is the end")
	}
}

func TestResetIsSeenInErrorsToo(t *testing.T) {
	t.Parallel()
	const cleared = `{"errorCode":401,"message":"The event in requested index is outdated and cleared","index":1019}`
	for _, c := range []struct {
		config string
		resp   Response
		reset  bool
	}{
		{"items @this; id node.modifiedIndex; reset errorCode 401", status(400, cleared), true},
		{"items @this; id node.modifiedIndex; reset errorCode 401", status(400, `{"errorCode":100}`), false},
		{"items @this; id node.modifiedIndex; reset errorCode 401", recorded(t, "etcd_outdated.http"), true},
		{"format text; reset errorCode 401", status(400, cleared), true},
		{"format text; reset errorCode 401", ok(cleared), false},
		{"format message; reset errorCode 401", status(400, cleared), true},
		{"format lines; reset errorCode 401", status(400, cleared), true},
		{"format lines; reset errorCode 401", ok(cleared), true},
		{"format lines; reset errorCode 401", ok(cleared + "\r\n"), true},
		{"format lines; reset errorCode 401", ok(`{"errorCode":0}` + "\n" + cleared), false},
		{"format csv; reset errorCode 401", ok(cleared), true},
		{"format feed; reset errorCode 401", ok(cleared), true},
		{"format xml; items a; reset Error.Code Gone", status(404, "<Error><Code>Gone</Code></Error>"), true},
		{"format xml; items a; reset errorCode 401", status(400, cleared), true},
		{"items a; reset {sse.status} 409 410", status(410, "gone"), true},
		{"items a; reset {sse.status} 410", status(503, ""), false},
		{"items a; reset !ok", status(502, "<html>Bad gateway</html>"), false},
		{"items a; reset !ok", status(304, ""), false},
		{"items a; reset !ok", ok(`{"a":[]}`), true},
		{"reset error.code; reset code BAD_EVENT_QUEUE_ID", status(400, `{"code":"BAD_EVENT_QUEUE_ID"}`), true},
	} {
		r := reader(t, c.config)
		from := at(make([]string, len(r.names))...)
		for i := range from.Cursor {
			from.Cursor[i] = "7"
		}
		var env value.Env
		p, err := r.Read(c.resp, from, &env)
		if c.reset && (err != nil || !p.Reset || p.News || len(p.Events) > 0 || p.Next.ID() != from.ID()) || !c.reset && p.Reset {
			t.Errorf("%s of %d %s: %+v, %v", c.config, c.resp.Status, c.resp.Body, p, err)
		}
		equal(t, "status in env", env.Status, c.resp.Status)
	}
}

func TestAnAnswerForWhichFailHoldsIsAnError(t *testing.T) {
	t.Parallel()
	const rpc = `{"jsonrpc":"2.0","id":1,"error":{"code":200,"message":"Odoo Server Error"},"result":[{"id":9}]}`
	for _, c := range []struct {
		config string
		resp   Response
		want   string
		wait   time.Duration
		later  bool
	}{
		{"items result; id id; fail error", ok(rpc), "the condition `fail error` holds", 0, false},
		{"items result; id id; fail !ok; fail error", ok(rpc), "the condition `fail !ok` holds", 0, false},
		{"items result; id id; fail error.code 100 200", ok(rpc), "fail error.code 100 200", 0, false},
		{"items result; id id; ignore {sse.status} 200; fail error", ok(rpc), "fail error", 0, false},
		{"fail error", ok(rpc), "fail error", 0, false},
		{"format message; fail error", ok(rpc), "fail error", 0, false},
		{"format lines; fail error", ok(rpc + "\n"), "fail error", 0, false},
		{"format csv; fail error", ok(rpc), "fail error", 0, false},
		{"format feed; fail error", ok(rpc), "fail error", 0, false},
		{"accept 404; fail error", status(404, rpc), "fail error", 0, false},
		{"items result; id id; fail {sse.header.X-Error}", ok("<html>", "X-Error: yes"), "fail {sse.header.X-Error}", 0, false},
		{"fail {sse.status} 204", status(204, ""), "fail {sse.status} 204", 0, false},
		{"fail error", ok(rpc, "Retry-After: 7"), "fail error", 7 * time.Second, true},
		{"fail error; retry_after error.code", ok(rpc), "fail error", 200 * time.Second, true},
		{"fail error", ok(rpc, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 9"), "fail error", 9 * time.Second, true},

		{"items result; id id; fail error", ok(`{"result":[{"id":1}]}`), "", 0, false},
		{"items result; id id; fail !ok", ok(`{"ok":true,"result":[]}`), "", 0, false},
		{"fail !ok", ok("<html>Log in</html>"), "", 0, false}, // no JSON, so that nothing is known of it
		{"fail error", status(304, ""), "", 0, false},
		{"items result; reset error.code 200; fail error", ok(rpc), "", 0, false}, // a reset
	} {
		r := reader(t, c.config)
		from := at(make([]string, len(r.names))...)
		p, err := r.Read(c.resp, from, nil)
		failed := new(Error)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s of %d %s: %v", c.config, c.resp.Status, c.resp.Body, err)
		case c.want != "" && (!errors.As(err, &failed) || failed.Comment != Reported || !strings.Contains(failed.Err.Error(), c.want) || failed.Wait != c.wait || failed.Later != c.later):
			t.Errorf("%s of %d %s: %+v, %+v", c.config, c.resp.Status, c.resp.Body, p, err)
		}
	}
	var refusal *Refusal
	if _, err := reader(t, "fail error").Read(status(403, rpc), at(), nil); !errors.As(err, &refusal) {
		t.Errorf("fail changes a refusal: %v", err)
	}
}

func TestRetryAfterInTheBodyLengthensTheWait(t *testing.T) {
	t.Parallel()
	r := reader(t, "items result; retry_after parameters.retry_after")
	const limited = `{"ok":false,"parameters":{"retry_after":35}}`
	_, err := r.Read(status(429, limited), at("", ""), nil)
	var failed *Error
	if !errors.As(err, &failed) || failed.Wait != 35*time.Second {
		t.Errorf("429: %+v", err)
	}
	_, err = r.Read(status(429, limited, "Retry-After: 60"), at("", ""), nil)
	if !errors.As(err, &failed) || failed.Wait != time.Minute {
		t.Errorf("429 with a header: %+v", err)
	}
	for after, want := range map[string]time.Duration{
		`1.5`: 1500 * time.Millisecond, `"2"`: 2 * time.Second, `-1`: 0, `null`: 0, `"soon"`: 0, `1e400`: maxWait, `"NaN"`: 0, `1e9`: maxWait, `{}`: 0, `"-Inf"`: 0,
	} {
		p := mustRead(t, r, ok(strings.Replace(limited, "35", after, 1)), at("", ""))
		equal(t, "wait after "+after, p.Wait, want)
	}
}

func TestWhatIsIgnoredAsAWholeIsNotReadAndItsCursorCounts(t *testing.T) {
	t.Parallel()
	const html = "<html><p>session expired</p></html>"
	const whole = "accept 409; ignore {sse.status} 409; cursor {sse.header.X-Sid}; "
	program := config(t, whole)
	program.Program, _ = jq.Parse(".body.ok")
	program.ProgramCursors, program.Cursors = []string{""}, nil
	for name, r := range map[string]*Reader{
		"a document":            reader(t, whole+"data ok"),
		"a document of JSON":    reader(t, whole+"data ok; format json"),
		"JSONP":                 reader(t, whole+"data ok; format jsonp"),
		"text":                  reader(t, whole+"format text"),
		"messages":              reader(t, whole+"data ok; format message"),
		"items":                 reader(t, whole+"items a; id n"),
		"the answer as a list":  reader(t, whole+"items @this; data n"),
		"items that are sorted": reader(t, whole+"items a; id n; order by_id"),
		"XML":                   reader(t, whole+"format xml; items a.b"),
		"a feed":                reader(t, whole+"format feed; id guid"),
		"a table":               reader(t, whole+"format csv header; id id"),
		"lines":                 reader(t, whole+"format lines"),
		"a header":              reader(t, strings.Replace(whole, "{sse.status} 409", "{sse.header.X-Sid}", 1)+"data ok"),
		"what is not there":     reader(t, strings.Replace(whole, "{sse.status} 409", "!{sse.header.X-Data}", 1)+"data ok"),
		"a program":             NewReader(program),
	} {
		p, err := r.Read(status(409, html, "X-Sid: s2"), at("s1"), nil)
		want := "s2"
		if name == "a program" {
			want = "s1" // which has the cursor
		}
		if err != nil || len(p.Events) > 0 || p.Next.ID() != want || p.News != (want == "s2") {
			t.Errorf("%s: %d events, next %s, news %t, %v", name, len(p.Events), p.Next.ID(), p.News, err)
		}
		if found := r.Explain(status(409, html, "X-Sid: s2"), nil); !found.Passed || found.Ignored == 0 {
			t.Errorf("%s: it is explained as %+v", name, found)
		}
	}
	body := mustRead(t, reader(t, "accept 409; ignore {sse.status} 409; cursor sid; data ok"), status(409, `{"sid":"s2"}`), at("s1"))
	equal(t, "a cursor in the body", body.Next.ID(), "s2")

	for name, c := range map[string]string{
		"a path, of what is no JSON":      "accept 409; data ok; ignore !ok",
		"another status":                  "accept 409; data ok; ignore {sse.status} 410",
		"what looks into the item":        "accept 409; items a; ignore !{sse.item.ok}",
		"a path into the item":            "accept 409; items a; ignore !ok",
		"a path into what is no JSON":     "accept 409; items a; ignore !{sse.body.ok}",
		"a condition on the item's bytes": "accept 409; items a; ignore !{sse.item}",
	} {
		if p, err := reader(t, c).Read(status(409, html), at(), nil); err == nil {
			t.Errorf("%s: it passed, with %+v", name, p)
		}
	}
}

func TestReopenLooksAtEveryAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config string
		resp   Response
		reopen bool
	}{
		{"items updates; cursor ts; reopen failed 2", ok(`{"failed":2}`), true},
		{"items updates; cursor ts; reopen failed 2", ok(`{"failed":3}`), false},
		{"items updates; cursor ts; reset failed 2; reopen failed 2", ok(`{"failed":2}`), false},
		{"items updates; cursor ts; fail failed; reopen failed 2", ok(`{"failed":2}`), true},
		{"items updates; cursor ts; reopen {sse.status} 404", status(404, ""), true},
		{"items updates; cursor ts; reopen {sse.status} 500", status(500, ""), true},
		{"format text; cursor {sse.header.X}; reopen code expired", status(401, `{"code":"expired"}`), true},
		{"format lines; cursor {sse.header.X}; reopen code expired", ok(`{"code":"expired"}`), true},
		{"items updates; cursor ts; reopen !updates", ok("<html>"), false},
	} {
		p, _ := reader(t, c.config).Read(c.resp, at("7"), nil)
		if p.Reopen != c.reopen || c.reopen && (p.News || p.Lost || p.Next.ID() != "7") {
			t.Errorf("%s of %d %s: %+v", c.config, c.resp.Status, c.resp.Body, p)
		}
	}
}

func TestRetryAfterHasAUnit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config, body string
		want         time.Duration
	}{
		{"retry_after w", `{"w":30}`, 30 * time.Second},
		{"retry_after w s", `{"w":30}`, 30 * time.Second},
		{"retry_after w ms", `{"w":1500}`, 1500 * time.Millisecond},
		{"retry_after w ms", `{"w":"2500.5"}`, 2500500 * time.Microsecond},
		{"retry_after w m", `{"w":0.5}`, 30 * time.Second},
		{"retry_after w h", `{"w":1}`, time.Hour},
		{"retry_after w h", `{"w":1e300}`, time.Hour},
		{"retry_after w ms", `{"w":-1}`, 0},
	} {
		equal(t, c.config+" of "+c.body, mustRead(t, reader(t, c.config), ok(c.body), at()).Wait, c.want)
	}
}

func TestAGapIsBeforeTheEventsOfItsAnswer(t *testing.T) {
	t.Parallel()
	const limited = `{"a":[{"id":7},{"id":8}],"c":"s2","limited":true}`
	for _, c := range []struct {
		config string
		body   string
		from   position.Position
		want   string
		lost   bool
	}{
		{"items a; cursor c; gap limited", limited, at("s1"), "s2", true},
		{"items a; cursor c; gap limited", `{"a":[{"id":7}],"c":"s2","limited":false}`, at("s1"), "s2", false},
		{"items a; cursor c; gap {sse.status} 200", limited, at("s1"), "s2", true},
		{"items a; id id; gap limited", limited, at("5"), "8", true},
		{"items a; id id; order by_id; gap limited", limited, at("5"), "8", true},
		{"items a; cursor c; gap limited", `{"a":[],"c":"s2","limited":true}`, at("s1"), "s2", true},
		{"items a; cursor c; ignore id; gap limited", limited, at("s1"), "s2", true},
		{"format lines; cursor {sse.header.X}; gap {sse.header.Cut}", "a\nb\n", at("s1"), "s1~2.vV5pKpYi", true},

		{"items a; cursor c; gap limited", limited, at(""), "s2", false},                              // a newcomer misses nothing
		{"items a; cursor c; gap limited", `{"a":[],"c":"s1","limited":true}`, at("s1"), "s1", false}, // nothing comes behind the gap
		{"items a; id id; gap limited", `{"a":[{"id":5}],"limited":true}`, at("5"), "5", false},       // nor here
		{"items a; cursor c; reset limited; gap limited", limited, at("s1"), "s1", false},             // a reset
		{"format lines; cursor {sse.header.X}; gap {sse.header.Other}", "a\nb\n", at("s1"), "s1~2.vV5pKpYi", false},
	} {
		p, err := reader(t, c.config).Read(ok(c.body, "Cut: yes"), c.from, nil)
		if err != nil || p.Lost != c.lost || p.Next.ID() != c.want {
			t.Errorf("%s of %s: Lost %v, Next %s, %v", c.config, c.body, p.Lost, p.Next.ID(), err)
		}
	}
}

// A client within a page has had the announcement before the page.
func TestAGapIsNotAnnouncedAgainWithinItsPage(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; cursor c; gap limited")
	const limited = `{"a":[{"id":7},{"id":8}],"c":"s2","limited":true}`
	first := mustRead(t, r, ok(limited), at("s1"))
	again := mustRead(t, r, ok(limited), first.Events[0].At)
	if again.Lost || len(again.Events) != 1 {
		t.Errorf("Lost %v with %d events", again.Lost, len(again.Events))
	}
	other := mustRead(t, r, ok(`{"a":[{"id":9},{"id":10}],"c":"s2","limited":true}`), first.Events[0].At)
	if !other.Lost || len(other.Events) != 2 {
		t.Errorf("of another page: Lost %v with %d events", other.Lost, len(other.Events))
	}
}

// What is held back until the next page decides about it keeps the gap before it.
func TestAGapIsCarriedWithWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	r := reader(t, "items a; cursor c; gap limited")
	from := within(t, r, "s1", 3)
	held := mustReadOn(t, r, ok(`{"a":[8,9],"c":"s2","limited":true}`), from, nil)
	if held.Carry == nil || held.Lost {
		t.Fatalf("%+v", held)
	}
	for name, p := range map[string]Page{
		"settled":        held.Carry.Settle(),
		"another page":   mustReadOn(t, r, numbered("s3", "10 11 12"), from, held.Carry),
		"no more":        mustReadOn(t, r, numbered("s2", ""), from, held.Carry),
		"nothing at all": mustReadOn(t, r, status(304, ""), from, held.Carry),
	} {
		if !p.Lost || len(p.Events) < 2 {
			t.Errorf("%s: Lost %v with %d events", name, p.Lost, len(p.Events))
		}
	}
}
