package value

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestParsePathTakesWhatGjsonTakes(t *testing.T) {
	t.Parallel()
	const doc = `{"@odata.nextLink":"/next","@type":"page","last.id":7,"a[":8,` +
		`"items":[{"id":1,"user":{"name":"ann"}},{"id":2,"user":{"name":"bob \"}"}}],"n":{"@type":9}}`
	for path, want := range map[string]string{
		`items.0.id`:                       `1`,
		`items.#.id`:                       `[1,2]`,
		`items.#`:                          `2`,
		`items.#(user.name=="ann").id`:     `1`,
		`items.#(user.name%"*}").id`:       `2`,
		`items.#(id>0)#.id`:                `[1,2]`,
		`items.@reverse.0.id`:              `2`,
		`items|@reverse|0.id`:              `2`,
		`@this.items.1.id`:                 `2`,
		`@odata\.nextLink`:                 `/next`,
		`\@odata\.nextLink`:                `/next`,
		`\@type`:                           `page`,
		`n.\@type`:                         `9`,
		`last\.id`:                         `7`,
		`a\[`:                              `8`,
		`[items.0.id,last\.id]`:            `[1,7]`,
		`{"x":items.0.id,"y":[n.\@type]}`:  `{"x":1,"y":[9]}`,
		`items.1.@pretty:{"indent":""}|id`: `2`,
		`!"text"`:                          `text`,
		`it*s.0.id`:                        `1`,
		`nothing.here`:                     ``,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			p, err := ParsePath(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(found(p.Get([]byte(doc)))); got != want {
				t.Errorf("found %q, want %q", got, want)
			}
			if p.String() != path || p.IsZero() {
				t.Errorf("the path reads back as %q, zero: %v", p, p.IsZero())
			}
		})
	}
}

func TestParsePathRefusesWhatCannotBeRight(t *testing.T) {
	t.Parallel()
	for path, reason := range map[string]string{
		``:                        "empty",
		`a.`:                      "ends at '.'",
		`.`:                       "ends at '.'",
		`a|`:                      "ends at '|'",
		`a\`:                      "in a backslash",
		`#(a=="b\`:                "quote is not closed",
		`#(a=="b").c.#(d=="e"`:    "')' is missing",
		`#(a=="b)`:                "quote is not closed",
		`#(a==b]`:                 "']' closes nothing",
		`a)`:                      "')' closes nothing",
		`[a,b`:                    "']' is missing",
		`{"a":b`:                  "'}' is missing",
		`a{`:                      "'}' is missing",
		`@tihs`:                   "no modifier @tihs",
		`@type`:                   `as \@type`,
		`@odata.nextLink`:         "no modifier @odata",
		`items.@revers.0`:         "no modifier @revers",
		`items|@revers`:           "no modifier @revers",
		`[id,@tihs]`:              "no modifier @tihs",
		`{"n":@tihs,"m":id}`:      "no modifier @tihs",
		`#(@kyes.0=="a")`:         "no modifier @kyes",
		`items.@flaten:{"a":"b"}`: "no modifier @flaten",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			p, err := ParsePath(path)
			if err == nil {
				t.Fatalf("no error for %q", path)
			}
			if !strings.Contains(err.Error(), reason) {
				t.Errorf("the error is %q, which does not say %q", err, reason)
			}
			if !p.IsZero() {
				t.Errorf("there is a path beside the error: %q", p)
			}
		})
	}
}

func TestPathLooksIntoObjectsAndArraysOnly(t *testing.T) {
	t.Parallel()
	p, err := ParsePath("0")
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{``, ` `, `1`, `null`, `"[5]"`, `"see [5]"`, `"{\"0\":5}"`} {
		if r := p.Get([]byte(scope)); r.Exists() {
			t.Errorf("in %s it found %s", scope, r.Raw)
		}
	}
	if r := p.Get([]byte("\r\n\t [5]")); r.Raw != "5" {
		t.Errorf("it found %q behind white space, want 5", r.Raw)
	}
	if r := (Path{}).Get([]byte(`{"":1}`)); r.Exists() || !(Path{}).IsZero() {
		t.Errorf("the zero Path found %s", r.Raw)
	}
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{
		`a.b.0`, `#(a=="b").c`, `#(a==")")#.#`, `[a,{"b":@this}]`, `@pretty:{"indent":"\t"}`, `..#.a`, `a\.b`, `!"x"`,
		`@odata\.nextLink`, `a|@join:{"preserve":true}`, `@dig:a`, `#(#(a>1)#)`, `!`, `@`, `~true`, `#(a==~true)`,
	} {
		f.Add(path, `{"a":{"b":[1.10,"x\u00e9",null,{"a":"b","c":")"}]},"":0}`)
		f.Add(path, `[[{"a":1}],"{[",[]]`)
	}
	f.Fuzz(func(t *testing.T, path, json string) {
		p, err := ParsePath(path)
		if (err == nil) == p.IsZero() {
			t.Fatalf("ParsePath(%q) = %q, %v", path, p, err)
		}
		if err != nil || !ValidJSON([]byte(json)) {
			return
		}
		scope := []byte(json)
		r := p.Get(scope)
		if string(scope) != json {
			t.Fatalf("looking up %q changed %q to %q", path, json, scope)
		}
		if p.keys && r.Exists() && !gjson.Parse(json).IsObject() && !gjson.Parse(json).IsArray() {
			t.Fatalf("%q found %q in the scalar %q", path, r.Raw, json)
		}
		if (found(r) == nil) != !r.Exists() {
			t.Fatalf("%q found %q as %q", path, r.Raw, found(r))
		}
	})
}

func TestPathsOfKeysAlone(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]int{
		"@this": 0, "list": 1, "a.b": 2, "a.0.b-c_D": 3,
		"a*": -1, "a?": -1, "#": -1, "a.#": -1, "a.#(b==1).c": -1, "a|b": -1, "a.@reverse": -1, "{a,b}": -1, "[a]": -1, `a\.b`: -1, "..0": -1, "!1": -1,
	} {
		p, err := ParsePath(src)
		if err != nil {
			t.Fatal(err)
		}
		if n, plain := p.Keys(); plain != (want >= 0) || plain && n != want {
			t.Errorf("%s: %d, %v", src, n, plain)
		}
	}
}
