//go:build !race

package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestAGzipBombTakesLittleMemory looks at all that is allocated while an answer is taken in, by a
// bridge and its limit of 8 MiB. The race detector allocates for itself.
func TestAGzipBombTakesLittleMemory(t *testing.T) {
	bomb := testsite.Gzipped(strings.Repeat(" ", 512<<20))
	for name, take := range map[string]func(a *Answer) error{
		"packed": func(a *Answer) error {
			a.Header().Set("Content-Encoding", "gzip")
			_, err := a.Write(bomb)
			return err
		},
		"unpacked by the proxy": func(a *Answer) error {
			piece := bytes.Repeat([]byte(" "), 32<<10)
			var err error
			for n := 0; n < 16<<10 && err == nil; n++ {
				_, err = a.Write(piece)
			}
			if !errors.Is(err, errTooLarge) {
				return fmt.Errorf("the writes ended with %w", err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := NewAnswer(config.DefaultLimits.Response)
			if err := take(a); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Response(); err == nil {
				t.Error("it was taken")
			}
			runtime.ReadMemStats(&after)
			grown := after.TotalAlloc - before.TotalAlloc
			t.Logf("%.1f MB were allocated for 512 MiB", float64(grown)/1e6)
			if grown > 16<<20+256<<10 { // what was dropped on the way included, and what goroutines of other tests make
				t.Errorf("%d bytes were allocated", grown)
			}
		})
	}
}
