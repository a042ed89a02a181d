package suggest

import (
	"cmp"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// order is how the items of a list stand.
type order struct {
	newestFirst bool
	sorted      bool // by what is known of it
	numbers     bool // the ids are whole numbers
	byID        bool // they grow or fall from item to item
	mayFall     bool // they fall, perhaps by chance, and nothing else is known
	byTime      bool // they are sorted by a time, whatever their ids are
	why         string
	moves       string // why items change their places; empty where they do not
	unknown     string // why it is unknown at which end new items come; empty where that is known
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
		if o.sorted, o.byID = true, o.numbers; !o.numbers {
			o.unknown = "there is only one item"
		}
		return o
	}
	falls := slices.IsSortedFunc(numbers, func(a, b *big.Int) int { return b.Cmp(a) })
	switch {
	case !o.numbers || farApart(numbers):
		o.mayFall = o.numbers && falls
	case slices.IsSortedFunc(numbers, (*big.Int).Cmp):
		o.sorted, o.why = true, "`"+l.id+"` grows from item to item"
	case falls:
		o.sorted, o.newestFirst, o.why = true, true, "the highest `"+l.id+"` comes first"
	}
	o.byID = o.sorted
	path, newestFirst, found := l.timeOrder()
	if !found || o.numbers && o.sorted && newestFirst != o.newestFirst {
		if !o.sorted {
			o.unknown = "neither an id nor a time grows or falls from item to item"
		}
		return o
	}
	o.byTime, o.mayFall = true, false
	if o.byID {
		return o
	}
	if l.config.Format != page.Feed && activityName.MatchString(lastKey(path)) {
		o.moves = "items stand in the order of `" + path + "`, which changes"
		return o
	}
	if o.sorted, o.newestFirst, o.why = true, newestFirst, "`"+path+"` grows from item to item"; newestFirst {
		o.why = "the newest `" + path + "` comes first"
	}
	return o
}

// farApart reports whether numbers are so few, and so far apart, that they may grow or fall by chance: those of a counter are near each
// other, or there are many.
func farApart(numbers []*big.Int) bool {
	if len(numbers) > 4 { // one of 60 lists of five random numbers is sorted
		return false
	}
	far := new(big.Int).Abs(slices.MaxFunc(numbers, (*big.Int).CmpAbs))
	if far.Quo(far, big.NewInt(20)); far.Cmp(big.NewInt(1000)) < 0 {
		far.SetInt64(1000)
	}
	for i := 1; i < len(numbers); i++ {
		if new(big.Int).Sub(numbers[i], numbers[i-1]).CmpAbs(far) > 0 {
			return true
		}
	}
	return false
}

// byName reports whether the items stand in the order of their names: what is new then comes anywhere among them.
func (l *list) byName(o order) bool {
	ids := l.ids()
	if o.numbers || o.byTime || len(ids) < 2 {
		return false
	}
	for i := 1; i < len(ids); i++ {
		if ids[i-1] >= ids[i] {
			return false
		}
	}
	return true
}

// timeOrder finds a time by which the items are sorted.
func (l *list) timeOrder() (path string, newestFirst, found bool) {
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
			return p.Path, false, true
		case slices.IsSortedFunc(times, func(a, b float64) int { return cmp.Compare(b, a) }):
			return p.Path, true, true
		}
	}
	return "", false, false
}

// activityName finds the times of what happened to a thing last.
var activityName = regexp.MustCompile(`(?i)(bump|updat|modif|chang|last|activ|seen|access)`)

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
