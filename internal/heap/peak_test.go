//go:build !race

package heap

import (
	"math"
	"testing"
)

var sink []byte

func TestThePeakIsWhatMemoryIsInUseAtOnce(t *testing.T) {
	const size, slack = 1 << 20, 256 << 10
	for _, c := range []struct {
		name string
		want int
		run  func()
	}{
		{"nothing", 0, func() {}},
		{"garbage alone", size, func() {
			for range 100 {
				sink = make([]byte, size)
			}
		}},
		{"all of it", 10 * size, func() {
			var all [][]byte
			for range 10 {
				all = append(all, make([]byte, size))
			}
			for _, b := range all {
				sink = b
			}
		}},
	} {
		got := math.MaxInt
		for tries := 0; got > c.want+size+slack && tries < 10; tries++ {
			got = min(got, Peak(c.run))
			sink = nil
		}
		if got > c.want+size+slack || got < c.want-size-slack {
			t.Errorf("%s: the peak is %d bytes, want about %d", c.name, got, c.want)
		}
	}
}
