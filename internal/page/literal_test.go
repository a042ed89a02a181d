package page

import (
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Clients come back with ids that earlier versions have sent. Each of these came from one, and goes on
// behind the event that it came with.
func TestIDsOfEarlierVersionsGoOn(t *testing.T) {
	t.Parallel()
	const (
		five  = `{"a":[{"i":1},{"i":2},{"i":3},{"i":4},{"i":5}],"c":"n"}`
		two   = `{"a":[{"i":1},{"i":2}],"c":"n","d":"x y"}`
		log   = "a\nb\nb\nc\n"
		equal = `[{"id":"4","n":0},{"id":"4","n":1},{"id":"4","n":2},{"id":"5","n":3},{"n":4},{"n":5}]`
	)
	for _, c := range []struct{ config, id, body, want string }{ // of version 0.1.0
		{"items a; cursor c", "m~1.uhpCU7HX", five, `{"i":2} {"i":3} {"i":4} {"i":5}`},
		{"items a; cursor c", "m~2.aq6YZE4e", five, `{"i":3} {"i":4} {"i":5}`},
		{"items a; cursor c", "m~3.a8uQISvC", five, `{"i":4} {"i":5}`},
		{"items a; cursor c", "m~4.Le3ObDNG", five, `{"i":5}`},
		{"items a; cursor c", "~1.uhpCU7HX", five, `{"i":2} {"i":3} {"i":4} {"i":5}`},
		{"items a; cursor c; cursor d d", "e%201!m,a%2Cb~1.uhpCU7HX", two, `{"i":2}`},
		{"id id; data n", "3~1.Qb7WBGj6", equal, "1 2 3 4 5"},
		{"id id; data n", "3~2.KxFWOlAQ", equal, "2 3 4 5"},
		{"id id; data n", "4", `[{"id":"5","n":3},{"n":4},{"n":5}]`, "3 4 5"},
		{"id id; data n", "5", equal, "4 5"},
		{"id id; data n", "5~1.dCkZI5zF", equal, "5"},
		{"id id; data n", "5~2.cRpF89H0", equal, ""},
		{"id id; data n; order newest_first", "4~1.Vo4LRJJr", page("5", "-", "4"), "0"},
		{"format message", "~1.vdtCQUR5", "b", "b"},
		{"format message", `"7",`, "b", "b"},
		{"format lines", "~1.vdtCQUR5", log, "b b c"},
		{"format lines", "~2.vV5pKpYi", log, "b c"},
		{"format lines", "~3.hY-sE6gc", log, "c"},
		{"format lines", `"7",~4.C2LtjwsX`, log, ""},
	} {
		r := reader(t, c.config)
		from, err := position.Parse(c.id, len(r.names))
		if err != nil {
			t.Fatalf("%s: %v", c.id, err)
		}
		if p := mustRead(t, r, ok(c.body, `ETag: "8"`), from); datas(p) != c.want || p.Lost {
			t.Errorf("%s: from %s: %q, lost %t; want %q", c.config, c.id, datas(p), p.Lost, strings.TrimSpace(c.want))
		}
	}
}
