package trial

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// judged has a judge see polls, whose answers are read as a configuration says, one after another. An answer is a
// body, a status, or an error.
func judged(c page.Config, stays func(*Tried), answers ...any) Verdict {
	var j Judge
	var u Unsent
	r, from, before := page.NewReader(c), position.Position{}, ""
	for _, answer := range answers {
		t := Tried{Evidence: Evidence{Config: c, Document: r.Document()}, Wait: 2 * time.Second}
		resp := page.Response{Status: http.StatusOK, Header: make(http.Header)}
		switch answer := answer.(type) {
		case error:
			t.Err = answer
		case int:
			resp.Status = answer
		case string:
			resp.Body = []byte(answer)
		}
		if t.Err == nil {
			t.Answer, t.Found = &resp, r.Explain(resp, nil)
			t.Page, t.Err = r.Read(resp, from, nil)
		}
		t.Unsent = u.Note(t.Evidence)
		if t.Err == nil {
			from = t.Page.Next
			if t.News = t.Page.News; t.Document && len(t.Page.Events) > 0 {
				t.News = string(t.Page.Events[0].Data) != before
				before = string(t.Page.Events[0].Data)
			}
			if t.News {
				t.Events = len(t.Page.Events)
			}
		}
		if stays != nil {
			stays(&t)
		}
		j.Note(t)
	}
	return j.Verdict(time.Minute, false)
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	refused := errors.New("dial tcp 127.0.0.1:9: connect: connection refused")
	clock := func(n int) string { return fmt.Sprintf(`{"state":"up","now":%d}`, n) }
	rows := func(n, to int) string {
		var b strings.Builder
		for i := n; i <= to; i++ {
			fmt.Fprintf(&b, `,{"id":%d}`, i)
		}
		return `{"rows":[` + strings.TrimPrefix(b.String(), ",") + `]}`
	}
	lost := func(t *Tried) { t.Page.Lost = t.Found.First == "5" }
	for _, c := range []struct {
		name    string
		config  page.Config
		each    func(*Tried)
		answers []any
		want    string // the words; a part of them
		ids     []string
	}{
		{"a document that changes at times", page.Config{}, nil, []any{clock(1), clock(1), clock(2), clock(2)}, "works", nil},
		{"a clock", page.Config{}, nil, []any{clock(1), clock(2), clock(3), clock(4)}, "works, but each poll is news: `now` changes each time; select what matters with `data`", []string{"always_news"}},
		{"a clock, tried too shortly", page.Config{}, nil, []any{clock(1), clock(2), clock(3)}, "works", nil},
		{"a text that changes", page.Config{}, nil, []any{"a", "b", "c", "d"}, "works, but each poll is news: the text changes each time", []string{"always_news"}},
		{"a document that changes each time elsewhere", page.Config{}, nil, []any{`{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":2,"b":2}`, `{"a":3,"b":2}`}, "works", nil},
		{"items with a clock", listOf("rows", ""), nil, []any{`{"rows":[{"n":1,"age":1}]}`, `{"rows":[{"n":1,"age":2}]}`, `{"rows":[{"n":1,"age":3}]}`, `{"rows":[{"n":1,"age":4}]}`}, "works, but each poll is news: `age` changes each time", []string{"always_news", "gap"}},
		{"a list that grows", listOf("rows", "id"), nil, []any{rows(1, 2), rows(3, 4), rows(5, 6), rows(7, 8), rows(9, 10)}, "works", nil},
		{"wrong items", listOf("row", "id"), nil, []any{rows(1, 2)}, "does not, because no `row` in the answer; did you mean `rows`", []string{"no_items"}},
		{"wrong items, and then not modified", listOf("row", "id"), nil, []any{rows(1, 2), http.StatusNotModified}, "does not, because no `row` in the answer; did you mean `rows`", []string{"no_items"}},
		{"wrong items, and then no content", listOf("row", "id"), nil, []any{rows(1, 2), http.StatusNoContent, http.StatusNoContent}, "does not, because no `row` in the answer; did you mean `rows`", []string{"no_items"}},
		{"wrong items once, and then an empty list", listOf("rows", "id"), nil, []any{`{"other":[1]}`, `{"rows":[],"other":[1]}`}, "works, but there was no event", []string{"no_events"}},
		{"a list that is omitted", listOf("rows", "id"), nil, []any{`{}`, `{}`}, "works, but no `rows` in the answer", []string{"no_items", "no_events"}},
		{"a list that is omitted while there is no news", listOf("rows", "id"), nil, []any{rows(1, 1), `{}`, `{}`}, "works", nil},
		{"an empty list", listOf("rows", "id"), nil, []any{`{"rows":[]}`, `{"rows":[]}`}, "works, but there was no event", []string{"no_events"}},
		{"ids that repeat", listOf("rows", "id"), nil, []any{`{"rows":[{"id":1},{"id":1}]}`}, "works, but 2 items of this answer have the id 1", []string{"repeated_ids"}},
		{"a cursor that is not heeded", listOf("rows", "id"), nil, []any{rows(1, 2), rows(1, 2)}, "works, but the answer has only items from before", []string{"stuck"}},
		{"pages that are too short", listOf("rows", "id"), lost, []any{rows(1, 2), rows(5, 6), rows(5, 7), rows(5, 8)}, "does not, because in 3 of 4 answers the position was gone", []string{"gap"}},
		{
			"an id that no item has, where the position is gone", listOf("rows", "ident"), func(t *Tried) { t.Page.Lost = true },
			[]any{rows(1, 2), rows(5, 6), rows(5, 7), rows(5, 8)},
			"does not, because `id` finds nothing in any item",
			[]string{"no_id"},
		},
		{"one gap", listOf("rows", "id"), lost, []any{rows(1, 2), rows(5, 6), rows(7, 8)}, "works, but in 1 of 3 answers the position was gone", []string{"gap"}},
		{"nobody there", page.Config{}, nil, []any{refused}, "does not, because nothing listens there", []string{"unanswered"}},
		{"an error", page.Config{}, nil, []any{http.StatusInternalServerError}, "does not, because the backend answers with status 500 Internal Server Error", []string{"failed"}},
		{"an error at times", page.Config{}, nil, []any{"a", http.StatusServiceUnavailable, "a"}, "works, but 1 of 3 polls failed", []string{"failed"}},
		{"an error in the end", page.Config{}, nil, []any{"a", http.StatusServiceUnavailable, http.StatusServiceUnavailable}, "does not, because the backend answers with status 503", []string{"failed"}},
		{"a refusal", page.Config{}, nil, []any{http.StatusUnauthorized}, "does not, because the backend requires authentication", []string{"refused"}},
		{"a login page as a document", page.Config{}, nil, []any{"<!doctype html><title>Log in</title>"}, "does not, because this is a login page", []string{"not_data"}},
		{"a page as a document", page.Config{}, nil, []any{"<!doctype html><p>Hello</p>"}, "works, but the answer is HTML: a login page?", []string{"html_page"}},
		{"a list in a document, which is an idea", page.Config{}, nil, []any{rows(1, 2), rows(1, 2)}, "works", nil},
		{"a long pause", page.Config{}, func(t *Tried) { t.Wait, t.Asked = 6500*time.Second, true }, []any{"a"}, "works, but the backend asks for a pause of 1h48m20s: is the value in seconds?", []string{"long_wait"}},
		{"a pause that is cut short", page.Config{}, func(t *Tried) { t.Page.Asked = 5 * time.Hour }, []any{"a"}, "works, but the backend asks for a pause of 5h0m0s", []string{"long_wait"}},
		{"a request that is not held", listOf("rows", "id"), func(t *Tried) { t.Holds = true }, []any{rows(1, 1), http.StatusNoContent, http.StatusNoContent, http.StatusNoContent}, "works, but the backend holds no request", []string{"not_held"}},
		{"a request that is held", listOf("rows", "id"), func(t *Tried) { t.Holds, t.Took = true, 5*time.Second }, []any{rows(1, 1), http.StatusNoContent, http.StatusNoContent, http.StatusNoContent}, "works", nil},
		{"answers that should go on", listOf("rows", "id"), func(t *Tried) { t.Stream, t.Ended, t.Err = true, true, errors.New("over") }, []any{"a", "a"}, "does not, because the backend ends its answers at once", []string{"brief_answers"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := judged(c.config, c.each, c.answers...)
			var ids []string
			for _, r := range v.Reasons {
				ids = append(ids, r.ID)
			}
			if exact := c.want == "works"; !strings.HasPrefix(v.Text, c.want) || exact && v.Text != c.want || !slices.Equal(ids, c.ids) {
				t.Errorf("got %q, of %q; want %q, of %q", v.Text, ids, c.want, c.ids)
			}
			if words := map[Word]string{Works: "works", WorksBut: "works, but ", DoesNot: "does not, because "}[v.Word]; !strings.HasPrefix(v.Text, words) {
				t.Errorf("%s is %q", v.Word, v.Text)
			}
		})
	}
}

