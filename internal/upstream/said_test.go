package upstream

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// talkative is what polls say that say something of everything.
func talkative() *Said {
	s := &Said{
		Method: "GET", Host: "example.com", path: "/a", Query: "x=1", Original: &original{"/b", "y=2"}, Local: LocalAddr{"tcp", "192.0.2.1:80"},
		Header: http.Header{"Authorization": {"a"}, "Cookie": {"b=1"}}, Body: []byte("c"), Vars: map[string]any{"d": 1},
		Placeholders: map[string]any{"http.auth.user.id": "e"}, texts: []string{"f"},
	}
	open, wait := *s, *s
	s.Steps = []*Said{&open, &wait}
	return s
}

// notInTheKey are the fields of what polls say that do not tell feeds apart, with the reason.
var notInTheKey = map[string]string{}

func TestAllThatPollsSayIsInTheKey(t *testing.T) {
	t.Parallel()
	keys := map[Key]string{talkative().key(): "nothing"}
	each := func(field, how string, change func(s *Said)) {
		s := talkative()
		change(s)
		key := s.key()
		if other, twice := keys[key]; twice && notInTheKey[field] == "" {
			t.Errorf("what differs in %s %s has the key of what differs in %s", field, how, other)
		}
		keys[key] = field + " " + how
	}
	fields := reflect.TypeFor[Said]()
	for i := range fields.NumField() {
		for how, changed := range otherThan(t, fieldOf(talkative(), i)) {
			each(fields.Field(i).Name, how, func(s *Said) { fieldOf(s, i).Set(changed) })
		}
	}
}

// fieldOf returns a field as if it were exported.
func fieldOf(s *Said, i int) reflect.Value {
	field := reflect.ValueOf(s).Elem().Field(i)
	return reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem()
}

// otherThan returns values that a field may have instead of its own, by how they differ. It knows the
// types that the fields have: one of another type is a mistake of the test.
func otherThan(t *testing.T, v reflect.Value) map[string]reflect.Value {
	others := make(map[string]reflect.Value)
	add := func(how string, other any) { others[how] = reflect.ValueOf(other).Convert(v.Type()) }
	switch v.Type() {
	case reflect.TypeFor[string]():
		add("longer", v.String()+"?")
		add("empty", "")
	case reflect.TypeFor[bool]():
		add("turned", !v.Bool())
	case reflect.TypeFor[[]byte]():
		add("longer", append(slices.Clone(v.Bytes()), '?'))
		add("empty", []byte(nil))
	case reflect.TypeFor[[]string]():
		add("two", []string{"f", ""})
		add("another", []string{"g"})
		add("empty", []string(nil))
	case reflect.TypeFor[http.Header]():
		add("another value", http.Header{"Authorization": {"a"}, "Cookie": {"b=2"}})
		add("two values", http.Header{"Authorization": {"a", ""}, "Cookie": {"b=1"}})
		add("another name", http.Header{"Authorization": {"a"}, "X-Cookie": {"b=1"}})
		add("one less", http.Header{"Authorization": {"a"}})
	case reflect.TypeFor[map[string]any]():
		for name, value := range v.Seq2() {
			add("another name", map[string]any{name.String() + "?": value.Interface()})
			add("another type", map[string]any{name.String(): []any{value.Interface()}})
			add("unknown", map[string]any{name.String(): nil})
		}
		add("empty", map[string]any{})
	case reflect.TypeFor[*original]():
		add("another path", &original{"/c", "y=2"})
		add("another query", &original{"/b", "y=3"})
		add("none", (*original)(nil))
	case reflect.TypeFor[LocalAddr]():
		add("another address", LocalAddr{"tcp", "192.0.2.2:80"})
		add("another network", LocalAddr{"unix", "192.0.2.1:80"})
		add("none", LocalAddr{})
	case reflect.TypeFor[[]*Said]():
		steps, other := talkative().Steps, talkative()
		other.Steps, other.Host = nil, "elsewhere.example"
		add("another first", []*Said{other, steps[1]})
		add("another second", []*Said{steps[0], other})
		add("one less", steps[:1])
		add("one more", append(slices.Clone(steps), steps[0]))
		add("none", []*Said(nil))
	default:
		t.Fatalf("no other value of a %s is known", v.Type())
	}
	return others
}

// TestPollsAreMadeOfWhatTheySayAlone keeps what a client's request holds out of where polls are made, but for
// what is said.
func TestPollsAreMadeOfWhatTheySayAlone(t *testing.T) {
	t.Parallel()
	why := map[string]string{
		"Plan": "it is the configuration's", "Said": "it is what is said", "Key": "it is the hash of that", "bound": "it is the plan, with what is said in it",
		"First": "it is what tells first polls apart, which are shared by themselves", "LastID": "it is a position, as a cursor is",
		"Sent": "it is shown to operators", "which": "it is the configuration's", "polls": "it is another of these", "calls": "it is the upstream's", "Steps": "they are more of these", "steps": "they are the same",
	}
	for field := range reflect.TypeFor[Request]().Fields() {
		if why[field.Name] == "" {
			t.Errorf("%s is beside what polls say, and no reason is given", field.Name)
		}
	}
	plan := testplan.Behind(t, "php_fastcgi localhost:9 {\nenv LOCAL {http.request.local}\nenv AGENT {header.User-Agent}\n}",
		"items a", "id id", "query since {sse.cursor}", "header_up X-Who {header.X-Who}", "open {\nrewrite /open\ncursor session session\n}", "query session {sse.cursor.session}")
	local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 443}
	r := testsite.ClientRequest("POST", "https://example.com/a?x=1", "body", testsite.Header("X-Who", "ann"), testsite.Header("Cookie", "a=1"), testsite.Header("User-Agent", "curl"), testsite.WithVar("root", "/srv"))
	p := Accept(t, plan, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local))))

	made := &Request{Plan: plan, Said: p.Said, bound: bindTo(plan, p.Said.texts), First: p.First}
	open := plan.Only(config.KindOpen)
	step := &Request{Plan: open, Said: p.Said.Steps[0], bound: bindTo(open, p.Said.Steps[0].texts), which: 1, polls: made}
	for _, c := range []struct {
		name        string
		given, made *Request
	}{{"poll", p, made}, {"open", p.Steps[0], step}} {
		a, b := build(t, c.given, askFrom("7")), build(t, c.made, askFrom("7"))
		bodyOfA, _ := io.ReadAll(a.Body)
		bodyOfB, _ := io.ReadAll(b.Body)
		if a.Method != b.Method || a.Host != b.Host || a.RequestURI != b.RequestURI || (a.TLS == nil) != (b.TLS == nil) || string(bodyOfA) != string(bodyOfB) ||
			!maps.EqualFunc(a.Header, b.Header, slices.Equal) || caddyhttp.GetVar(a.Context(), "root") != caddyhttp.GetVar(b.Context(), "root") ||
			testsite.TextIn(a, "{http.request.local} {http.request.orig_uri} {http.request.header.User-Agent}") != testsite.TextIn(b, "{http.request.local} {http.request.orig_uri} {http.request.header.User-Agent}") {
			t.Errorf("%s: got %v, want %v", c.name, b, a)
		}
	}
}
