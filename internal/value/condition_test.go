package value

import (
	"net/http"
	"strings"
	"testing"
)

func TestConditionsHold(t *testing.T) {
	t.Parallel()
	const scope = `{"yes":true,"no":false,"zero":0,"one":1,"nil":null,"empty":"","text":"a b","big":9007199254740993,"cents":1.10,
		"list":[],"o":{"x":"y"},"f":"false","error":{"code":"BAD"},"links":[{"relation":"next"}],"@odata.nextLink":"/x"}`
	env := &Env{Status: 410, Header: http.Header{"X-More-Data": {"true"}}, Body: []byte(scope), Cursor: map[string]string{"": "7"}}
	for _, c := range []struct {
		words string // split at "|"
		want  bool
	}{
		{"yes", true},
		{"!yes", false},
		{"no", false},
		{"!no", true},
		{"zero", false},
		{"one", true},
		{"nil", false},
		{"empty", false},
		{"missing", false},
		{"!missing", true},
		{"text", true},
		{"f", false},
		{"list.#", false},
		{"links.#", true},
		{"o", true},
		{`@odata\.nextLink`, true},
		{`links.#(relation=="next")`, true},
		{`!links.#(relation=="prev")`, true},
		{"error.code|BAD", true},
		{"error.code|WORSE|BAD", true},
		{"error.code|bad", false},
		{"!error.code|WORSE|WORST", true},
		{"!error.code|WORSE|BAD", false},
		{"text|a b", true},
		{"big|9007199254740993", true},
		{"big|9007199254740992", false},
		{"cents|1.1", false},
		{"cents|1.10", true},
		{"nil|null", true},
		{"no|false", true},
		{"missing|", true},
		{"!missing|", false},
		{"{sse.status}|409|410", true},
		{"!{sse.header.X-More-Data}", false},
		{"!{sse.header.X-Other}", true},
		{"{sse.body.error.code}|BAD", true},
		{"{sse.cursor}|7", true},
		{"{sse.cursor.none}", false},
		{"=", false},
		{"=x", true},
	} {
		cond, err := ParseCondition(strings.Split(c.words, "|"))
		if err != nil {
			t.Errorf("%s: %v", c.words, err)
			continue
		}
		if got := cond.Holds([]byte(scope), env); got != c.want {
			t.Errorf("%s holds: %v, want %v", c.words, got, c.want)
		}
	}
}

func TestConditionsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{nil, {""}, {"!"}, {"a["}, {"!a["}, {"", "x"}, {"{sse.foo}"}, {"a..b."}} {
		if c, err := ParseCondition(words); err == nil {
			t.Errorf("%q is parsed as %+v", words, c)
		}
	}
}

func TestConditionSaysWhetherItReadsJSON(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]bool{"a": true, "!a.b": true, "{sse.status}": false, "!{sse.header.X}": false, "{sse.body.a}": true} {
		c, err := ParseCondition([]string{word})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.NeedsJSON(); got != want {
			t.Errorf("%s needs JSON: %v", word, got)
		}
	}
}

func TestConditionIsBoundOnce(t *testing.T) {
	t.Parallel()
	c, err := ParseCondition([]string{"{http.vars.room}-{sse.status}", "{http.vars.room}-200"})
	if err != nil {
		t.Fatal(err)
	}
	bound := c.Bind(func(text string) string { return strings.ReplaceAll(text, "{http.vars.room}", "{sse.body}") })
	if bound.Holds(nil, &Env{Status: 200, Body: []byte("secret")}) {
		t.Error("its matches were resolved")
	}
	literal, err := ParseCondition([]string{"{http.vars.room}", "{sse.body}"})
	if err != nil {
		t.Fatal(err)
	}
	if !literal.Bind(func(string) string { return "{sse.body}" }).Holds(nil, &Env{Body: []byte("secret")}) {
		t.Error("what was inserted is expanded again")
	}
}

// FuzzCondition checks that any words are a condition or an error, and that an exclamation mark
// turns each condition around.
func FuzzCondition(f *testing.F) {
	f.Add("a", "", `{"a":1}`, false)
	f.Add("!a.b", "x", `{"a":{"b":"x"}}`, true)
	f.Add("{sse.header.X-More-Data}", "true", "", true)
	f.Add(`links.#(relation=="next")`, "", `{"links":[{"relation":"next"}]}`, false)
	f.Add("=x", "x", "null", true)
	f.Fuzz(func(t *testing.T, word, match, scope string, matches bool) {
		args := []string{strings.TrimPrefix(word, "!")}
		if matches {
			args = append(args, match)
		}
		plain, err := ParseCondition(args)
		args[0] = "!" + args[0]
		negated, negatedErr := ParseCondition(args)
		if strings.HasPrefix(word, "!!") {
			return // the first two differ by more than a mark
		}
		if (err == nil) != (negatedErr == nil) {
			t.Fatalf("%q: %v, but %q: %v", word, err, args[0], negatedErr)
		}
		if err != nil || !ValidJSON([]byte(scope)) {
			return
		}
		env := &Env{Status: 200, Body: []byte(scope), Item: []byte(scope)}
		if plain.Holds([]byte(scope), env) == negated.Holds([]byte(scope), env) {
			t.Fatalf("%q and %q hold alike in %q", word, args[0], scope)
		}
	})
}

func TestConditionsOfTheItemAlone(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]bool{
		"a.b": true, "!a": true, "@this": true, "=x": true, "{sse.item}": true, "{sse.item.a}-{sse.item.b}": true, "{http.request.host}{sse.item}": true,
		"{sse.body.a}": false, "{sse.item}{sse.body}": false, "{sse.header.A}": false, "{sse.status}": false, "{sse.cursor}": false, "{sse.id}": false, "{sse.seq}": false,
		"{sse.link.next}": false,
	} {
		c, err := ParseCondition([]string{src})
		if err != nil {
			t.Fatal(err)
		}
		if c.ReadsOnlyItem() != want {
			t.Errorf("%s: %v", src, !want)
		}
	}
}
