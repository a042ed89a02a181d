//go:build !race

package jq

import (
	"math"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/heap"
)

// peakOf returns how many bytes f has in use at most. What it makes while the collector works beside it
// counts too, so that of a peak over most the least of ten runs counts.
func peakOf(most int, f func()) int {
	peak := math.MaxInt
	for tries := 0; peak > most && tries < 10; tries++ {
		peak = min(peak, heap.Peak(f))
	}
	return peak
}

func TestMakesNoMoreOfAnAnswerThanThereIsMemoryFor(t *testing.T) {
	const memory = 3 << 20
	long := `"` + strings.Repeat("x,", 256<<10) + `"`
	for src, want := range map[string]string{
		`{data: ("x" * 1e9)}`:                                                         "* would make a value of 1000000000 bytes",
		`{data: (1e9 * "x")}`:                                                         "* would make",
		`{data: ("x" * (.status * 1e7))}`:                                             "* would make",
		`1e9 as $n | {data: ("x" | . *= $n)}`:                                         "* would make",
		`{data: ([range(40)] | reduce .[] as $_ ("x"; . + .))}`:                       "+ would make",
		`{data: (reduce range(40) as $_ ("x"; . += .))}`:                              "+ would make",
		`{data: (reduce range(40) as $_ ([1]; . + .) | length)}`:                      "+ would make",
		`{data: (reduce range(40) as $_ ("x"; "\(.)\(.)"))}`:                          "more than 1048576 bytes as text",
		`{data: (reduce range(40) as $_ (0; [., .]) | tojson)}`:                       "more than 1048576 bytes as text",
		`{data: (reduce range(40) as $_ (0; [., .]) | @json)}`:                        "more than 1048576 bytes as text",
		`{data: (reduce range(40) as $_ (0; [., .]) | flatten)}`:                      "more than 1048576 bytes as text",
		`{data: ([range(1000) | ""] | join("x" * 100000))}`:                           "join would make",
		`{data: (.body | explode | length)}`:                                          "explode would make",
		`{data: (.body | split(",") | length)}`:                                       "split would make",
		`{data: (.body / "," | length)}`:                                              "split would make",
		`.body as $s | {data: ([range(1000) | $s] | add)}`:                            "add would make",
		`.body as $s | {data: add(range(1000) | $s)}`:                                 "add would make",
		`{data: ([[range(3000)]] + [range(3000) | []] | transpose)}`:                  "transpose would make",
		`{data: (reduce range(40) as $_ (0; [., .]) | @html)}`:                        "more than 1048576 bytes as text",
		`{data: (reduce range(40) as $_ (0; [., .]) | @uri)}`:                         "more than 1048576 bytes as text",
		`{data: (reduce range(40) as $_ (0; [., .]) | @base64)}`:                      "more than 1048576 bytes as text",
		`.body as $s | {data: ([range(1000) | $s] | @csv)}`:                           "more than 1048576 bytes as text",
		`.body as $s | {data: ([range(1000) | $s] | @sh)}`:                            "more than 1048576 bytes as text",
		`"[" + "[]," * 100000 + "0]" | fromjson | {data: length}`:                     "fromjson would make",
		`{data: ("[" * 300000 | fromjson)}`:                                           "exceeded max depth",
		`{data: ("{\"a\":" * 200 + "1.50" + "}" * 200 | fromjson | tojson | length)}`: "",
		`null | getpath([500000000]) |= 1 | {data: length}`:                           "an array of 500000000 items",
		`null | nth(500000000) |= 1 | {data: length}`:                                 "an array of 500000000 items",
		`{data: (fromstream([[500000000], 1], [[500000000]]) | length)}`:              "an array of 500000000 items",
		`{data: ([[1, 2], [3]] | transpose | tojson + (7 / 2 | tostring) + ([1, 2] | add | tostring) + @sh "a \("b")" + (["a", 1] | @csv))}`: "",
		`{data: ([{"a": [1, 2]} | tostream] | fromstream(.[]) | getpath(["a", 1]), nth(0; 4))}`:                                              "",
		`null | .[500000000] = 1 | {data: length}`:                      "an array of 500000000 items",
		`null | setpath([500000000]; 1) | {data: length}`:               "an array of 500000000 items",
		`500000000 as $i | null | .[$i] |= 1 | {data: length}`:          "an array of 500000000 items",
		`def join(x): "mine"; {data: ([1] | join("y"))}`:                "",
		`{data: ([1, 2] | join("-")), event: ("a" * 3 + "b")}`:          "",
		`{data: ([{"a": 1}] | .[0].a += 2 | .[0] + {"b": 1} | tojson)}`: "",
	} {
		t.Run(src, func(t *testing.T) {
			j, in := parse(t, src), Input{Status: 200, Body: []byte(long), JSON: true, Limit: memory / 3, Memory: memory}
			var out []Output
			var err error
			peak := peakOf(memory, func() { out, err = j.Run(t.Context(), in) })
			if (err == nil) != (want == "") || err != nil && !strings.Contains(detailOf(err), want) {
				t.Errorf("%d outputs, %v; want %q", len(out), err, want)
			}
			if peak > memory {
				t.Errorf("it took %d bytes, want %d at most", peak, memory)
			}
		})
	}
}

func TestReadsNoAnswerForWhichThereIsNoMemory(t *testing.T) {
	for _, body := range []string{
		"[" + strings.Repeat("{},", 1<<20) + "0]", "[" + strings.Repeat("1,", 1<<20) + "0]", "[" + strings.Repeat(`{"a":1},`, 1<<19) + "0]",
		"[" + strings.Repeat(`"",`, 1<<20) + "0]", "{" + strings.Repeat(`"":1,`, 1<<20) + `"":1}`,
	} {
		in := Input{Body: []byte(body), JSON: true, Memory: 3 * len(body)}
		var err error
		peak := peakOf(1<<20, func() { _, err = parse(t, "empty").Run(t.Context(), in) })
		if err == nil || !strings.Contains(err.Error(), "as jq's values, more than the") || peak > 1<<20 {
			t.Errorf("%.20s…: %v, and %d bytes", body, err, peak)
		}
	}
}
