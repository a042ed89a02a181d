package jq

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/itchyny/gojq"
)

// bound has a program call the functions of the prelude. Operators that can make much of little become
// calls; what a text with queries in it and an assignment have made is counted; and an index is checked,
// since an assignment makes an array of that length for it.
func bound(q *gojq.Query) {
	rewrite(reflect.ValueOf(q))
	q.FuncDefs = slices.Concat(prelude, q.FuncDefs)
}

// rewrite rewrites all that v holds, from the inside out.
func rewrite(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			rewrite(v.Index(i))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			rewrite(field)
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		rewrite(v.Elem())
		switch node := v.Interface().(type) {
		case *gojq.Query:
			boundOperator(node)
		case *gojq.Index:
			boundIndex(&node.Start)
			boundIndex(&node.End)
		case *gojq.Term:
			if node.Str != nil && node.Str.Queries != nil {
				text := &gojq.Term{Type: node.Type, Format: node.Format, Str: node.Str}
				node.Type, node.Format, node.Str = gojq.TermTypeQuery, "", nil
				node.Query = pipe(&gojq.Query{Term: text}, "_made")
			}
		case *gojq.ObjectKeyVal:
			if node.KeyString != nil && node.KeyString.Queries != nil && node.Val != nil {
				node.KeyQuery = pipe(&gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeString, Str: node.KeyString}}, "_made")
				node.KeyString = nil
			}
		}
	}
}

// operators are the functions of the prelude for the operators that are bounded.
var operators = map[gojq.Operator]string{gojq.OpAdd: "_add", gojq.OpSub: "_subtract", gojq.OpMul: "_multiply", gojq.OpDiv: "_divide"}

func boundOperator(q *gojq.Query) {
	bounded := &gojq.Query{Left: q.Left, Right: q.Right, Op: q.Op}
	l, r := isNumber(q.Left), isNumber(q.Right)
	switch q.Op {
	case gojq.OpAssign, gojq.OpModify, gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateMul, gojq.OpUpdateDiv, gojq.OpUpdateMod, gojq.OpUpdateAlt:
		bounded = pipe(bounded, "_made")
	case gojq.OpAdd, gojq.OpSub, gojq.OpMul, gojq.OpDiv:
		if l && r || (l || r) && q.Op != gojq.OpMul { // the other one is a number too, except in "x" * 3
			return
		}
		bounded = call(operators[q.Op], q.Left, q.Right)
	default:
		return
	}
	bounded.FuncDefs, bounded.Meta, bounded.Imports = q.FuncDefs, q.Meta, q.Imports
	*q = *bounded
}

// smallIndex is the greatest constant index that is not checked.
const smallIndex = 10_000

func boundIndex(at **gojq.Query) {
	switch q := *at; {
	case q == nil:
	case isNumber(q):
		if n, err := strconv.Atoi(q.Term.Number); err == nil && n <= smallIndex {
			return
		}
		fallthrough
	case q.Term == nil || q.Term.Type != gojq.TermTypeString || q.Term.Str.Queries != nil || len(q.Term.SuffixList) > 0:
		*at = pipe(q, "_within")
	}
}

// pipe returns a query whose results go through a function that gives them on.
func pipe(q *gojq.Query, name string) *gojq.Query {
	return &gojq.Query{Left: q, Op: gojq.OpPipe, Right: call(name, call(runName))}
}

func call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

// isNumber reports whether a query is a number as it stands there: what it is added to, or divides, is one too.
func isNumber(q *gojq.Query) bool {
	return q != nil && q.Term != nil && q.Term.Type == gojq.TermTypeNumber && len(q.Term.SuffixList) == 0
}
