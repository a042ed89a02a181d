package shape

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWhatHasChangedIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, after string
		want          []string
	}{
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, nil},
		{`{"a":1,"now":2}`, `{"a":1,"now":3}`, []string{"now"}},
		{`{"a":{"b":{"c":1}}}`, `{"a":{"b":{"c":2}}}`, []string{"a.b.c"}},
		{`{"a":1}`, `{"b":1}`, []string{"a", "b"}},
		{`{"a":{"x":1}}`, `{"a":[1]}`, []string{"a"}},
		{`{"rows":[{"id":1,"age":5},{"id":2,"age":6}]}`, `{"rows":[{"id":1,"age":7},{"id":2,"age":8}]}`, []string{"rows.#.age"}},
		{`[1,2]`, `[1,2,3]`, []string{"#"}},
		{`{"a.b":1}`, `{"a.b":2}`, []string{`a\.b`}},
		{`{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":1}}}}}}}}`, `{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":2}}}}}}}}`, []string{"a.b.c.d.e.f"}},
		{`1`, `2`, nil},
		{`text`, `{}`, nil},
	} {
		if got := Changes([]byte(c.before), []byte(c.after)); !slices.Equal(got, c.want) {
			t.Errorf("from %s to %s: got %q, want %q", c.before, c.after, got, c.want)
		}
	}
}

func TestChangesAreBounded(t *testing.T) {
	t.Parallel()
	many := func(n int) []byte {
		var b strings.Builder
		for i := range 100_000 {
			fmt.Fprintf(&b, `,"k%d":%d`, i, i+n)
		}
		return []byte("{" + b.String()[1:] + "}")
	}
	if n := len(Changes(many(0), many(1))); n != maxPlaces {
		t.Errorf("%d paths", n)
	}
}
