package quick

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/suggest"
)

// Choice is a click in the tree: what a value is for the block.
type Choice struct {
	Role      Role   `json:"role"`
	Path      string `json:"path"`      // of the value: from the answer, or from the item it is in; empty: no value is Event or Data
	List      string `json:"list"`      // the path of the list that the item is in; empty: it is in none
	Parameter string `json:"parameter"` // of the query, in which a position goes back
}

// Role is what a value is for a block.
type Role string

// The roles.
const (
	Whole  Role = "whole"  // the answer is one event
	Items  Role = "items"  // each item of the list is an event
	ID     Role = "id"     // identifies the item
	Event  Role = "event"  // names the kind of event
	Data   Role = "data"   // is what clients get
	Cursor Role = "cursor" // is the position, which goes back with the next poll
)

// String says what has been chosen.
func (c Choice) String() string {
	switch c.Role {
	case Whole:
		return "the whole answer was chosen as the event"
	case Items:
		return "the list " + c.Path + " was chosen"
	}
	if c.Path == "" {
		return "no value is the " + string(c.Role)
	}
	return c.Path + " was chosen as " + string(c.Role)
}

// in returns a block with the choice in it. answer is the newest one.
func (c Choice) in(block string, answer []byte) (string, error) {
	l, err := readLines(block)
	if err != nil {
		return "", err
	}
	if c.List != "" && c.List != listOf(l) && c.Role != Items {
		if block, err = (Choice{Role: Items, Path: c.List}).in(block, answer); err != nil {
			return "", err
		}
		if l, err = readLines(block); err != nil {
			return "", err
		}
	}
	if c.Role == Cursor && c.List != "" { // of an item: its id is the position
		if block, err = (Choice{Role: ID, Path: c.Path}).in(block, answer); err != nil {
			return "", err
		}
		return Choice{Role: Cursor, Path: c.Path, Parameter: c.Parameter}.in(block, answer)
	}
	switch c.Role {
	case Whole:
		return l.replace(nil, isOf("items", "id", "event", "data", "order", "diff", "cursor", "more")), nil
	case Items:
		return c.items(l, answer)
	case ID:
		text := line("what identifies an item", "id", c.Path)
		if !sendsPosition(l) && !has(l, "order") && !has(l, "diff") && !has(l, "stream") {
			text = append(text, line("items that were already sent are dropped by their ids", "order", "overlap")...)
		}
		return l.replace(text, isOf("id")), nil
	case Event, Data:
		if c.Path == "" {
			return l.replace(nil, isOf(string(c.Role))), nil
		}
		why := map[Role]string{Event: "names kinds of events, for addEventListener", Data: "what clients get"}[c.Role]
		return l.replace(line(why, string(c.Role), c.Path), isOf(string(c.Role))), nil
	case Cursor:
		return c.cursor(l)
	}
	return "", fmt.Errorf("%q is not the role of a value", c.Role)
}

// items makes an event of each item of a list.
func (c Choice) items(l *lines, answer []byte) (string, error) {
	found := suggest.Items(answer, c.Path)
	if found == nil {
		return "", fmt.Errorf("the newest answer has no list at %s", c.Path)
	}
	format := first(l, "format")
	var text []string
	for _, one := range found {
		if !strings.HasPrefix(one.Text, "items ") || !slices.Contains([]string{"feed", "csv", "lines"}, format) { // these know their items
			text = append(text, "\t# "+one.Why, "\t"+one.Text)
		}
	}
	drop := []string{"items", "id", "event", "data", "order", "diff", "cursor", "more"}
	if format == "message" {
		drop = append(drop, "format")
	}
	return l.replace(text, isOf(drop...)), nil
}

// cursor makes a value the position. An id needs only its parameter.
func (c Choice) cursor(l *lines) (string, error) {
	if c.Parameter == "" {
		return "", errors.New("name the parameter of the query in which the position goes back")
	}
	query := line("to ask for what came after it", "query", c.Parameter, "{sse.cursor}")
	drop := func(words []string) bool {
		return len(words) > 2 && words[0] == "query" && (words[1] == c.Parameter || strings.Contains(words[2], "{sse.cursor"))
	}
	if first(l, "id") == c.Path {
		return l.replace(query, func(words []string) bool { return drop(words) || words[0] == "order" || words[0] == "diff" }), nil
	}
	text := append(line("the position, which the endpoint gives with each answer", "cursor", c.Path), query...)
	return l.replace(text, func(words []string) bool {
		return drop(words) || words[0] == "cursor" || words[0] == "order" || words[0] == "diff"
	}), nil
}

// isOf reports which subdirectives have one of these names. A query that sends a position goes with its cursor.
func isOf(names ...string) func(words []string) bool {
	return func(words []string) bool {
		if slices.Contains(names, "cursor") && words[0] == "query" && len(words) > 2 && strings.Contains(words[2], "{sse.cursor") {
			return true
		}
		return slices.Contains(names, words[0])
	}
}

// sendsPosition reports whether polls say where they continue.
func sendsPosition(l *lines) bool {
	return slices.ContainsFunc(l.text, func(text string) bool { return strings.Contains(text, "{sse.cursor") })
}

// listOf is the path of the list that a block makes events of.
func listOf(l *lines) string {
	switch first(l, "format") {
	case "feed":
		return "items"
	case "csv", "lines":
		return "@this"
	}
	return first(l, "items")
}

// first is the first argument of a block's subdirective; empty if it has none.
func first(l *lines, name string) string {
	for _, s := range l.subs {
		if s.words[0] == name && len(s.words) > 1 {
			return s.words[1]
		}
	}
	return ""
}

func has(l *lines, name string) bool {
	return slices.ContainsFunc(l.subs, func(s subdirective) bool { return s.words[0] == name })
}

// line is a subdirective, with a comment that says why it is there.
func line(why string, words ...string) []string {
	for i := range words[1:] {
		words[i+1] = suggest.Quote(words[i+1])
	}
	return []string{"\t# " + why, "\t" + strings.Join(words, " ")}
}
