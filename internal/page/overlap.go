package page

import (
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Where pages overlap and each item has a cursor, such as its time, the poll asks for all items from the cursor
// on, that one included. Several items may have it, and more of them may come later, at any place among them. So
// a position is the cursor and which of its items were sent: their fingerprints, in the order in which they were.
// Items with one fingerprint are counted: more of them are new.

// sentName is the name of that list among the cursors. No template can read it.
const sentName = "~sent"

const (
	printSize = 8    // of the text of a fingerprint
	maxSent   = 2000 // items with one cursor; more could not be told apart in an answer and in memory
)

// printOf returns the fingerprint of an item: of its id, or of what it says if it has none.
func printOf(it *item) string {
	text := []byte(it.id)
	if it.id == "" {
		text = it.text()
	}
	return new(position.Prints).Next(text).String()
}

// unsent finds the cursors of the items, and returns those that were not sent.
func (rd *reading) unsent(items []item) ([]item, error) {
	sent := make(map[string]int) // how many of them are equal
	for list := rd.from.Cursor[1]; len(list) >= printSize; list = list[printSize:] {
		sent[list[:printSize]]++
	}
	left := items[:0:0]
	before, same := rd.from.Cursor[0], 0
	for i := range items {
		it := &items[i]
		if it.cursor = rd.cursorOf(it); it.cursor == "" {
			it.cursor = before
		}
		if before = it.cursor; before == "" {
			return nil, fmt.Errorf("the first item has no cursor: %s found nothing in it", rd.reader.config.Cursors[0].Values[0])
		}
		if it.cursor == rd.from.Cursor[0] {
			if print := printOf(it); sent[print] > 0 {
				sent[print]--
				continue
			}
		}
		if n := len(left); n == 0 || left[n-1].cursor != it.cursor {
			same = 0
			if it.cursor == rd.from.Cursor[0] {
				same = len(rd.from.Cursor[1]) / printSize
			}
		}
		if same++; same > maxSent {
			return nil, fmt.Errorf("more than %d items have the same cursor: order overlap cannot tell apart so many: use a finer one", maxSent)
		}
		left = append(left, *it)
	}
	return left, nil
}

// cursorOf returns the cursor of an item; empty: it has none.
func (rd *reading) cursorOf(it *item) string {
	rd.env.Item = it.text()
	defer func() { rd.env.Item = nil }()
	for _, v := range rd.reader.values[0] {
		if got := v.of(rd.lookIn(it, v.Value)); present(got) {
			return string(got)
		}
	}
	return ""
}

// after returns the positions after items that were not sent.
func (rd *reading) after(items []item) []position.Position {
	all := make([]position.Position, len(items))
	cursor, list := rd.from.Cursor[0], []byte(rd.from.Cursor[1])
	for start := 0; start < len(items); {
		if items[start].cursor != cursor {
			cursor, list = items[start].cursor, nil
		}
		end := start
		for ; end < len(items) && items[end].cursor == cursor; end++ {
			list = append(list, printOf(&items[end])...)
		}
		text := string(list) // which all positions share
		for i := start; i < end; i++ {
			all[i] = rd.border(position.Cursor{cursor, text[:len(text)-printSize*(end-1-i)]})
		}
		start = end
	}
	return all
}
