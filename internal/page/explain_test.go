package page

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func mustValue(t *testing.T, src string) value.Value {
	t.Helper()
	v, err := value.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestExplainSaysWhatEachPathFinds(t *testing.T) {
	t.Parallel()
	items, err := value.ParsePath("rows")
	if err != nil {
		t.Fatal(err)
	}
	more, err := value.ParseCondition([]string{"!done", "yes"})
	if err != nil {
		t.Fatal(err)
	}
	ping, err := value.ParseCondition([]string{"type", "ping"})
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(Config{
		Items: items, ID: mustValue(t, "id"), Event: mustValue(t, "type"), Data: mustValue(t, "text"),
		Cursors: []Cursor{{Name: "at", Values: []value.Value{mustValue(t, "none"), mustValue(t, "{sse.header.X-At}")}}},
		Ignore:  []value.Condition{ping}, More: []value.Condition{more},
	})
	got := r.Explain(Response{
		Status: 503, Header: http.Header{"X-At": {"7"}},
		Body: []byte(`{"rows":[{"id":3,"type":"a","text":"x"},{"id":2,"type":"ping"},{"type":"a"}],"done":"no"}`),
	}, nil)
	got.Body = nil
	want := Found{
		JSON: true, Items: 3, Item: []byte(`{"id":3,"type":"a","text":"x"}`), IDs: 2, First: "3", Types: []string{"a", "ping"}, Data: 1, Ignored: 1,
		Cursor: map[string]string{"at": "7"}, Holds: []string{"more !done yes"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestExplainNamesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	items, _ := value.ParsePath("rows")
	got := NewReader(Config{Items: items}).Explain(Response{Status: 200, Body: []byte("<html>")}, nil)
	if got.JSON || got.Nature != "HTML" || got.Items != 0 {
		t.Errorf("got %+v", got)
	}
	if got := NewReader(Config{Format: XML}).Explain(Response{Status: 200, Body: []byte("<a>")}, nil); got.Err == nil {
		t.Errorf("no error in %+v", got)
	}
}
