package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// oldestFirst puts a page's items, which stand as c says, in the order in which they go out.
func oldestFirst(items []item, c *Config) error {
	switch c.Order {
	case NewestFirst:
		slices.Reverse(items)
	case ByID:
		for i, it := range items {
			if _, ok := parseInteger(it.id); !ok {
				return fmt.Errorf("order by_id needs integers, and id %s is not an integer in item %d of %d", c.ID, i+1, len(items))
			}
		}
		slices.SortStableFunc(items, func(a, b item) int {
			x, _ := parseInteger(a.id)
			y, _ := parseInteger(b.id)
			return x.compare(y)
		})
	}
	return nil
}

// integer is a decimal integer of any size.
type integer struct {
	negative bool
	digits   string // without leading zeros
}

func parseInteger(s string) (integer, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return integer{}, false
	}
	digits = strings.TrimLeft(digits, "0")
	return integer{negative: negative && digits != "", digits: digits}, true
}

func (x integer) compare(y integer) int {
	switch {
	case x.negative && y.negative:
		return compareDigits(y.digits, x.digits)
	case x.negative:
		return -1
	case y.negative:
		return 1
	}
	return compareDigits(x.digits, y.digits)
}

// compareDigits compares numbers without leading zeros.
func compareDigits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
