package value

import (
	"net/http"
	"strings"
	"testing"
)

func TestALinkIsFoundByItsRelation(t *testing.T) {
	github := `<https://api.github.com/repositories/1300192/issues?page=2>; rel="next", <https://api.github.com/repositories/1300192/issues?page=515>; rel="last"`
	for _, c := range []struct {
		relation string
		want     string
		fields   []string
	}{
		{"next", "https://api.github.com/repositories/1300192/issues?page=2", []string{github}},
		{"last", "https://api.github.com/repositories/1300192/issues?page=515", []string{github}},
		{"prev", "", []string{github}},
		{"next", "", nil},
		{"next", "/v2/_catalog?last=b&n=2", []string{`</v2/_catalog?last=b&n=2>; rel="next"`}},
		{"next", "/b", []string{`</a>; rel=prev`, `</b>; rel=next`}},
		{"next", "/b", []string{`</a>;rel="prev",</b>;title="a, \"b\"; rel=next>" ; REL = "last NEXT"`}},
		{"next", "/?a=1,2;3", []string{`</?a=1,2;3>; rel="next"`}},
		{"next", "", []string{`</a>; rel="prev"; rel="next"`}},
		{"next", "", []string{`</a>; title="<b>; rel=next"`}},
		{"next", "", []string{`/a; rel="next"`}},
		{"next", "", []string{`</a; rel="next"`}},
		{"next", "/a", []string{`,, </a>;; rel="next`}},
		{"next", "/b", []string{`broken`, `</b>; rel="next"`}},
	} {
		template, err := ParseTemplate("{sse.link." + c.relation + "}")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := template.Expand(&Env{Header: http.Header{"Link": c.fields}}); got != c.want {
			t.Errorf("%s of %q is %q, not %q", c.relation, c.fields, got, c.want)
		}
	}
}

func TestALinkNeedsARelation(t *testing.T) {
	for _, text := range []string{"{sse.link}", "{sse.link.}", "{sse.link.a b}"} {
		if _, err := ParseTemplate(text); err == nil || !strings.Contains(err.Error(), "{sse.link.next}") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzLink(f *testing.F) {
	f.Add(`</a>; rel="next", <b>; rel=prev; x="\""`)
	f.Add(`<>;rel=next`)
	f.Fuzz(func(t *testing.T, field string) {
		target := Link(http.Header{"Link": {field}}, "next")
		if target != "" && !strings.Contains(field, "<"+target) && !strings.Contains(field, target) {
			t.Errorf("%q is not in %q", target, field)
		}
	})
}
