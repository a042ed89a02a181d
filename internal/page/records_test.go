package page

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// records makes records of texts. A text may begin with fields, such as "Id: 7|".
func records(texts ...string) (list []decode.Record) {
	for _, text := range texts {
		record := decode.Record{Body: []byte(text)}
		for {
			field, rest, ok := strings.Cut(text, "|")
			if !ok {
				break
			}
			name, v, _ := strings.Cut(field, ": ")
			if record.Header == nil {
				record.Header = make(http.Header)
			}
			record.Header.Set(name, v)
			if text, record.Body = rest, []byte(rest); rest == "" {
				record.Body = nil
			}
		}
		list = append(list, record)
	}
	return list
}

// readRecords reads batches of records, and returns what each page says.
func readRecords(t *testing.T, r *Reader, from position.Position, batches ...[]decode.Record) string {
	t.Helper()
	s := r.Records(Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain"}, "X-All": {"all"}}}, from)
	var pages []string
	for _, batch := range batches {
		for len(batch) > 0 {
			p, n, err := s.Read(batch, new(value.Env))
			if failed, ok := errors.AsType[*Error](err); ok {
				pages = append(pages, "error: "+failed.Err.Error())
				s.Skip()
				n = 1
			} else {
				pages = append(pages, describePage(p))
			}
			batch = batch[n:]
		}
	}
	return strings.Join(pages, "; ")
}

func describePage(p Page) string {
	var words []string
	for what, is := range map[string]bool{"lost": p.Lost, "reset": p.Reset, "restarted": p.Restarted, "end": p.End, "more": p.More, "old": !p.News && !p.Reset && !p.Restarted} {
		if is {
			words = append(words, what)
		}
	}
	slices.Sort(words)
	for _, e := range p.Events {
		id, _, _ := strings.Cut(e.At.ID(), ".")
		words = append(words, strings.TrimPrefix(e.Type+"=", "=")+string(e.Data)+"#"+id)
	}
	id, _, _ := strings.Cut(p.Next.ID(), ".")
	return strings.Join(append(words, ">"+id), " ")
}

func TestRecordsBecomeEvents(t *testing.T) {
	t.Parallel()
	const zero = ""
	for name, c := range map[string]struct {
		config  string
		from    string
		batches [][]decode.Record
		want    string
	}{
		"records with ids": {
			"format lines; id id; data t", zero,
			[][]decode.Record{records(`{"id":1,"t":"a"}`, `{"id":2,"t":"b"}`), records(`{"id":3,"t":"c"}`)},
			"a#1 b#2 >2; c#3 >3",
		},
		"records without an id are counted": {
			"format lines; id id; data t", zero,
			[][]decode.Record{records(`{"t":"a"}`, `{"id":2,"t":"b"}`), records(`{"t":"c"}`, `{"t":"c"}`), records(`{"id":3,"t":"d"}`)},
			"a#~1 b#2 >2; c#2~1 c#2~2 >2~2; d#3 >3",
		},
		"so are those with the id of the one before": {
			"format lines; id id; data t", zero,
			[][]decode.Record{records(`{"id":1,"t":"a"}`, `{"id":1,"t":"b"}`), records(`{"id":2,"t":"c"}`, `{"id":1,"t":"d"}`)},
			"a#1 b#1~1 >1~1; c#2 d#1 >1",
		},
		"an ignored record moves the cursor, if it has one": {
			"format lines; id id; data t; ignore skip", zero,
			[][]decode.Record{records(`{"id":1,"t":"a"}`), records(`{"id":2,"skip":true}`), records(`{"skip":true}`), records(`{"t":"b"}`)},
			"a#1 >1; >2; old >2; b#2~1 >2~1",
		},
		"several items of one record": {
			"format json; items e; id r; data t", zero,
			[][]decode.Record{records(`{"e":[{"r":4,"t":"a"},{"r":5,"t":"b"},{"r":5,"t":"c"}]}`, `{"created":true}`, `{"e":[{"r":6,"t":"d"}]}`)},
			"a#4 b#4~1 c#5 d#6 >6",
		},
		"a cursor of the record": {
			"format json; items e; cursor c; data t", "7",
			[][]decode.Record{records(`{"c":8}`, `{"c":9,"e":[{"t":"a"},{"t":"b"}]}`, `{"e":[{"t":"c"}]}`)},
			"a#8~1 b#9 c#9~1 >9~1",
		},
		"a record that is a list is one item": {
			"format json; id 0", zero,
			[][]decode.Record{records(`[1,[2]]`, `[3]`)},
			"[1,[2]]#1 [3]#3 >3",
		},
		"records of text": {
			"format lines", zero,
			[][]decode.Record{records("a", "a"), records(" b")},
			"a#~1 a#~2 >~2;  b#~3 >~3",
		},
		"an event stream": {
			"format sse", zero,
			[][]decode.Record{records("Id: x|Event: news|a", "b"), records("Id: y|"), records("Event: bridge.alive|{}", "Event: bridge.position|Id: z|{}")},
			"news=a#x b#x~1 >x~1; >y; >z",
		},
		"another bridge has lost something": {
			"format sse", "w",
			[][]decode.Record{records("Id: x|a", "Event: bridge.reset|{}", "Id: y|b", "Event: bridge.busy|{}")},
			"a#x >x; lost b#y >y",
		},
		"an event stream whose data has ids": {
			"format sse; id n; data t; ignore {sse.header.Event} ping", "4",
			[][]decode.Record{records("Event: ping|now", `Id: x|{"n":5,"t":"a"}`)},
			"a#5 >5",
		},
		"parts with validators": {
			"format multipart", zero,
			[][]decode.Record{records("Etag: 0|Last-Modified: Mon|a", "Etag: 1|Last-Modified: Mon|b"), records("c")},
			"a#0,Mon b#1,Mon >1,Mon; c#1,Mon~1 >1,Mon~1",
		},
		"parts in charsets of their own": {
			"format multipart; id id", zero,
			[][]decode.Record{records("Content-Type: text/plain; charset=iso-8859-1|{\"id\":\"caf\xe9\"}", "\ufeff{\"id\":\"é\"}")},
			`{"id":"café"}#caf%C3%A9 {"id":"é"}#%C3%A9 >%C3%A9`,
		},
		"a record may begin with a byte order mark": {
			"format lines; id id; data t", zero,
			[][]decode.Record{records("\ufeff{\"id\":1,\"t\":\"a\"}", `{"id":2,"t":"b"}`)},
			"a#1 b#2 >2",
		},
		"so may an event": {
			"format sse; id id; data t", zero,
			[][]decode.Record{records("\ufeff{\"id\":1,\"t\":\"a\"}")},
			"a#1 >1",
		},
		"records in UTF-8 are not converted": {
			"format lines", zero,
			[][]decode.Record{records("\xff\xfea\x00")},
			"\xff\xfea\x00#~1 >~1",
		},
		"fields of a part, and of the answer": {
			"format multipart; cursor {sse.header.X-N}; event {sse.header.X-All}", zero,
			[][]decode.Record{records("X-N: 1|a"), records("b")},
			"all=a#1 >1; all=b#1~1 >1~1",
		},
		"calls": {
			"format scripts; id id; event {sse.header.Call}; ignore {sse.header.Call} parent.ping", zero,
			[][]decode.Record{records(`Call: parent.ping|1`, `Call: parent.push|{"id":7}`)},
			`parent.push={"id":7}#7 >7`,
		},
		"the upstream begins with the record that it was asked by": {
			"format lines; id id; data t", "2",
			[][]decode.Record{records(`{"id":2,"t":"b"}`), records(`{"id":3,"t":"c"}`, `{"id":2,"t":"b"}`)},
			"old >2; c#3 b#2 >2",
		},
		"it should begin with it, and does not": {
			"format lines; id id; data t; order overlap", "2",
			[][]decode.Record{records(`{"id":4,"t":"d"}`)},
			"lost d#4 >4",
		},
		"it begins with it, as it should": {
			"format lines; id id; data t; order overlap", "2",
			[][]decode.Record{records(`{"id":2,"t":"b"}`), records(`{"id":3,"t":"c"}`), records(`{"id":4,"t":"d"}`)},
			"old >2; c#3 >3; d#4 >4",
		},
		"with a sign of life before it": {
			"format lines; id id; data t; order overlap; ignore skip", "2",
			[][]decode.Record{records(`{"skip":true}`), records(`{"id":2,"t":"b"}`, `{"id":3,"t":"c"}`)},
			"old >2; c#3 >3",
		},
		"of ids that grow": {
			"format lines; id id; data t; order by_id overlap", "2",
			[][]decode.Record{records(`{"id":2,"t":"b"}`), records(`{"id":3,"t":"c"}`), records(`{"id":4,"t":"d"}`)},
			"old >2; c#3 >3; d#4 >4",
		},
		"of ids that grow, it does not": {
			"format lines; id id; data t; order by_id overlap", "2",
			[][]decode.Record{records(`{"id":3,"t":"c"}`), records(`{"id":4,"t":"d"}`)},
			"lost c#3 >3; d#4 >4",
		},
		"ids that grow": {
			"format lines; id id; data t; order by_id", "2",
			[][]decode.Record{records(`{"id":3,"t":"c"}`, `{"id":3,"t":"c"}`, `{"id":2,"t":"b"}`, `{"id":10,"t":"d"}`)},
			"c#3 d#10 >10",
		},
		"the upstream counts anew": {
			"format lines; id id; data t", "20",
			[][]decode.Record{records(`{"t":"a"}`, `{"id":3,"t":"c"}`)},
			"a#20~1 >20~1; restarted >20~1",
		},
		"it says so": {
			"format lines; id id; data t; epoch run", zero,
			[][]decode.Record{records(`{"id":1,"t":"a","run":1}`, `{"id":2,"t":"b","run":2}`)},
			"a#1!1 >1!1; restarted >2!1",
		},
		"conditions": {
			"format lines; id id; data t; reset gone; end over; more more; gap hole", zero,
			[][]decode.Record{records(`{"id":1,"t":"a"}`, `{"gone":true}`), records(`{"id":2,"t":"b","more":true}`), records(`{"id":3,"t":"c"}`, `{"id":4,"hole":1,"t":"d"}`, `{"id":5,"over":1,"t":"e"}`, `{"id":6,"t":"f"}`)},
			"a#1 >1; reset >1; more b#2 >2; c#3 >3; end lost d#4 e#5 >5; f#6 >6",
		},
		"a record that is no JSON": {
			"format lines; id id; data t", zero,
			[][]decode.Record{records(`{"id":1,"t":"a"}`, `{oops`, `{"id":2,"t":"b"}`)},
			"a#1 >1; error: JSON that ends early where a record of JSON was expected; b#2 >2",
		},
		"unless a condition passes it over": {
			"format lines; id id; data t; ignore {sse.item} ping", zero,
			[][]decode.Record{records(`{"id":1,"t":"a"}`, `ping`, `{"id":2,"t":"b"}`)},
			"a#1 b#2 >2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader(t, "stream; "+c.config)
			var from position.Position
			if c.from != "" {
				from.Cursor = position.Cursor{c.from}
			}
			if got := readRecords(t, r, from, c.batches...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRecordsAreReadAlikeHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	var all []decode.Record
	for i := range 12 {
		all = append(all, records(fmt.Sprintf(`{"id":%d,"t":"%d"}`, i/2, i), fmt.Sprintf(`{"t":"%d"}`, i))...)
	}
	r := reader(t, "stream; format lines; id id; data t")
	events := func(batches ...[]decode.Record) (out []string) {
		for word := range strings.FieldsSeq(readRecords(t, r, position.Position{}, batches...)) {
			if !strings.HasPrefix(word, ">") {
				out = append(out, word)
			}
		}
		return out
	}
	want := events(all)
	for at := 1; at < len(all); at++ {
		if got := events(all[:at], all[at:]); !slices.Equal(got, want) {
			t.Errorf("cut at %d: %v, not %v", at, got, want)
		}
	}
}

func BenchmarkRecords(b *testing.B) {
	r := reader(b, "stream; format lines; id id; event type; data data")
	s := r.Records(Response{Status: http.StatusOK}, position.Position{})
	batch := records(`{"id":1,"type":"news","data":{"text":"something of a usual length, as people write it"}}`, `{"id":2,"type":"news","data":{"text":"something else"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Read(batch, new(value.Env)); err != nil {
			b.Fatal(err)
		}
	}
}
