package jq

import (
	"math"
	"math/big"
	"strings"

	"github.com/itchyny/gojq"
)

// What an item of an array takes, a member of an object, and a part of a text that is an item.
const (
	itemSize   = 16
	memberSize = 4 * itemSize
	partSize   = 2 * itemSize
)

// shallowSize returns how many bytes a value takes, about, without those that it is made of.
func shallowSize(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		return itemSize * len(v)
	case map[string]any:
		return memberSize * len(v)
	case *big.Int:
		return v.BitLen() / 8
	}
	return 0
}

// resultSize returns how many bytes an operator or a function makes of l and r, about.
func resultSize(name string, l, r any) int {
	text, _ := l.(string)
	items, _ := l.([]any)
	separator, _ := r.(string)
	switch name {
	case "explode":
		return partSize * len(text)
	case "split":
		return partSize * (strings.Count(text, separator) + 1)
	case "add":
		return sumSize(l)
	case "join":
		return len(items)*len(separator) + sumSize(l)
	case "transpose":
		longest := 0
		for _, row := range items {
			row, _ := row.([]any)
			longest = max(longest, len(row))
		}
		return product(itemSize*len(items), float64(longest))
	case "*":
		if n, ok := gojq.ToFloat64(r); ok && text != "" {
			return product(len(text), n)
		} else if n, ok := gojq.ToFloat64(l); ok && separator != "" {
			return product(len(separator), n)
		}
	}
	return shallowSize(l) + shallowSize(r)
}

// sumSize returns how many bytes the sum of a container's values has, about.
func sumSize(v any) (size int) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			size += shallowSize(e)
		}
	case map[string]any:
		for _, e := range v {
			size += shallowSize(e)
		}
	}
	return size
}

// product returns size n times, or the most that an int may be.
func product(size int, n float64) int {
	if p := float64(size) * n; p < math.MaxInt {
		return int(p)
	}
	return math.MaxInt
}

// weigh takes the bytes of v as JSON from left, about, and reports whether there are so many. A value
// of a few bytes may hold itself a billion times.
func weigh(v any, left *int) bool {
	*left -= itemSize / 4
	switch v := v.(type) {
	case string:
		*left -= len(v)
	case []any:
		for _, e := range v {
			if !weigh(e, left) {
				return false
			}
		}
	case map[string]any:
		for k, e := range v {
			if *left -= len(k); !weigh(e, left) {
				return false
			}
		}
	}
	return *left >= 0
}
