package decode

import (
	"strings"
	"testing"
)

var eventCases = framerCases{
	{"an event", "data: a\n\n", "a"},
	{"all fields", "id: 1\nevent: price\nretry: 500\ndata: a\n\n", `a {"Event":["price"],"Id":["1"],"Retry":["500"]}`},
	{"several lines", "data: a\ndata:\ndata:  b\n\n", "a\n\n b"},
	{"CR", "data: a\rdata: b\r\rdata: c\r\r", "a\nb | c"},
	{"CRLF", "data: a\r\ndata: b\r\n\r\n", "a\nb"},
	{"a line is complete at its CR", "data: a\r\r", "a"},
	{"CR, then LF", "data: a\r\n\r\ndata: b\n\r\n\r", "a | b"},
	{"not complete", "data: a\n", "…"},
	{"half a field", "dat", "…"},
	{"a comment", ": a\n:data: b\n\n", ""},
	{"half a comment", ": a", ""},
	{"data without a colon", "data\n\n", ""},
	{"data without a colon twice", "data\ndata\n\n", "\n"},
	{"no data", "data:\n\n", ""},
	{"an id is of one record", "id: 1\ndata: a\n\ndata: b\n\n", `a {"Id":["1"]} | b`},
	{"an empty id", "id\ndata: a\n\n", `a {"Id":[""]}`},
	{"an id with NUL", "id: 1\nid: 2\x00\ndata: a\n\n", `a {"Id":["1"]}`},
	{"the last id counts", "id: 1\nid: 22\nid: 3\ndata: a\n\n", `a {"Id":["3"]}`},
	{"a retry of other than digits", "retry: 5s\nretry: -1\nretry:\nretry:  7\ndata: a\n\n", "a"},
	{"an id alone", "id: 1\nevent: x\n\ndata: a\n\n", `nil {"Id":["1"]} | a`},
	{"a retry alone", "retry: 10\n\n", `nil {"Retry":["10"]}`},
	{"a type alone", "event: x\n\ndata: a\n\n", "a"},
	{"a type that an empty one replaces", "event: x\nevent\ndata: a\n\n", "a"},
	{"a byte order mark", "\ufeffdata: a\n\n\ufeffdata: b\n\n", "a"},
	{"other fields", "datas: 1\ndat: 2\nDATA: 3\n data: 4\nevents: 5\nid : 6\ndata: a\n\n", "a"},
	{"a colon in a value", "data::a: b\n\n", ":a: b"},
	{"one space only", "data:a\nevent:  x\ndata:\tb\n\n", "a\n\tb" + ` {"Event":[" x"]}`},
	{"as large as it may be", "id: 12\ndata: " + strings.Repeat("x", 97) + "\ndata\n\n", strings.Repeat("x", 97) + "\n" + ` {"Id":["12"]}`},
	{"larger", "data: a\n\nid: 12\ndata: " + strings.Repeat("x", 97) + "\ndata\ndata\n\n", "a " + tooLarge},
	{"a large comment", ":" + strings.Repeat("x", 500) + "\n" + strings.Repeat("y", 500) + ": z\ndata: a\n\n", "a"},
	{"a large id", "id: " + strings.Repeat("x", 101), tooLarge},
	{"HTML", "\n<!doctype HTML><p>", "! HTML where an event stream was expected"},
}

func TestEventStreamsThatGoOn(t *testing.T) {
	t.Parallel()
	eventCases.run(t, func() Framer { return NewEventFramer(100) })
}

// Data that is empty is data.
func TestAnEventWithEmptyDataIsOne(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"data\n\n", "data:\n\n", "id: 1\ndata: \n\n"} {
		got := push(NewEventFramer(10), text)
		if len(got.records) != 1 || got.records[0].Body == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
