package jq

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func parse(t testing.TB, src string) Program {
	t.Helper()
	j, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// asText writes outputs as "id|event|data" and "cursor{name:text}", one a line.
func asText(outputs []Output) string {
	var lines []string
	for _, o := range outputs {
		if o.Cursor != nil {
			lines = append(lines, "cursor"+strings.TrimPrefix(fmt.Sprint(o.Cursor), "map"))
		} else {
			lines = append(lines, fmt.Sprintf("%s|%s|%s", o.ID, o.Event, o.Data))
		}
	}
	return strings.Join(lines, "\n")
}

func TestYieldsEventsAndCursors(t *testing.T) {
	t.Parallel()
	const body = `{"rows":[{"id":9007199254740993,"p":1.10,"t":"a\nb"},{"id":"x","p":1E2,"t":"<é>"}],"f":-0,"g":1e1000,` +
		`"big":123456789012345678901234567890,"o":{"b":1.0,"a":[]},"none":null}`
	for src, want := range map[string]string{
		`.body.rows[] | {id, event: "row", data: .p}`:                            "9007199254740993|row|1.10\nx|row|1E2",
		`.body.rows[] | {data: .t}`:                                              "||a\nb\n||<é>",
		`{data: .body.rows}`:                                                     `||[{"id":9007199254740993,"p":1.10,"t":"a\nb"},{"id":"x","p":1E2,"t":"<é>"}]`,
		`{data: .body.o}`:                                                        `||{"a":[],"b":1.0}`,
		`{data: .body | [.f, .g, .big]}`:                                         `||[-0,1e1000,123456789012345678901234567890]`,
		`{data: (.body.rows[0].id + 1)}`:                                         `||9007199254740994`,
		`{data: (.body.big * 2)}`:                                                `||246913578024691357802469135780`,
		`{data: [.body.rows[0].p + 0, 1.10, 1.0, nan, (1 / 3)]}`:                 `||[1.1,1.1,1,null,0.3333333333333333]`,
		`{data: (.body.o | tojson)}`:                                             `||{"a":[],"b":1.0}`,
		`{data: [{}, [], "", null, true]}`:                                       `||[{},[],"",null,true]`,
		`{data: .body.missing}`:                                                  `||null`,
		`{data: "", id: "", event: null}`:                                        `||`,
		`{id: .body.none, data: "\u0000\"\\"}`:                                   "||\x00\"\\",
		`{data: ["\u0000\"\\\u2028"]}`:                                           "||[\"\\u0000\\\"\\\\\u2028\"]",
		`{data: .status}, {data: .headers["x-next"]}, {data: (.headers | keys)}`: "||200\n||n1\n||[\"retry-after\",\"x-next\"]",
		`{cursor: .body.rows[0].id}, {cursor: "abc"}`:                            "cursor[:9007199254740993]\ncursor[:abc]",
		`{cursor: {since: .body.rows[0].p, next_page: .headers["x-next"], gone: .body.none}}`: "cursor[next_page:n1 since:1.10]",
		`{cursor: .body.missing}, {cursor: {}}, {cursor: ""}`:                                 "cursor[]\ncursor[]\ncursor[]",
		`empty`:                           ``,
		`{data: 1}, halt, {data: 2}`:      `||1`,
		`{data: $ENV}, {data: env.PATH}`:  "||{}\n||null",
		`try error("x") catch {data: .}`:  `||x`,
		`{data: [limit(3; repeat("x"))]}`: `||["x","x","x"]`,
		`"aXbx" | {data: [gsub("x"; "-"), gsub("x"; "-", "+"; "i"), sub("x"; "-"; "i"), sub("x"; "-"), [scan("x"; "i")], [scan("x")], [splits("x"; "i")], split("x"; null), split("X")]}`: `||["aXb-","a-b-","a+b+","a-bx","aXb-",["X","x"],["x"],["a","b",""],["aXb",""],["a","bx"]]`,
		`"ab" | {data: [[match("a(?<n>b)").captures[0].name], [match(["B", "gi"]).offset], capture("(?<n>a)"), capture("(?<n>A)"; "i"), test("A"; "i"), test("A")]}`:                      `||[["n"],[1],{"n":"a"},{"n":"a"},true,false]`,
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			j := parse(t, src)
			out, err := j.Run(t.Context(), Input{
				Status: 200, JSON: true, Body: []byte(body),
				Header: http.Header{"X-Next": {"n1", "n2"}, "Retry-After": {"3"}, "X-None": {}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := asText(out); got != want {
				t.Errorf("yields\n%s\nwant\n%s", got, want)
			}
			if j.String() != src || j.IsZero() {
				t.Errorf("the program reads back as %q, zero: %v", j, j.IsZero())
			}
			for _, o := range out {
				if (o.Cursor == nil) != (o.Data != nil) {
					t.Errorf("%+v is neither an event nor a cursor, or both", o)
				}
			}
		})
	}
	out, err := parse(t, `{data: .body}, {data: (.body | length)}`).Run(t.Context(), Input{Body: []byte(`{"a":1}`)})
	if got := asText(out); err != nil || got != "||{\"a\":1}\n||7" {
		t.Errorf("a body that is no JSON is %s, %v", got, err)
	}
	if !(Program{}).IsZero() {
		t.Error("the zero Program is not zero")
	}
}

func TestRefusesEveryOtherOutput(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`{data: 1}, "text"`:                   `output 2 is string "text": {id, event, data} or {cursor} is expected`,
		`.body`:                               `output 1 is null null: `,
		`[1]`:                                 `output 1 is array [1]: `,
		`{id: 1}`:                             `output 1 is {"id":1}: `,
		`{}`:                                  `output 1 is {}: `,
		`{data: 1, cursor: 2}`:                `one of them`,
		`{data: 1, retry: 2}`:                 `has "retry" beside data: `,
		`{cursor: 1, id: 2}`:                  `has "id" beside cursor: `,
		`{data: 1, id: true}`:                 `has boolean true for its id: a string or number is expected`,
		`{data: 1, id: {}}`:                   `has object {} for its id: `,
		`{data: 1, event: 7}`:                 `has number 7 for its event: a string is expected`,
		`{cursor: [1]}`:                       `has array [1] for its cursor: `,
		`{cursor: false}`:                     `has boolean false for its cursor: `,
		`{cursor: {a: {}}}`:                   `has object {} for its cursor "a": `,
		`{cursor: {"a-b": 1}}`:                `has the cursor "a-b": a name of`,
		`{cursor: {"": 1}}`:                   `has the cursor "": a name of`,
		`error("broken")`:                     `jq: error: broken`,
		`error(null)`:                         `jq: error: null`,
		`.status.x`:                           `jq: expected an object but got: number (200)`,
		`"x" | halt_error`:                    `halt error: x`,
		`{data: test("(")}`:                   `cannot be applied to: `,
		`{data: ([null, 1] | @foo)}`:          `format not defined: @foo`,
		`{data: ("x" * 1e10)}`:                `* would make a value of 10000000000 bytes`,
		`null | .[600000000] = 1 | {data: .}`: `an array of 600000000 items would take more`,
		`{data: ("[" * 10001 | fromjson)}`:    `exceeded max depth`,
		`modulemeta`:                          `modulemeta cannot be applied to`,
		`_made(1) | {data: .}`:                `jq: the program failed`,
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			out, err := parse(t, src).Run(t.Context(), Input{Status: 200, Body: []byte("null"), JSON: true})
			if err == nil || !strings.Contains(detailOf(err), want) || !strings.HasPrefix(err.Error(), "jq: ") || !strings.HasPrefix(detailOf(err), "jq: ") || out != nil {
				t.Errorf("gives %v, %v; want an error with %q", asText(out), err, want)
			}
		})
	}
	_, err := parse(t, `.`).Run(t.Context(), Input{Body: []byte(`{"a":`), JSON: true})
	if err == nil || !strings.Contains(err.Error(), "reading the body") {
		t.Errorf("a body cut short: %v", err)
	}
}

