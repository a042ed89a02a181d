package page

import (
	"errors"
	"net/http"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// fuzzed are configurations that between them reach every way to read.
var fuzzed = []string{
	"", "format text", "format json; data a", "format jsonp; event a x", "format message", "format message; id id",
	"items @this", "id id", "items a; id id", "items a; id id; order newest_first", "items a; id id; order by_id; event t",
	"items a; id id; order overlap; data d", "items a; cursor c", "items a; id id; cursor c; cursor x {sse.header.X}; accept 404",
	"items a.#.b; id @this", "data @this|@pretty",
	"format xml", "format xml; items a.b; id -id; data #text", "format feed; id guid; order newest_first", "format feed", "format csv header; id id",
	"format csv |; cursor {sse.header.X}", "format lines", "format lines |; id id; ignore !id", "items a; id id; ignore d; more c; end !c n",
	"items a; ignore id 2 3; retry_after d", "ignore a; reset c n; retry_after c", "format text; reset {sse.status} 410; end {sse.header.X}",
}

// FuzzRead checks that whatever an upstream sends is an answer, an Error or a Refusal of
// bounded size, and that each event's position leads to exactly the events after it.
func FuzzRead(f *testing.F) {
	for i := range fuzzed {
		f.Add(i, 200, `{"a":[{"id":1,"d":"x","t":"y"},{"id":2},{"id":3,"d":null}],"c":"n"}`, "application/json", `"e"`, "", 0)
		f.Add(i, 200, `[{"id":"b"},{"id":"a"},{"id":"b"},{},5,"\u00e9"]`, "text/html; charset=iso-8859-1", "", "b", 1)
	}
	f.Add(3, 200, `/**/ typeof cb === 'function' && cb({"a":1});`, "", "", "", 0)
	f.Add(0, 200, ")]}',\n[1]", "text/plain; charset=utf-16", "", "", 0)
	f.Add(1, 200, "\xff\xfeh\x00", "", "", "", 0)
	f.Add(10, 200, `{"a":[{"id":0},{"id":-1},{"id":"00"},{"id":99999999999999999999}]}`, "", "", "-1", 2)
	f.Add(10, 200, `{"a":[{"id":0},{"id":"00"}]}`, "", "", "A", 0)
	f.Add(4, 408, "", "", "x", "y", 0)
	f.Add(0, 503, "", "", "", "", 0)
	f.Add(17, 200, `<?xml version="1.0" encoding="iso-8859-1"?><a x="1"><b id="1">t</b><c/><b id="2"><![CDATA[<]]>&eacute;</b></a>`, "", "", "1", 0)
	f.Add(18, 200, `<rss version="2.0"><channel><item><guid>2</guid></item><item><guid>1</guid><title>x</title></item></channel></rss>`, "", "", "", 0)
	f.Add(18, 200, `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"b"},{"id":"a"}]}`, "", "", "", 0)
	f.Add(19, 200, `<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><content type="xhtml"><p>x</p></content></entry></feed>`, "", `"e"`, "", 0)
	f.Add(20, 200, "id,text\n1,\"a\nb\"\n2", "text/csv", "", "1", 0)
	f.Add(21, 200, "1|a\n2|b\n", "", "x", "", 1)
	f.Add(22, 200, "a\r\nb\n\nb\nb", "", "", "", 2)
	f.Add(23, 200, `{"id":1}|x|{"id":2}|`, "", "", "1", 0)
	readers := make([]*Reader, len(fuzzed))
	for i, c := range fuzzed {
		readers[i] = reader(f, c)
	}
	f.Fuzz(func(t *testing.T, config, code int, body, contentType, header, cursor string, done int) {
		config = int(uint(config) % uint(len(readers)))
		r := readers[config]
		resp := Response{Status: code, Body: []byte(body), Header: http.Header{
			"Content-Type": {contentType}, "Etag": {header}, "X": {header}, "Retry-After": {header}, "Date": {cursor},
			"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {header}, "Ratelimit": {cursor},
		}}
		from := position.Position{Cursor: position.Cursor{cursor}}
		if done > 0 {
			from.Done, from.Print = done, position.Print{1}
		}
		var env value.Env
		p, err := r.Read(resp, from, &env)
		if err != nil {
			var failed *Error
			var refused *Refusal
			if !errors.As(err, &failed) && !errors.As(err, &refused) {
				t.Fatalf("%T is no error of ours: %v", err, err)
			}
			return
		}
		if string(resp.Body) != body {
			t.Fatal("the body was changed")
		}
		carryOn(t, r, resp, from, p)
		size := 0
		for _, e := range p.Events {
			if IsReserved(e.Type) {
				t.Fatalf("the type %q passes for a notice", e.Type)
			}
			size += len(e.Data)
		}
		if r.translates() {
			size = min(size, 3*len(body)) // it is bounded as a whole
		}
		if limit := 3*len(body) + 3; size > limit && fuzzed[config] != "data @this|@pretty" || len(p.Events) > decode.MaxItems || p.Wait < 0 || p.Wait > maxWait {
			t.Fatalf("%d bytes of data in %d events, wait %v, from %d bytes", size, len(p.Events), p.Wait, len(body))
		}
		if len(p.Next.Cursor) != len(r.names) {
			t.Fatalf("next has %d cursors, not %d", len(p.Next.Cursor), len(r.names))
		}
		if p.Reset {
			return
		}
		asked := make(position.Cursor, len(r.names))
		copy(asked, from.Cursor)
		if !p.News && (len(p.Events) > 0 || p.Next.Done != from.Done || !p.Next.Cursor.Equal(asked)) {
			t.Fatalf("no news with %d events, next %+v", len(p.Events), p.Next)
		}
		if r.Document() {
			return
		}
		if len(r.config.Ignore) == 0 && len(p.Events) > 0 && p.Events[len(p.Events)-1].At.ID() != p.Next.ID() {
			t.Fatalf("next is %q, the last event's position %q", p.Next.ID(), p.Events[len(p.Events)-1].At.ID())
		}
		reread(t, r, resp, p)
	})
}

// carryOn reads the answer as that of page after page, and checks that what is held back is decided, and
// is sent in full where nothing matches.
func carryOn(t *testing.T, r *Reader, resp Response, from position.Position, alone Page) {
	p, err := r.ReadOn(resp, from, nil, nil)
	if err != nil {
		t.Fatalf("who carries on gets %v", err)
	}
	if p.Carry == nil {
		if ids(p) != ids(alone) || p.Lost != alone.Lost {
			t.Fatalf("who carries on gets %q, lost %t, who does not %q, %t", ids(p), p.Lost, ids(alone), alone.Lost)
		}
		return
	}
	asked := make(position.Cursor, len(r.names))
	copy(asked, from.Cursor)
	if len(p.Events) > 0 || p.Next.Done != from.Done || !p.Next.Cursor.Equal(asked) || !p.News {
		t.Fatalf("what is left open sends %q and moves to %q", ids(p), p.Next.ID())
	}
	if settled := p.Carry.Settle(); ids(settled) != ids(alone) || settled.Lost != alone.Lost && len(alone.Events) > 0 {
		t.Fatalf("settled it is %q, lost %t, alone %q, %t", ids(settled), settled.Lost, ids(alone), alone.Lost)
	}
	for n := 0; p.Carry != nil; n++ {
		if n > maxCarried {
			t.Fatal("it is never decided")
		}
		if p, err = r.ReadOn(resp, from, p.Carry, nil); err != nil {
			return
		}
	}
}

// reread reads the page again from the position of each of its events.
func reread(t *testing.T, r *Reader, resp Response, p Page) {
	known := map[string]bool{}
	for _, e := range p.Events {
		if e.Key == "" || known[e.Key] {
			return // only unique ids lead to one place
		}
		known[e.Key] = true
	}
	for i, e := range p.Events[:min(len(p.Events), 20)] {
		if r.source != fromItems && e.At.Done == 0 {
			continue // the upstream would answer with another page
		}
		again, err := r.Read(resp, e.At, nil)
		if err != nil {
			t.Fatalf("read again from %q: %v", e.At.ID(), err)
		}
		if got, want := ids(again), ids(Page{Events: p.Events[i+1:]}); got != want || again.Lost {
			t.Fatalf("read again from %q: %q, want %q, lost %v", e.At.ID(), got, want, again.Lost)
		}
	}
}
