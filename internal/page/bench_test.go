package page

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// benchPage is a page of 100 items in about size bytes.
func benchPage(size int) string {
	var b strings.Builder
	b.WriteString(`{"ok":true,"items":[`)
	fill := strings.Repeat("x", max(size/100-90, 0))
	for i := range 100 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"type":"message","user":{"name":"bob","age":42},"text":{"lang":"en","body":"%s"}}`, 1000+i, fill)
	}
	b.WriteString(`],"next":"c2"}`)
	return b.String()
}

// BenchmarkRead compares a whole read with the gjson calls that it cannot do without.
func BenchmarkRead(b *testing.B) {
	for _, kb := range []int{24, 240} {
		body := benchPage(kb << 10)
		for _, c := range [][2]string{
			{"ids", "items items; id id; event type; data text"},
			{"cursor", "items items; id id; event type; data text; cursor next"},
		} {
			r, resp, from := reader(b, c[1]), ok(body), at("1")
			b.Run(fmt.Sprintf("%s/%dKB", c[0], kb), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if p, err := r.Read(resp, from, nil); err != nil || len(p.Events) != 100 {
						b.Fatal(len(p.Events), err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("gjson/%dKB", kb), func(b *testing.B) {
			raw := []byte(body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if !gjson.ValidBytes(raw) {
					b.Fatal("invalid")
				}
				n := 0
				gjson.Get(body, "items").ForEach(func(_, item gjson.Result) bool {
					n += len(item.Get("id").Raw) + len(item.Get("type").Str) + len(item.Get("text").Raw)
					return true
				})
				if n == 0 {
					b.Fatal("nothing")
				}
			}
		})
	}
}

func TestAllocationsDoNotGrowWithTheData(t *testing.T) {
	r := reader(t, "items items; id id; event type; data text")
	count := func(size int) float64 {
		resp, from := ok(benchPage(size)), at("1")
		return testing.AllocsPerRun(20, func() { mustRead(t, r, resp, from) })
	}
	small, large := count(24<<10), count(2<<20)
	if large > small+2 || small > 40 {
		t.Errorf("%v allocations for 24 KB, %v for 2 MB; want no more, and no more than 40", small, large)
	}
}
