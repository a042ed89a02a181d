package oracles

import (
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	gosse "github.com/tmaxmax/go-sse"
)

// FuzzEventStreamsOfUpstreamsAreReadAsByAClient has a client library read the same streams. It gives
// events for blocks without data too, which are left out here.
func FuzzEventStreamsOfUpstreamsAreReadAsByAClient(f *testing.F) {
	for _, text := range []string{
		"data: a\n\n", "id: 1\revent: x\rdata: a\rdata\rdata:  b\r\r", ": c\r\n\r\nid: 1\x00\r\nid\r\ndata:a\r\n\r\n",
		"\ufeffid:7\nevent: y\n\ndata: a\n\n\n\r\nevent:\ndata: \xff\n\n", "datas: a\nretry: 5\n: data\ndata: a:b\nid : 3\n\n",
	} {
		f.Add(text, uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, chunk uint8) {
		const mark = "\ufeff"
		if strings.HasPrefix(strings.TrimLeft(text, "\r\n"), mark) && !strings.HasPrefix(text, mark) {
			return // the library drops a byte order mark after empty lines
		}
		text += "\n\n"
		var want []gosse.Event
		for ev, err := range gosse.Read(strings.NewReader(text), &gosse.ReadConfig{MaxEventSize: 2*len(text) + 1}) {
			if err != nil {
				t.Fatalf("%v in %q", err, text)
			}
			if ev.Data != "" {
				want = append(want, ev)
			}
		}
		var got []gosse.Event
		id, framer := "", decode.NewEventFramer(len(text))
		for rest := text; rest != ""; {
			n := min(int(chunk)+1, len(rest))
			records, err := framer.Push([]byte(rest[:n]))
			if err != nil {
				if decode.IsHTML([]byte(strings.TrimPrefix(text, mark))) {
					return
				}
				t.Fatalf("%v in %q", err, text)
			}
			for _, r := range records {
				if given := r.Header["Id"]; given != nil {
					id = given[0]
				}
				if len(r.Body) > 0 {
					got = append(got, gosse.Event{LastEventID: id, Type: r.Header.Get("Event"), Data: string(r.Body)})
				}
			}
			rest = rest[n:]
		}
		if len(got) != len(want) {
			t.Fatalf("%+q, want %+q, in %q", got, want, text)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("event %d is %+q, want %+q, in %q", i, got[i], want[i], text)
			}
		}
	})
}
