package servers

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// setChange is a change of a server's set, and the set after it.
type setChange struct {
	do   func()
	want string
}

// followSet has a client keep a set by the events that it gets: while it is there, and when it comes back to
// the node that it left or to one that knows nothing. show makes of an item `key=what matters`; a set is
// written as its items in order, with spaces between.
func followSet(t *testing.T, caddyfile, path string, show func(item gjson.Result) string, first string, changes ...setChange) {
	t.Helper()
	s := testsite.Run(t, caddyfile)
	set := make(map[string]string)
	last := ""
	var stream *testsite.Subscription
	open := func() {
		var header []string
		if last != "" {
			header = []string{"Last-Event-ID", last}
		}
		stream = testsite.Subscribe(t, s.URL+path, header...)
	}
	reaches := func(want string) {
		t.Helper()
		deadline := time.After(testsite.Patience)
		for {
			got := strings.Join(slices.Sorted(maps.Values(set)), " ")
			if got == want {
				return
			}
			select {
			case e, ok := <-stream.Events:
				if !ok {
					t.Fatalf("the stream has ended; the set is %q instead of %q", got, want)
				}
				last = e.ID
				applyToSet(t, set, show, e)
			case <-deadline:
				t.Fatalf("the set is %q instead of %q; comments %q", got, want, stream.Seen())
			}
		}
	}
	open()
	reaches(first)
	for i, change := range changes {
		if i%2 == 0 {
			change.do()
			reaches(change.want)
			continue
		}
		stream.Close()
		change.do()
		if i%4 == 3 {
			s.Move(caddyfile, i)
		}
		open()
		reaches(change.want)
	}
}

func applyToSet(t *testing.T, set map[string]string, show func(item gjson.Result) string, e testsite.Received) {
	t.Helper()
	item := gjson.Parse(e.Data)
	key, _, _ := strings.Cut(show(item), "=")
	_, there := set[key]
	switch e.Type {
	case "snapshot":
		clear(set)
		for _, item := range item.Array() {
			key, _, _ := strings.Cut(show(item), "=")
			set[key] = show(item)
		}
		return
	case "added", "changed":
		set[key] = show(item)
	case "removed":
		delete(set, key)
	default:
		t.Fatalf("got %+v", e)
	}
	if there != (e.Type != "added") {
		t.Fatalf("got %+v, when the set was %v", e, set)
	}
}
