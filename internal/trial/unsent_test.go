package trial

import (
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

func ordered(o page.Order) page.Config {
	c := listOf("rows", "id")
	c.Order, c.Unsent = o, true
	return c
}

func TestItemsThatTheOrderPassesOverAreReservations(t *testing.T) {
	t.Parallel()
	rows := func(ids ...string) any {
		return `{"rows":[{"id":` + strings.Join(ids, `},{"id":`) + `}]}`
	}
	passing := ordered(page.NewestFirst)
	passing.Ignore = ignoring("id", "4").Ignore
	for _, c := range []struct {
		name    string
		config  page.Config
		answers []any
		want    string // the beginning of the verdict
	}{
		{"appended under newest_first", ordered(page.NewestFirst), []any{rows("2", "3"), rows("2", "3", "4"), rows("2", "3", "4")}, "works, but the item 4 is new and was never sent: it stands behind items that were. Is the list newest first? Write order overlap"},
		{"in front under overlap", ordered(page.Overlap), []any{rows("3", "2"), rows("4", "3", "2")}, "works, but the item 4 is new and was never sent: it stands before items that were. Is the list oldest first? Write order newest_first"},
		{"a lower id under by_id", ordered(page.ByID), []any{rows("3", "5"), rows("3", "5", "4")}, "works, but the item 4 is new and was never sent: an item with a higher id was. Do ids grow?"},
		{"in front under newest_first", ordered(page.NewestFirst), []any{rows("3", "2"), rows("4", "3", "2")}, "works"},
		{"appended under overlap", ordered(page.Overlap), []any{rows("2", "3"), rows("2", "3", "4")}, "works"},
		{"a higher id under by_id", ordered(page.ByID), []any{rows("3", "5"), rows("6", "3", "5")}, "works"},
		{"ignored in front under newest_first", passing, []any{rows("3", "2"), rows("4", "3", "2")}, "works"},
		{"a window that moves on", ordered(page.NewestFirst), []any{rows("4", "3", "2"), rows("5", "4", "3")}, "works"},
		{"a window that moves back to an old item", ordered(page.NewestFirst), []any{rows("4", "3", "2"), rows("4", "3", "1")}, "works"},
		{"an answer without items between", ordered(page.NewestFirst), []any{rows("3", "2"), `{"rows":[]}`, rows("2", "3", "4")}, "works, but the item 4 is new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := judged(c.config, nil, c.answers...)
			if exact := c.want == "works"; !strings.HasPrefix(v.Text, c.want) || exact && v.Text != c.want {
				t.Errorf("got %q, want %q", v.Text, c.want)
			}
			if v.Word == WorksBut && (v.Reasons[0].ID != "unsent_items" || !strings.Contains(v.Reasons[0].Text, "diff items")) {
				t.Errorf("got %+v", v.Reasons)
			}
		})
	}
}
