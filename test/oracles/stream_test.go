package oracles

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
	gosse "github.com/tmaxmax/go-sse"
)

// FuzzStreamsAreReadAsTheyAreWritten has the parser of a client library read what the bridge writes.
func FuzzStreamsAreReadAsTheyAreWritten(f *testing.F) {
	for _, s := range []struct{ typ, data, id, comment string }{
		{"", "", "", ""},
		{"price", `{"a": 1}`, "42", "upstream unreachable"},
		{"a\nb", "1\r\n2\r3\n4\n\r5", "x\x00", "\n\ndata: x"},
		{" ", " \xff\x00\ufeff", " 7", "\r"},
		{"message", "data: x\n\nid: 1\nretry: 5", "0~3.Zok5TkMq", ":"},
		{"\ufeff", "\u2028\u0085\n\n\n", "\xff", "\xff"},
	} {
		f.Add(s.typ, []byte(s.data), s.id, s.comment)
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte, id, comment string) {
		const before, after = "before", "after"
		b := sse.AppendEvent(nil, "", nil, before)
		b = sse.AppendComment(b, comment)
		b = sse.AppendRetry(b, time.Second)
		b = sse.AppendEvent(b, typ, data, id)
		b = sse.AppendEvent(b, after, nil, "")

		var got []gosse.Event
		for ev, err := range gosse.Read(bytes.NewReader(b), &gosse.ReadConfig{MaxEventSize: 2*len(b) + 1}) {
			if err != nil {
				t.Fatalf("%v in %q", err, b)
			}
			got = append(got, ev)
		}
		wantID := id
		if id == "" || strings.ContainsAny(id, "\r\n\x00") || !utf8.ValidString(id) {
			wantID = before // no id line: the one before stays the last
		}
		wantType := strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(strings.ToValidUTF8(typ, "\uFFFD"))
		want := []gosse.Event{
			{LastEventID: before},
			{LastEventID: wantID, Type: wantType, Data: normal(string(data))},
			{LastEventID: wantID, Type: after},
		}
		if len(got) != len(want) {
			t.Fatalf("%d events, want %d, in %q", len(got), len(want), b)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("event %d is %+q, want %+q, in %q", i, got[i], want[i], b)
			}
		}
	})
}

// normal is what the bridge promises to make of data.
func normal(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(s)
}
