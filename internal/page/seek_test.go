package page

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// lines writes lines, one for each letter; a dot is a blank one.
func lines(letters string) string {
	var b strings.Builder
	for _, c := range letters {
		if c != '.' {
			b.WriteRune(c)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// left are the events of a page as letters.
func left(p Page) string {
	var b strings.Builder
	for _, e := range p.Events {
		if len(e.Data) == 0 {
			b.WriteByte('.')
		}
		b.Write(e.Data)
	}
	return b.String()
}

func TestAClientGoesOnBehindTheItemThatItHadAmongEqualOnes(t *testing.T) {
	t.Parallel()
	log := "abc" + strings.Repeat(".", 14) + "de" + strings.Repeat(".", 14) + "fghijkl" // 28 of 40 lines are blank
	for _, config := range []string{
		"format lines; cursor {sse.header.X-Text-Size}; end !{sse.header.X-More-Data}", // Jenkins
		"format lines",
	} {
		r := reader(t, config)
		page := ok(lines(log), "X-Text-Size: 99", `ETag: "1"`)
		p := mustRead(t, r, page, position.Position{})
		equal(t, "all", left(p), log)
		for i, e := range p.Events[:len(p.Events)-1] {
			again := mustRead(t, r, page, e.At)
			equal(t, fmt.Sprintf("%s: after event %d", config, i+1), left(again), log[i+1:])
			equal(t, "ids", ids(again), ids(Page{Events: p.Events[i+1:]}))
			equal(t, "lost", again.Lost, false)
		}
	}
}

func TestOfSeveralPlacesThatMayBeMeantTheNearestBeforeCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, first string
		done        int
		again, want string
		lost        bool
	}{
		{"the count", "aaaaaaaa", 5, "aaaaaaaa", "aaa", false},
		{"the nearest before the count", "xyzaaabbbaaacd", 12, "zaaabbbaaacd", "cd", false},
		{"the one place behind the count", "abc", 3, "xyabcd", "d", false},
		{"one of several behind the count", "abc", 3, "xyabcdabce", "xyabcdabce", true},
		{"nowhere", "abc", 2, "xyz", "xyz", true},
	} {
		for _, config := range []string{"format lines; cursor {sse.header.X}", "format lines"} {
			r := reader(t, config)
			first := mustRead(t, r, ok(lines(c.first), "X: 1", `ETag: "1"`), position.Position{})
			again := mustRead(t, r, ok(lines(c.again), "X: 1", `ETag: "2"`), first.Events[c.done-1].At)
			if c.done == len(c.first) && config != "format lines" {
				continue // the cursor says it
			}
			equal(t, c.name+": "+config, left(again), c.want)
			equal(t, c.name+" is lost: "+config, again.Lost, c.lost)
		}
	}
	// a cursor that is not the start has no gap before it
	r := reader(t, "format lines; cursor {sse.header.X}")
	first := mustRead(t, r, ok(lines("abcd"), "X: 1"), at("0"))
	again := mustRead(t, r, ok(lines("xyabcabce"), "X: 1"), first.Events[2].At)
	equal(t, "one of several under a cursor", left(again), "xyabcabce")
	equal(t, "lost under a cursor", again.Lost, false)
}
