package jq

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// prelude defines anew, in front of a program, the functions of gojq that make much of little: "x" * 1e9
// is a gigabyte before anything else can stop it. gojq has no option for this; definitions in a program
// count before its own.
var prelude = func() []*gojq.FuncDef {
	query, err := gojq.Parse(`
		def _add(l; r): _operands("+"; l; r; $__bytes) | .[0] + .[1];
		def _multiply(l; r): _operands("*"; l; r; $__bytes) | .[0] * .[1];
		def _divide(l; r): _operands("split"; l; r; $__bytes) | .[0] / .[1];
		def _sum: add; def add: _operands("add"; .; null; $__bytes) | .[0] | _sum; def add(f): [f] | add;
		def _transpose: transpose; def transpose: _operands("transpose"; .; null; $__bytes) | .[0] | _transpose;
		def _join($s): join($s); def join(s): s as $s | _operands("join"; .; $s; $__bytes) | .[0] | _join($s);
		def _split($s): split($s); def split($s): _operands("split"; .; $s; $__bytes) | .[0] | _split($s);
		def _explode: explode; def explode: _operands("explode"; .; null; $__bytes) | .[0] | _explode;
		def _tojson: tojson; def tojson: _bounded($__bytes) | _tojson;
		def _tostring: tostring; def tostring: _bounded($__bytes) | _tostring;
		def _format($f): format($f); def format($f): _bounded($__bytes) | _format($f);
		def _html: _tohtml; def _tohtml: _bounded($__bytes) | _html;
		def _uri: _touri; def _touri: _bounded($__bytes) | _uri;
		def _csv: _tocsv; def _tocsv: _bounded($__bytes) | _csv;
		def _tsv: _totsv; def _totsv: _bounded($__bytes) | _tsv;
		def _sh: _tosh; def _tosh: _bounded($__bytes) | _sh;
		def _base64: _tobase64; def _tobase64: _bounded($__bytes) | _base64;
		def _flatten: flatten; def flatten: _bounded($__bytes) | _flatten;
		def _flatten($n): flatten($n); def flatten($n): _bounded($__bytes) | _flatten($n);
		def _setpath($p; $v): setpath($p; $v);
		def _at(i): i as $i | _within([$i]; $__bytes) | .[0];
		def _getpath($p): getpath($p); def getpath($p): _within($p; $__bytes) as $p | _getpath($p);
		def nth($n): .[_at($n)];
		def _placed: . as $e | .[0]? // null | _within(.; $__bytes) | $e;
		def _fromstream(f): fromstream(f); def fromstream(f): _fromstream(f | _placed);
		def setpath($p; $v): _within($p; $__bytes) as $p | _setpath($p; $v);
		.`)
	if err != nil {
		panic(err) // it is a constant
	}
	return query.FuncDefs
}()

// bytesName is the variable that bounds what one function may make. Programs cannot name it by accident.
const bytesName = "$__bytes"

// options are the functions that the prelude is written with.
func options() []gojq.CompilerOption {
	return []gojq.CompilerOption{
		gojq.WithVariables([]string{bytesName}),
		gojq.WithFunction("_operands", 4, 4, func(_ any, args []any) any {
			limit, _ := args[3].(int)
			if n := resultSize(args[0].(string), args[1], args[2]); n > limit {
				return fmt.Errorf("%s would make a value of %d bytes: a program may make %d at once of this answer", args[0], n, limit)
			}
			return args[1:3]
		}),
		gojq.WithFunction("_bounded", 1, 1, func(v any, args []any) any {
			limit, _ := args[0].(int)
			if left := limit; !weigh(v, &left) {
				return fmt.Errorf("a value has more than %d bytes as text: a program may make no more at once of this answer", limit)
			}
			return v
		}),
		gojq.WithFunction("_within", 2, 2, func(_ any, args []any) any {
			limit, _ := args[1].(int)
			path, _ := args[0].([]any)
			for _, key := range path {
				if n, ok := number(key); ok && n*itemSize > float64(limit) {
					return fmt.Errorf("an array of %v items would take more than the %d bytes that a program may make at once of this answer", key, limit)
				}
			}
			return args[0]
		}),
	}
}

// itemSize is what an item of an array takes beside its value.
const itemSize = 16

// resultSize returns how many bytes the result of an operation has, about.
func resultSize(name string, l, r any) int {
	switch name {
	case "add":
		return sumSize(l)
	case "transpose":
		return tableSize(l)
	}
	switch a := l.(type) {
	case string:
		switch b := r.(type) {
		case string:
			switch name {
			case "+":
				return len(a) + len(b)
			case "split":
				if b == "" {
					return 2 * itemSize * len(a)
				}
				return 2 * itemSize * (strings.Count(a, b) + 1)
			}
		default:
			if n, ok := number(r); ok && name == "*" {
				return product(len(a), n)
			}
		}
		if name == "explode" {
			return 2 * itemSize * len(a)
		}
	case []any:
		switch b := r.(type) {
		case []any:
			return itemSize * (len(a) + len(b))
		case string:
			n := len(a) * len(b)
			for _, e := range a {
				if s, ok := e.(string); ok {
					n += len(s)
				}
			}
			return n
		}
	case map[string]any:
		if b, ok := r.(map[string]any); ok {
			return 4 * itemSize * (len(a) + len(b))
		}
	case *big.Int:
		if b, ok := r.(*big.Int); ok {
			return (a.BitLen() + b.BitLen()) / 8
		}
	default:
		if s, ok := r.(string); ok && name == "*" {
			if n, ok := number(l); ok {
				return product(len(s), n)
			}
		}
	}
	return 0
}

// sumSize returns how many bytes the sum of a container's values has, about.
func sumSize(v any) (size int) {
	plus := func(e any) {
		switch e := e.(type) {
		case string:
			size += len(e)
		case []any:
			size += itemSize * len(e)
		case map[string]any:
			size += 4 * itemSize * len(e)
		}
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			plus(e)
		}
	case map[string]any:
		for _, e := range v {
			plus(e)
		}
	}
	return size
}

// tableSize returns how many bytes a table takes whose rows are all as long as the longest.
func tableSize(v any) int {
	rows, _ := v.([]any)
	longest := 0
	for _, row := range rows {
		if row, ok := row.([]any); ok {
			longest = max(longest, len(row))
		}
	}
	return product(itemSize*len(rows), float64(longest))
}

// product returns size n times, or the most that an int may be.
func product(size int, n float64) int {
	if p := float64(size) * n; p < 1<<62 {
		return int(p)
	}
	return 1 << 62
}

func number(v any) (float64, bool) { return gojq.ToFloat64(v) }

// weigh takes the bytes of v as JSON from left, about, and reports whether there are so many. A value
// of a few bytes may hold itself a billion times.
func weigh(v any, left *int) bool {
	*left -= itemSize / 4
	switch v := v.(type) {
	case string:
		*left -= len(v)
	case []any:
		for _, e := range v {
			if !weigh(e, left) {
				return false
			}
		}
	case map[string]any:
		for k, e := range v {
			if *left -= len(k); !weigh(e, left) {
				return false
			}
		}
	}
	return *left >= 0
}

// bound has a program call the functions of the prelude.
func bound(q *gojq.Query) {
	boundQuery(q)
	q.FuncDefs = slices.Concat(prelude, q.FuncDefs)
}
