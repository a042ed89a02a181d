package jq

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// runName is the variable that has the run. Programs cannot name it by accident.
const runName = "$__run"

// How many bytes that an operator or a function makes count as a step, and how many comparisons of items.
const (
	bytesOfStep       = 256
	comparisonsOfStep = 20
)

// run is one run of a program.
type run struct {
	context.Context // of which gojq asks for Done before each instruction

	steps  int // left
	memory int // that the answer may take as a tree; a third of it one value that is made
	stop   context.CancelCauseFunc
}

// Done counts an instruction.
func (r *run) Done() <-chan struct{} {
	r.count(1)
	return r.Context.Done()
}

// count counts steps, and stops the run at the last one.
func (r *run) count(steps int) {
	if r.steps -= steps; r.steps < 0 {
		r.stop(errSteps)
	}
}

// make counts a value that is about to be made, or returns an error if it would be too large.
func (r *run) make(what string, size, limit int) error {
	if size > limit {
		return overBound("%s would make a value of %d bytes: a program may make %d at once of this answer", what, size, limit)
	}
	r.count(size / bytesOfStep)
	return nil
}

// apply counts what a function of gojq is about to make of v and its argument.
func (r *run) apply(name string, v, arg any) error {
	text, isText := v.(string)
	limit := r.memory / 3
	switch name {
	case "fromjson":
		if !isText {
			return nil
		}
		cost, _ := value.TreeCost(value.Bytes(text))
		return r.make(name, cost, r.memory)
	case "add", "transpose", "explode", "split", "join":
		return r.make(name, resultSize(name, v, arg), limit)
	}
	left := limit
	if !weigh(v, &left) {
		return errText(limit)
	}
	if name != "tostring" || !isText { // which it gives on
		r.count((limit - left) / bytesOfStep)
	}
	return nil
}

// made counts a value that a text with queries in it, or an assignment, has made, or that a function copies.
func (r *run) made(v any) error {
	r.count(shallowSize(v) / bytesOfStep)
	if s, ok := v.(string); ok && len(s) > r.memory/3 {
		return errText(r.memory / 3)
	}
	return nil
}

func errText(limit int) error {
	return overBound("a value has more than %d bytes as text: a program may make no more at once of this answer", limit)
}

// within returns an error if v is an index, or a path with one, of an array for which there is no memory.
func (r *run) within(v any) error {
	path, ok := v.([]any)
	if !ok {
		path = []any{v}
	}
	limit := r.memory / 3
	for _, key := range path {
		if n, ok := gojq.ToFloat64(key); ok && n*itemSize > float64(limit) {
			const why = "would take more than the %d bytes that a program may make at once of this answer"
			return &Error{fmt.Sprintf("an array "+why, limit), fmt.Sprintf("an array of %v items "+why, key, limit)}
		}
	}
	return nil
}

// smallText is how long a text may be for its matches not to be counted beforehand.
const smallText = 4 << 10

// matching counts what gojq goes through for the matches of a regular expression: for each one, the text
// before it. That is one function, which nothing can stop.
func (r *run) matching(v, re, flags any) error {
	if list, ok := re.([]any); ok && len(list) == 2 {
		re, flags = list[0], list[1]
	}
	text, _ := v.(string)
	pattern, _ := re.(string)
	words, _ := flags.(string)
	if len(text) <= smallText || !strings.Contains(words, "g") {
		return nil
	}
	for flag, is := range map[string]string{"i": "(?i)", "m": "(?s)"} {
		if strings.Contains(words, flag) {
			pattern = is + pattern
		}
	}
	matcher, err := regexp.Compile(pattern)
	if err != nil {
		return nil //nolint:nilerr // gojq says what is wrong with it
	}
	steps := len(text) * 3 / 2 / bytesOfStep // on average, for a match
	r.count(steps * len(matcher.FindAllStringIndex(text, r.steps/steps+1)))
	return nil
}

