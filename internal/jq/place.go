package jq

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// positioned says where in src a program is wrong; at is -1 where nobody knows.
func positioned(src string, at int, err error) error {
	if at < 0 || at > len(src) {
		return fmt.Errorf("jq program: %w", err)
	}
	before := src[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("jq program, line %d, column %d: %w", line, column, err)
}

var nameIn = regexp.MustCompile(`: "?(\$?[\w:]+)(?:/[0-9]+|")?$`)

// named returns where src first has the name that gojq's compiler complains about without
// saying where, or -1.
func named(src, message string) int {
	name := "inputs?"
	if m := nameIn.FindStringSubmatch(message); m != nil {
		name = regexp.QuoteMeta(m[1])
	} else if !strings.HasPrefix(message, "input") {
		return -1
	}
	m := regexp.MustCompile(`(?:^|[^$\w])(` + name + `)(?:$|\W)`).FindStringSubmatchIndex(src)
	if m == nil {
		return -1
	}
	return m[2]
}
