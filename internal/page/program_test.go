package page

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func programReader(t testing.TB, program string, cursors ...string) *Reader {
	t.Helper()
	p, err := jq.Parse(program)
	if err != nil {
		t.Fatal(err)
	}
	return NewReader(Config{Program: p, ProgramCursors: cursors})
}

func TestAProgramMakesEventsWhoseIDsAreTheCursor(t *testing.T) {
	r := programReader(t, `.body.rooms | to_entries[] | .value[] | {id, event: .kind, data: {n: .n}}`)
	answer := Response{Status: 200, Header: http.Header{}, Body: []byte(
		`{"rooms": {"a": [{"id": 1, "kind": "x", "n": 1.10}, {"id": 2, "n": 9007199254740993}]}}`)}
	p, err := r.Read(answer, position.Position{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range p.Events {
		got = append(got, e.At.ID()+" "+e.Type+" "+string(e.Data))
	}
	if want := `1 x {"n":1.10}, 2  {"n":9007199254740993}`; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, ", "), want)
	}
	p, err = r.Read(answer, p.Events[0].At, nil)
	if err != nil || len(p.Events) != 1 || p.Next.ID() != "2" {
		t.Errorf("from the first event: %d events to %q, %v", len(p.Events), p.Next.ID(), err)
	}
}

func TestAProgramYieldsCursorsByName(t *testing.T) {
	r := programReader(t, `{cursor: {at: .headers["x-at"], to: .body.next}}, (.body.rows[] | {data: .})`, "to", "at")
	read := func(from position.Position, body string) Page {
		t.Helper()
		p, err := r.Read(Response{Status: 200, Header: http.Header{"X-At": {"7"}}, Body: []byte(body)}, from, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := read(position.Position{}, `{"next": "n1", "rows": ["a", "b"]}`)
	if len(p.Events) != 2 || string(p.Events[0].Data) != "a" || p.Next.ID() != "n1,7" {
		t.Errorf("%d events to %q", len(p.Events), p.Next.ID())
	}
	if p = read(p.Next, `{"rows": []}`); p.News || p.Next.ID() != "n1,7" {
		t.Errorf("a cursor that is absent: news is %t, at %q", p.News, p.Next.ID())
	}
}

func TestAProgramReadsTextToo(t *testing.T) {
	r := programReader(t, `.body | split(";")[] | {data: .}`)
	p, err := r.Read(Response{Status: 200, Header: http.Header{}, Body: []byte("a;b")}, position.Position{}, nil)
	if err != nil || len(p.Events) != 2 || string(p.Events[1].Data) != "b" {
		t.Errorf("got %v, %v", p.Events, err)
	}
}

func TestAProgramThatFailsIsAnUnreadableAnswer(t *testing.T) {
	for program, why := range map[string]string{
		`.body.rows[]`:                   "jq:",
		`{cursor: {other: "x"}}`:         `the cursor "other"`,
		`def f: f; f`:                    "jq:",
		`.body | error("out of cheese")`: "out of cheese",
	} {
		_, err := programReader(t, program, "").Read(Response{Status: 200, Header: http.Header{}, Body: []byte(`{"rows": 1}`)}, position.Position{}, nil)
		if failed, ok := errors.AsType[*Error](err); !ok || failed.Comment != "unreadable answer" || !strings.Contains(failed.Err.Error(), why) {
			t.Errorf("%s: got %v", program, err)
		}
	}
}

func TestItemsOfAProgramAreWhatTheyWereForConditionsAndIDs(t *testing.T) {
	r := programReader(t, `{cursor: .body.next}, (.body.rows[] | {id: .a, event: .b, data: .})`, "")
	answer := Response{Status: 200, Header: http.Header{}, Body: []byte(`{"next": "n", "rows": [{"a": 1, "b": "x\u0001"}, {"a": "null", "b": "null"}, {"b": "\"y\\"}]}`)}
	p, err := r.Read(answer, position.Position{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range p.Events {
		got = append(got, fmt.Sprintf("%s %q %q %s", e.At.ID(), e.Type, e.Key, e.Data))
	}
	equal(t, "events", strings.Join(got, "\n"), `~1.6L1775mU "x\x01" "" {"a":1,"b":"x\u0001"}
~2.XjzxDbWP "" "" {"a":"null","b":"null"}
n "\"y\\" "" {"b":"\"y\\"}`)
	found := r.Explain(answer, nil)
	equal(t, "found", fmt.Sprintf("%d %s %q %v", found.Items, found.Item, found.Types, found.Cursor),
		`3 {"id":"1","event":"x\u0001","data":"{\"a\":1,\"b\":\"x\\u0001\"}"} ["x\x01" "\"y\\"] map[:n]`)
	byID := programReader(t, r.config.Program.String()[len("{cursor: .body.next}, "):])
	if p, err = byID.Read(answer, position.Position{}, nil); err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, e := range p.Events {
		got = append(got, e.At.ID()+" "+e.Key)
	}
	equal(t, "ids", strings.Join(got, ", "), "1 1, 1~1.xnfV_9Xs , 1~2.tSOVYRDs ")
	r = NewReader(Config{Program: r.config.Program, ProgramCursors: []string{""}, Ignore: []value.Condition{condition(t, []string{"event", "null"})}})
	if p, err = r.Read(answer, position.Position{}, nil); err != nil || len(p.Events) != 2 {
		t.Errorf("%d events are not ignored, %v", len(p.Events), err)
	}
}

func BenchmarkProgram(b *testing.B) {
	body := benchPage(24 << 10)
	for name, r := range map[string]*Reader{
		"ids":    programReader(b, `.body.items[] | {id, event: .type, data: .text}`),
		"texts":  programReader(b, `.body.items[] | {id, data: .text.body}`),
		"cursor": programReader(b, `{cursor: .body.next}, (.body.items[] | {event: .type, data: .text})`, ""),
	} {
		resp := ok(body)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if p, err := r.Read(resp, position.Position{}, nil); err != nil || len(p.Events) != 100 {
					b.Fatal(len(p.Events), err)
				}
			}
		})
	}
}
