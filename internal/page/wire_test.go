package page

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
	"github.com/sse-bridge/caddy-sse-bridge/internal/wire"
)

// elsewhere returns a page as another node gets it.
func elsewhere(t *testing.T, p Page) Page {
	t.Helper()
	text, err := p.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := wire.NewScanner(text)
	got := Scan(s)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAPageIsTold(t *testing.T) {
	t.Parallel()
	at := func(c string) position.Position { return position.Position{Cursor: position.Cursor{c}} }
	for _, p := range []Page{
		{},
		{Status: 200, News: true, Next: at("2"), Events: []Event{{Data: []byte("a\nb"), At: at("1"), Key: "1"}, {Type: "t", Data: []byte{}, At: at("2")}}},
		{Status: 304, Empty: true, Complete: true, Next: at("9"), Validators: Validators{ETag: `"x"`, LastModified: "y"}},
		{News: true, Lost: true, More: true, End: true, Wait: time.Minute, Next: position.Position{Done: 2, Print: position.Print{1}}},
	} {
		if got := elsewhere(t, p); !reflect.DeepEqual(got, p) {
			t.Errorf("%+v became %+v", p, got)
		}
	}
}

func TestASetIsTold(t *testing.T) {
	t.Parallel()
	id, _ := value.Parse("id")
	items, _ := value.ParsePath("items")
	skip, _ := value.ParseCondition([]string{"skip"})
	reader := NewReader(Config{Format: JSON, Items: items, ID: id, Set: true, Ignore: []value.Condition{skip}})
	read := func(body string) Page {
		p, err := reader.ReadSet(Response{Status: 200, Body: []byte(body)}, position.Position{}, nil, 0, &value.Env{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := read(`{"items":[{"id":1,"n":1},{"id":2,"skip":true},{"id":3,"n":"x"}]}`)
	after := read(`{"items":[{"id":3,"n":"x"},{"id":1,"n":2},{"id":4}]}`)
	before.Set.Follow(nil)
	after.Set.Follow(before.Set)
	a, b := elsewhere(t, before), elsewhere(t, after)
	a.Set.Follow(nil)
	b.Set.Follow(a.Set)
	if a.Set.Key() != before.Set.Key() || b.Set.Key() != after.Set.Key() {
		t.Error("another node has another id for the same set")
	}
	if got, want := b.Set.Changes(a.Set, nil), after.Set.Changes(before.Set, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("another node tells %+v instead of %+v", got, want)
	}
	if got, want := b.Set.Snapshot(), after.Set.Snapshot(); !reflect.DeepEqual(got, want) {
		t.Errorf("another node tells %+v instead of %+v", got, want)
	}
}

func TestWhatIsOnlyForTheNodeThatPollsIsNotTold(t *testing.T) {
	t.Parallel()
	for _, p := range []Page{{Carry: new(Carry)}, {Reset: true}, {Reopen: true}, {Restarted: true}} {
		if _, err := p.Append(nil); !errors.Is(err, ErrUntold) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestAPageThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	event := func(typ string) []byte {
		p := Page{Events: []Event{{Type: typ, Data: []byte("x")}}}
		text, err := p.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	set := func(elements ...*element) []byte {
		p := Page{Set: &Set{elements: elements}}
		text, err := p.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"a notice":            {event("bridge.reset"), "one of the bridge's own"},
		"no JSON":             {set(&element{id: "1", data: []byte("{")}), "is no JSON"},
		"one id in two items": {set(&element{id: "1", data: []byte("1")}, &element{id: "1", data: []byte("2")}), "in two items"},
		"cut off":             {event("x")[:8], "cut off"},
	} {
		s := wire.NewScanner(test.text)
		Scan(s)
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, p := range []Page{
		{News: true, Events: []Event{{Type: "t", Data: []byte("d"), Key: "k", At: position.Position{Cursor: position.Cursor{"1"}}}}},
		{Set: &Set{elements: []*element{{id: "1", data: []byte(`{"a":1}`)}}}},
	} {
		text, err := p.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := wire.NewScanner(text)
		p := Scan(s)
		if s.Err() != nil {
			return
		}
		if p.Set != nil {
			p.Set.Follow(nil) // it must be a set that changes can be made of
			p.Set.Snapshot()
		}
		if p.Wait < 0 || p.Wait > maxWait || p.Status < 0 {
			t.Errorf("the page is %+v", p)
		}
		written, err := p.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again := wire.NewScanner(written)
		if q := Scan(again); again.Err() != nil || p.Set == nil && !reflect.DeepEqual(p, q) {
			t.Errorf("%+v became %+v: %v", p, q, again.Err())
		}
	})
}
