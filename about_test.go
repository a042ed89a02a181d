package ssebridge

import (
	"fmt"
	"testing"
)

func TestOnlyNamesOfAQueryAreTold(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                    "[]",
		"room=blue&since=4&=": "[room since]",
		"room=1&room=2":       "[room]",
		"s3cr3t":              "[]",
		"s3cr3t=&room=1":      "[room]",
		"s3cr3t==":            "[]",
	} {
		if got := fmt.Sprint(queryNames(query)); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
}
