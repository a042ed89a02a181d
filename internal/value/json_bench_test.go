package value

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkTreeCost(b *testing.B) {
	var rows, deep strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&rows, `{"id":%d,"kind":"message","by":"someone","text":"It is \"%d\" o'clock, and all is well in this place.","tags":["a","b"]},`, i, i)
		fmt.Fprintf(&deep, `[[],{"a":1},%d,true],`, i)
	}
	for name, text := range map[string]string{"rows": "[" + rows.String() + "0]", "small values": "[" + deep.String() + "0]"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				TreeCost([]byte(text))
			}
		})
		b.Run("valid "+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				ValidJSON([]byte(text))
			}
		})
	}
}
