package jq

import (
	"strconv"

	"github.com/itchyny/gojq"
)

// boundQuery replaces the operators of a query that can make much of little by calls of the prelude's
// functions, and has indexes checked, which an assignment makes an array of that length for.
func boundQuery(q *gojq.Query) {
	if q == nil {
		return
	}
	for _, def := range q.FuncDefs {
		boundQuery(def.Body)
	}
	boundTerm(q.Term)
	boundQuery(q.Left)
	boundQuery(q.Right)
	for _, p := range q.Patterns {
		boundPattern(p)
	}
	name := ""
	switch q.Op {
	case gojq.OpAdd:
		name = "_add"
	case gojq.OpMul:
		name = "_multiply"
	case gojq.OpDiv:
		name = "_divide"
	}
	if l, r := isNumber(q.Left), isNumber(q.Right); name == "" || l && r || name != "_multiply" && (l || r) {
		return
	}
	call := call(name, q.Left, q.Right)
	call.FuncDefs, call.Meta, call.Imports = q.FuncDefs, q.Meta, q.Imports
	*q = *call
}

func call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

// isNumber reports whether a query is a number as it stands there: what it is added to, or divides, is one too.
func isNumber(q *gojq.Query) bool {
	return q != nil && q.Term != nil && q.Term.Type == gojq.TermTypeNumber && len(q.Term.SuffixList) == 0
}

func boundTerm(t *gojq.Term) {
	if t == nil {
		return
	}
	boundIndex(t.Index)
	boundString(t.Str)
	boundQuery(t.Query)
	if t.Func != nil {
		for _, a := range t.Func.Args {
			boundQuery(a)
		}
	}
	if t.Object != nil {
		for _, kv := range t.Object.KeyVals {
			boundString(kv.KeyString)
			boundQuery(kv.KeyQuery)
			boundQuery(kv.Val)
		}
	}
	if t.Array != nil {
		boundQuery(t.Array.Query)
	}
	if t.Unary != nil {
		boundTerm(t.Unary.Term)
	}
	if t.If != nil {
		boundQuery(t.If.Cond)
		boundQuery(t.If.Then)
		for _, e := range t.If.Elif {
			boundQuery(e.Cond)
			boundQuery(e.Then)
		}
		boundQuery(t.If.Else)
	}
	if t.Try != nil {
		boundQuery(t.Try.Body)
		boundQuery(t.Try.Catch)
	}
	if r := t.Reduce; r != nil {
		boundEach(r.Patterns, r.Query, r.Start, r.Update)
	}
	if f := t.Foreach; f != nil {
		boundEach(f.Patterns, f.Query, f.Start, f.Update, f.Extract)
	}
	if t.Label != nil {
		boundQuery(t.Label.Body)
	}
	for _, s := range t.SuffixList {
		boundIndex(s.Index)
	}
}

func boundEach(patterns []*gojq.Pattern, queries ...*gojq.Query) {
	for _, p := range patterns {
		boundPattern(p)
	}
	for _, q := range queries {
		boundQuery(q)
	}
}

func boundPattern(p *gojq.Pattern) {
	if p == nil {
		return
	}
	for _, e := range p.Array {
		boundPattern(e)
	}
	for _, o := range p.Object {
		boundString(o.KeyString)
		boundQuery(o.KeyQuery)
		boundPattern(o.Val)
	}
}

func boundString(s *gojq.String) {
	if s == nil {
		return
	}
	for _, q := range s.Queries {
		boundQuery(q)
	}
}

// smallIndex is the greatest constant index that is not checked.
const smallIndex = 10_000

func boundIndex(i *gojq.Index) {
	if i == nil {
		return
	}
	boundString(i.Str)
	for _, at := range []**gojq.Query{&i.Start, &i.End} {
		if boundQuery(*at); *at == nil || isConstant(*at) {
			continue
		}
		*at = call("_at", *at)
	}
}

// isConstant reports whether an index is a small number or a string as it stands there.
func isConstant(q *gojq.Query) bool {
	if isNumber(q) {
		n, err := strconv.Atoi(q.Term.Number)
		return err == nil && n <= smallIndex
	}
	return q.Term != nil && q.Term.Type == gojq.TermTypeString && q.Term.Str.Queries == nil && len(q.Term.SuffixList) == 0
}