func TestParseNamesThePosition(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		``:                                     `jq program: missing query (try ".")`,
		`.body[`:                               `line 1, column 7: unexpected EOF`,
		"# é\n.body |\n  {data: .é}":           `line 3, column 11: `,
		"{data: 1}}":                           `line 1, column 10: unexpected token "}"`,
		"a b":                                  `line 1, column 3: unexpected token "b"`,
		"\n\t\"abc":                            `unterminated string literal`,
		"{data: 1},\n{data: foo}":              `line 2, column 8: function not defined: foo/0`,
		"def foods: 1; {data: foods | foo(1)}": `line 1, column 30: function not defined: foo/1`,
		"{data: $x}":                           `line 1, column 8: variable not defined: $x`,
		"break $out":                           `line 1, column 7: label not defined: $out`,
		".body | input":                        `line 1, column 9: input(s)/0 is not allowed`,
		"[inputs]":                             `line 1, column 2: input(s)/0 is not allowed`,
		".body | debug":                        `line 1, column 9: function not defined: debug/0`,
		`debug("x")`:                           `line 1, column 1: function not defined: debug/1`,
		"stderr":                               `function not defined: stderr/0`,
		"input_filename":                       `function not defined: input_filename/0`,
		"import \"lib\" as l; .":               `line 1, column 9: cannot load module: "lib"`,
		"include \"lib\"; .":                   `line 1, column 10: cannot load module: "lib"`,
	} {
		j, err := Parse(src)
		if err == nil || !strings.Contains(err.Error(), want) || !j.IsZero() {
			t.Errorf("%q gives %v, want an error with %q", src, err, want)
		}
	}
}

