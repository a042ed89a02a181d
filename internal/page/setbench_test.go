//go:build !race

package page

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// BenchmarkChange reads a list of 10,000 items of 300 bytes of which one has changed, and makes the bytes that clients
// get: as a set, and as a document that is sent as patches. That is sent whole if it is too large to compare.
func BenchmarkChange(b *testing.B) {
	for _, items := range []int{10_000, 2_000} {
		answers := [2]Response{ok(string(benchList(items, 0))), ok(string(benchList(items, 1)))}
		for _, block := range []string{"items list; id id; diff items", "format json; diff json_patch"} {
			b.Run(fmt.Sprint(items, " ", block), func(b *testing.B) {
				r := NewReader(config(b, block))
				var last Page
				size := 0
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					p, err := r.ReadSet(answers[n%2], position.Position{}, last.Set, 0, nil)
					if err != nil {
						b.Fatal(err)
					}
					events := p.Events
					if p.Set != nil {
						p.Set.Follow(last.Set)
						if last.Set != nil {
							events = p.Set.Changes(last.Set, nil)
						}
					} else if n > 0 {
						patch, worth, err := Diff(last.Events[0].Data, p.Events[0].Data)
						if err != nil {
							b.Fatal(err)
						}
						if events = slices.Clone(events); worth {
							events[0].Data = patch
						}
					}
					size = 0
					for _, e := range events {
						size += len(sse.AppendEvent(make([]byte, 0, len(e.Data)+64), e.Type, e.Data, e.Key))
					}
					last = p
				}
				b.ReportMetric(float64(size), "sent-B/op")
			})
		}
	}
}

// benchList lists items of 300 bytes.
func benchList(items, version int) []byte {
	var out bytes.Buffer
	out.WriteString(`{"list":[`)
	for i := range items {
		if i > 0 {
			out.WriteByte(',')
		}
		n := 0
		if i == items/2 {
			n = version
		}
		start := out.Len()
		fmt.Fprintf(&out, `{"id":%d,"name":"item number %d","n":%d,"about":"`, i, i, n)
		for out.Len()-start < 298 {
			out.WriteByte('x')
		}
		out.WriteString(`"}`)
	}
	out.WriteString("]}")
	return out.Bytes()
}
