package page

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// once is a reader of the answers of a session.
func once(t *testing.T, src string) *Reader {
	c := config(t, src)
	c.Once = true
	return NewReader(c)
}

func TestItemsThatComeOnceAreNeverCompared(t *testing.T) {
	t.Parallel()
	r := once(t, "items @this\nignore @this ping")
	if !r.Counts() || r.Document() || len(r.Cursors()) > 0 {
		t.Fatalf("it counts: %t, a document: %t, cursors %q", r.Counts(), r.Document(), r.Cursors())
	}
	at := position.Position{}
	for i, n := range []int{2, 2, 0, 1} {
		p := mustRead(t, r, ok([]string{`["a","a"]`, `["a","a"]`, `["ping"]`, `["ping","b"]`}[i]), at)
		if len(p.Events) != n || p.Lost || p.Stuck || p.News != (n > 0) || p.More != (n == 0) {
			t.Errorf("answer %d: got %+v", i, p)
		}
		if n > 0 && (p.Next.Done <= at.Done || p.Events[n-1].At.Done != p.Next.Done) {
			t.Errorf("answer %d: the position after %d is %d, and that of the last event %d", i, at.Done, p.Next.Done, p.Events[n-1].At.Done)
		}
		at = p.Next
	}
	if at.Done != 6 {
		t.Errorf("%d items were counted", at.Done)
	}
}

func TestItemsWithIDsThatComeOnceAreAllNew(t *testing.T) {
	t.Parallel()
	r := once(t, "items @this\nid i")
	p := mustRead(t, r, ok(`[{"i":"c"},{"i":"b"},{"i":"d"}]`), position.Position{})
	equal(t, "ids", ids(p), "c b d")
	if r.Counts() || p.Lost {
		t.Errorf("it counts: %t, got %+v", r.Counts(), p)
	}
}

// Nothing follows, so there is nothing more to ask for.
func TestAnAnswerWhoseItemsAreAllIgnoredMayBeTheLastOfASession(t *testing.T) {
	t.Parallel()
	r := once(t, "items @this\nignore type close ping\nend 0.type close")
	for body, end := range map[string]bool{`[{"type":"close"}]`: true, `[{"type":"ping"}]`: false} {
		p := mustRead(t, r, ok(body), position.Position{})
		if len(p.Events) > 0 || p.End != end || p.More == end {
			t.Errorf("%s: got %+v", body, p)
		}
	}
}