func TestProgramsEnd(t *testing.T) {
	t.Parallel()
	const steps, outputs, bytes = "stopped after 5000000 steps", "a program may yield 10000", "outputs may have 65536 bytes together"
	for src, want := range map[string]string{
		`def f: f; f`:      steps,
		`[range(1e9)]`:     steps,
		`last(range(1e9))`: steps,
		`def f: 1 + f; f`:  steps,
		`def f: [f]; f`:    steps,
		`reduce range(1e9) as $_ (0; [.]) | {data: tojson}`: steps,
		`try (def f: f; f) catch {data: .}`:                 steps,
		`repeat({data: 1})`:                                 outputs,
		`repeat({cursor: 1})`:                               outputs,
		`{data: ("x" * 1e6)}`:                               bytes,
		`repeat({data: "0123456789abcdef"})`:                bytes,
		`repeat({data: [{"a": 12345678}]})`:                 bytes,
		`repeat({id: 12345678, data: ""})`:                  bytes,
		`repeat({event: "12345678", data: ""})`:             bytes,
		`repeat({cursor: {a: "0123456789"}})`:               bytes,
		`{data: reduce range(40) as $_ (0; [., .])}`:        bytes,
		`{data: reduce range(40) as $_ ({}; {a: ., b: .})}`: bytes,
		`{data: reduce range(40) as $_ ([]; [., .])}`:       bytes,
		`{data: reduce range(19) as $_ (3; . * .)}`:         bytes,
		`{data: reduce range(20000) as $_ (0; [.])}`:        "nested deeper than 1000 levels",
		`repeat(.)`: "output 1 is",
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // whose time stands still while a program runs
				out, err := parse(t, src).Run(t.Context(), Input{Limit: 64 << 10})
				if out != nil || err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%d outputs, %v; want an error with %q", len(out), err, want)
				}
			})
		})
	}
	out, err := parse(t, `range(10000) | {data: .}`).Run(t.Context(), Input{})
	if err != nil || len(out) != 10_000 {
		t.Errorf("as many outputs as may be: %d, %v", len(out), err)
	}
	out, err = parse(t, `{data: ("x" * 65536)}`).Run(t.Context(), Input{Limit: 64 << 10})
	if err != nil || len(out) != 1 {
		t.Errorf("as many bytes as may be: %d, %v", len(out), err)
	}
}

