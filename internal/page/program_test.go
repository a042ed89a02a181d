package page

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
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