// prelude defines anew, in front of a program, the functions of gojq that make much of little: "x" * 1e9
// is a gigabyte before anything else can stop it. gojq has no option for this; definitions in a program
// count before its own.
var prelude = func() []*gojq.FuncDef {
	var src strings.Builder
	for _, name := range []string{
		"add", "transpose", "explode", "tojson", "tostring", "flatten", "fromjson", "_tohtml", "_touri", "_tocsv", "_totsv", "_tosh", "_tobase64",
	} {
		fmt.Fprintf(&src, "def _own_%[1]s: %[1]s; def %[1]s: _apply(%[1]q; null; $__run) | _own_%[1]s;", name)
	}
	for _, name := range []string{"ascii_downcase", "ascii_upcase", "implode", "reverse", "sort", "unique", "keys", "_tobase64d", "_tourid"} {
		fmt.Fprintf(&src, "def _own_%[1]s: %[1]s; def %[1]s: _made($__run) | _own_%[1]s;", name)
	}
	for _, name := range []string{"join", "split", "flatten", "format"} {
		fmt.Fprintf(&src, "def _own_%[1]s($a): %[1]s($a); def %[1]s(a): a as $a | _apply(%[1]q; $a; $__run) | _own_%[1]s($a);", name)
	}
	for name, flags := range map[string]string{"match": "", "capture": "", "scan": ` + "g"`, "splits": ` + "g"`} {
		fmt.Fprintf(&src, `def _own_%[1]s($re): %[1]s($re); def %[1]s($re): _matching($re; null%[2]s; $__run) | _own_%[1]s($re);
			def _own_%[1]s($re; $f): %[1]s($re; $f); def %[1]s($re; $f): _matching($re; $f%[2]s; $__run) | _own_%[1]s($re; $f);`, name, flags)
	}
	src.WriteString(`
		def split($re; $f): [splits($re; $f)];
		def _own_sub($re; s; $f): sub($re; s; $f); def sub($re; s; $f): _matching($re; $f; $__run) | _own_sub($re; s; $f);
		def gsub($re; s): sub($re; s; "g"); def gsub($re; s; $f): sub($re; s; $f + "g");
		def _add(l; r): _operands("+"; l; r; $__run) | .[0] + .[1];
		def _subtract(l; r): _operands("-"; l; r; $__run) | .[0] - .[1];
		def _multiply(l; r): _operands("*"; l; r; $__run) | .[0] * .[1];
		def _divide(l; r): _operands("split"; l; r; $__run) | .[0] / .[1];
		def add(f): [f] | add;
		def nth($n): .[$n | _within($__run)];
		def _own_getpath($p): getpath($p); def getpath($p): ($p | _within($__run)) as $p | _own_getpath($p);
		def _own_setpath($p; $v): setpath($p; $v); def setpath($p; $v): ($p | _within($__run)) as $p | _own_setpath($p; $v);
		def _own_fromstream(f): fromstream(f); def fromstream(f): _own_fromstream(f | (.[0]? // null | _within($__run)) as $p | .);
		.`)
	query, err := gojq.Parse(src.String())
	if err != nil {
		panic(err) // it is a constant
	}
	return query.FuncDefs
}()

// check returns the option for a function that gives its input on, unless f has an error. Its last argument
// is the run: only the prelude and rewritten queries call it.
func check(name string, args int, f func(r *run, v any, args []any) error) gojq.CompilerOption {
	return gojq.WithFunction(name, args, args, func(v any, args []any) any {
		if err := f(args[len(args)-1].(*run), v, args); err != nil {
			return err
		}
		return v
	})
}

// options are the functions that the prelude and the rewritten queries call.
func options() []gojq.CompilerOption {
	return []gojq.CompilerOption{
		gojq.WithVariables([]string{runName}),
		check("_apply", 3, func(r *run, v any, args []any) error { return r.apply(args[0].(string), v, args[1]) }),
		check("_within", 1, func(r *run, v any, _ []any) error { return r.within(v) }),
		check("_made", 1, func(r *run, v any, _ []any) error { return r.made(v) }),
		check("_matching", 3, func(r *run, v any, args []any) error { return r.matching(v, args[0], args[1]) }),
		gojq.WithFunction("_operands", 4, 4, func(_ any, args []any) any {
			name, r := args[0].(string), args[3].(*run)
			if name == "-" { // it compares each item of one array with each of the other
				l, _ := args[1].([]any)
				other, _ := args[2].([]any)
				r.count(len(l) * len(other) / comparisonsOfStep)
			} else if err := r.make(name, resultSize(name, args[1], args[2]), r.memory/3); err != nil {
				return err
			}
			return slices.Clone(args[1:3])
		}),
	}
}
