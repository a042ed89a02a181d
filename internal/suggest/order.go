package suggest

import (
	"cmp"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// order is how the items of a list stand.
type order struct {
	newestFirst bool
	sorted      bool // by what is known of it
	numbers     bool // the ids are whole numbers
	why         string
}

// order finds out how the items stand: by their ids if these are numbers, else by their times.
func (l *list) order() order {
	ids := l.ids()
	numbers := make([]*big.Int, 0, len(ids))
	for _, id := range ids {
		if n, ok := new(big.Int).SetString(id, 10); ok {
			numbers = append(numbers, n)
		}
	}
	o := order{numbers: len(ids) > 0 && len(numbers) == len(ids)}
	if len(ids) < 2 {
		o.sorted, o.why = true, "there is only one item, so the order is unknown: oldest first is assumed"
		return o
	}
	if o.numbers {
		switch {
		case slices.IsSortedFunc(numbers, (*big.Int).Cmp):
			o.sorted, o.why = true, "`"+l.id+"` grows from item to item"
		case slices.IsSortedFunc(numbers, func(a, b *big.Int) int { return b.Cmp(a) }):
			o.sorted, o.newestFirst, o.why = true, true, "the highest `"+l.id+"` comes first"
		}
		return o
	}
	for _, p := range shape.Scalars(shape.Places([]byte(l.items[0].Raw))) {
		if !timeName.MatchString(p.Key) {
			continue
		}
		times := make([]float64, 0, len(l.items))
		for _, it := range l.items {
			if at, ok := timeOf(it.Get(p.Path)); ok {
				times = append(times, at)
			}
		}
		if len(times) != len(l.items) || slices.Min(times) == slices.Max(times) {
			continue
		}
		switch {
		case slices.IsSorted(times):
			o.sorted, o.why = true, "`"+p.Path+"` grows from item to item"
			return o
		case slices.IsSortedFunc(times, func(a, b float64) int { return cmp.Compare(b, a) }):
			o.sorted, o.newestFirst, o.why = true, true, "the newest `"+p.Path+"` comes first"
			return o
		}
	}
	return o
}

var timeName = regexp.MustCompile(`(?i)(time|date|created|updated|published|sent|stamp|^ts$|_at$|At$)`)

// timeOf reads a time: seconds or milliseconds since 1970, or a text as RFC 3339, RFC 1123 or SQL write it.
func timeOf(v gjson.Result) (float64, bool) {
	if v.Type == gjson.Number {
		return v.Num, true
	}
	for _, layout := range []string{time.RFC3339Nano, time.RFC1123Z, time.RFC1123, "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, strings.TrimSpace(v.Str)); err == nil {
			return float64(at.UnixMilli()), true
		}
	}
	return 0, false
}