func TestAVerdictWithoutAPoll(t *testing.T) {
	t.Parallel()
	for holds, want := range map[bool]Verdict{
		false: {Word: DoesNot, Text: "does not, because no answer came within 1m0s: if the backend holds requests until there is news, add long_poll"},
		true:  {Word: WorksBut, Text: "works, but no answer came within 1m0s: the backend holds the request until there is news, or is slow"},
	} {
		if got := new(Judge).Verdict(time.Minute, holds); got.Word != want.Word || got.Text != want.Text || got.Seconds != 60 {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestAVerdictIsOneLineWithoutSecrets(t *testing.T) {
	t.Parallel()
	v := judged(page.Config{}, nil, errors.New("Get \"http://a:t0ps3cret@b/?token=t0ps3cret\":\n\x1b[2Jno such thing"))
	v.Mask(nil)
	if strings.ContainsAny(v.Text, "\n\x1b") || strings.Contains(v.Text, "t0ps3cret") || v.Word != DoesNot {
		t.Errorf("got %q", v.Text)
	}
}

func TestTheStatusOfAVerdict(t *testing.T) {
	t.Parallel()
	for word, want := range map[Word]int{Works: 0, WorksBut: 2, DoesNot: 1} {
		if got := (Verdict{Word: word}).Status(); got != want {
			t.Errorf("%s: %d", word, got)
		}
	}
}

func TestAStreamWithoutRecordsHasBegun(t *testing.T) {
	t.Parallel()
	var j Judge
	j.Begun()
	const want = "works, but the answer goes on, and no record came within 8s: try it while there is news"
	if v := j.Verdict(8*time.Second, true); v.Text != want {
		t.Errorf("got %q", v.Text)
	}
}
