package shape

import (
	"testing"

	"github.com/tidwall/gjson"
)

// TestPathsLeadToTheirPlaces holds each path against the gjson that follows it.
func TestPathsLeadToTheirPlaces(t *testing.T) {
	t.Parallel()
	const json = `{"a":1,"b.c":{"d|e":[1]},"@odata.deltaLink":"x","@type":"y","*":{"?":2,"#":3},"x\"y":4,"a{b}":5,"(c)":6,"f!g":7,"h\\i":8,"@this":9,"k":{"@type":10}}`
	places := Places([]byte(json))
	if len(places) != 16 {
		t.Fatalf("there are %d places", len(places))
	}
	for _, p := range places {
		if got := gjson.Get(json, p.Path); got.Raw != p.Value.Raw {
			t.Errorf("%s leads to %q, and stands for %q", p.Path, got.Raw, p.Value.Raw)
		}
	}
}

func TestNearestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wanted string
		names  []string
		want   string
	}{
		{"itmes", []string{"id", "items", "interval"}, "items"},
		{"message", []string{"total", "messages"}, "messages"},
		{"MessageID", []string{"user_id", "message_id"}, "message_id"},
		{"msgId", []string{"text", "id"}, "id"},
		{"id", []string{"at", "no", "text"}, ""},
		{"rows", []string{"messages"}, ""},
	} {
		if got := NearestName(c.wanted, c.names); got != c.want {
			t.Errorf("nearest to %s of %q is %q, want %q", c.wanted, c.names, got, c.want)
		}
	}
}

func TestIDLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ item, want string }{
		{`{"user_id":1,"id":2}`, "id"},
		{`{"id":"doc","seq":3}`, "seq"},
		{`{"action":"set","node":{"key":"/a","modifiedIndex":3}}`, "node.modifiedIndex"},
		{`{"text":"a","postId":3}`, "postId"},
		{`{"id":{"$oid":"x"},"guid":"y"}`, "guid"},
		{`{"user_id":1,"text":"a","paid":true}`, ""},
	} {
		p, _ := IDLike(Scalars(Places([]byte(c.item))))
		if p.Path != c.want {
			t.Errorf("in %s it is %q, want %q", c.item, p.Path, c.want)
		}
	}
}
