//go:build !race

package page

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// BenchmarkFormats reads answers as upstreams send them, in each format.
func BenchmarkFormats(b *testing.B) {
	for _, c := range memoryShapes(240 << 10) {
		switch c.name {
		case "json items", "lines", "cyrillic", "xml records items", "xml attributes", "xml one text", "xml alternating", "rss", "atom", "json feed", "csv", "csv header":
		default:
			continue
		}
		b.Run(c.name, func(b *testing.B) {
			r, header := shapeReader(b, c.config)
			resp, from := ok(c.body(), header...), position.Position{Cursor: make(position.Cursor, len(r.names))}
			b.SetBytes(int64(len(resp.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if p, err := r.Read(resp, from, nil); err != nil || len(p.Events) == 0 {
					b.Fatal(len(p.Events), err)
				}
			}
		})
	}
}