func TestWhatAProgramMakesCountsAsSteps(t *testing.T) {
	t.Parallel()
	// many items that are each put behind something long: the answer alone decides what that takes
	body := `{"t":"` + strings.Repeat("x", 60_000) + `","a":[` + strings.Repeat(`"a",`, 3000) + `"a"],"o":{"b":1` + strings.Repeat(`,"b":1`, 9) + `}}`
	for _, src := range []string{
		`.body.t as $t | .body.a[] | "\($t): \(.)" | empty`,
		`.body.t as $t | .body.a[] | @text "\($t): \(.)" | empty`,
		`.body.t as $t | .body.a[] | {"\($t): \(.)": 1} | empty`,
		`.body.t as $t | .body.a[] | $t + . | empty`,
		`.body.t as $t | .body.a[] | . += $t | empty`,
		`.body as $b | .body.a[] | $b.a + [.] | empty`,
		`.body as $b | .body.a[] | $b.a | .[0] = 1 | empty`,
		`.body as $b | .body.a[] | $b.a | .[0] |= 1 | empty`,
		`.body as $b | .body.a[] | $b.a | reverse | empty`,
		`.body.a - [.body.a[] + "b"] | empty`,
		`.body.a -= [.body.a[] + "b"] | empty`,
		`.body.t | gsub("x"; "y") | empty`,
		`.body.t | gsub("X"; "y"; "i") | empty`,
		`.body.t | [scan("x")] | empty`,
		`.body.t | split("x"; null) | empty`,
		`.body.t | [match(["x", "g"])] | empty`,
		`.body.t | capture("(?<a>x)"; "g") | empty`,
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			if _, err := runIn(t, src, body, 100_000); !errors.Is(err, errSteps) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
	if _, err := runIn(t, `.body.t as $t | .body.a[] | [$t, .] | empty`, body, 100_000); err != nil {
		t.Errorf("what makes nothing large ends with %v", err)
	}
}

// runIn runs a program in so many steps.
func runIn(t *testing.T, src, body string, steps int) ([]Output, error) {
	t.Helper()
	in := Input{Status: 200, Body: []byte(body), JSON: true}
	limit, memory := in.limits()
	decoded, err := in.decode(memory)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	return parse(t, src).collect(&run{ctx, steps, memory, stop}, decoded, limit)
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := parse(t, `def f: f; f`).Run(ctx, Input{}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}

func TestLeavesAFunctionBehindThatGoesOnTooLong(t *testing.T) {
	t.Parallel()
	// the difference of two arrays compares all with all, in one function; the program is there at once
	j := parse(t, `if .body == null then {data: 1} else {data: (.body[0] - .body[1])} end`)
	var left, right []byte
	for i := range 4000 {
		left, right = fmt.Appendf(left, ",%d", i+1), fmt.Appendf(right, ",%d", -i-1)
	}
	body := fmt.Appendf(nil, "[[%s],[%s]]", left[1:], right[1:])
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	_, err := j.Run(ctx, Input{Body: body, JSON: true})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("it ends with %v", err)
	}
	if _, err := j.Run(t.Context(), Input{Body: []byte("null"), JSON: true}); !errors.Is(err, errStuck) {
		t.Fatalf("while the function goes on: %v", err)
	}
	for j.stuck.Load() > 0 {
		<-time.After(time.Millisecond)
	}
	if out, err := j.Run(t.Context(), Input{Body: []byte("null"), JSON: true}); err != nil || asText(out) != "||1" {
		t.Errorf("after its end: %v, %v", asText(out), err)
	}
}

func TestMayBeUsedByMany(t *testing.T) {
	t.Parallel()
	j := parse(t, `.body[] |= . + 1 | {data: .body}, (.body[] | tostring | select(test("^1")) | {cursor: .})`)
	for n := range 8 {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			for range 50 {
				out, err := j.Run(t.Context(), Input{Body: fmt.Appendf(nil, "[%d,10]", n), JSON: true})
				want := []string{fmt.Sprintf("||[%d,11]", n+1), "cursor[:11]"}
				if n == 0 {
					want = slices.Insert(want, 1, "cursor[:1]")
				}
				if got := asText(out); err != nil || got != strings.Join(want, "\n") {
					t.Fatalf("yields %q, %v", got, err)
				}
			}
		})
	}
}

// FuzzRun checks that data which a program hands on is the JSON that came, and that any
// program is an error or ends within its limits.
func FuzzRun(f *testing.F) {
	for _, src := range []string{`{data: .body}`, `.body[]? | {id, data: .p}`, `{cursor: .body.c}`, `{data: [limit(9; repeat(.))]}`, `{data: "\(.body)"}`} {
		f.Add(src, `[{"id":1,"p":1.10},{"id":"\ud800"},9007199254740993,1e400,-0]`)
	}
	f.Fuzz(func(t *testing.T, src, body string) {
		j, err := Parse(src)
		if (err == nil) == j.IsZero() {
			t.Fatalf("Parse(%q) = %v", src, err)
		}
		valid := value.ValidJSON([]byte(body))
		if valid {
			out, err := parse(t, `{data: [.body]}`).Run(t.Context(), Input{Body: []byte(body), JSON: true, Limit: 10*len(body) + 10})
			if err != nil || len(out) != 1 || !value.ValidJSON(out[0].Data) {
				t.Fatalf("%q is handed on as %s, %v", body, asText(out), err)
			}
		}
		if err != nil || strings.ContainsAny(src, "*[") { // these may take gigabytes
			return
		}
		out, err := j.Run(t.Context(), Input{Body: []byte(body), JSON: valid, Limit: 1000})
		size := 0
		for _, o := range out {
			size += len(o.ID) + len(o.Event) + len(o.Data)
		}
		if size > 1000 || err != nil && out != nil {
			t.Fatalf("%q yields %d bytes, %v", src, size, err)
		}
	})
}
