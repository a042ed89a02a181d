package jq

import (
	"bytes"
	"fmt"
	"testing"
)

func BenchmarkRun(b *testing.B) {
	var body bytes.Buffer
	body.WriteString(`{"channel":"news","rows":[`)
	for i := range 1000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"id":%d,"kind":"message","by":"someone","text":"It is \"%d\" o'clock.","tags":["a","b"]}`, i, i)
	}
	body.WriteString("]}")
	for _, c := range []struct{ name, src string }{
		{"as it came", `.body.rows[] | {id, event: .kind, data: .}`},
		{"text", `.body as $b | .body.rows[] | {id, data: "\($b.channel): \(.text) (\(.by))"}`},
		{"sums", `.body as $b | .body.rows[] | {id: (.id + 1), data: ($b.channel + ": " + .text)}`},
		{"updates", `.body.channel as $c | .body.rows[] | .channel = $c | .tags += ["c"] | {id, data: (del(.by) | tojson)}`},
		{"reduce", `{data: (reduce .body.rows[] as $r ({}; .[$r.id | tostring] = ($r.tags | join(","))))}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := parse(b, c.src)
			b.SetBytes(int64(body.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Run(b.Context(), Input{Status: 200, Body: body.Bytes(), JSON: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
