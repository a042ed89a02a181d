// Package heap measures for tests how much memory something takes.
package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// percent is by how much the heap grows between two cycles of the collector while a peak is measured.
const percent = 5

// Peak returns how many bytes f has in use at most, beyond what is in use before: the most that a cycle
// of the collector has marked. What is garbage before a cycle does not count, so that it is no matter how
// late the collector is; what f makes during one does, unless GODEBUG=gcstoptheworld=1 lets f wait for it.
// The race detector keeps memory of its own, which counts: measure without it.
func Peak(f func()) int {
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	runtime.GC()
	before := marked()
	p := peak{most: before}
	p.arm()
	f()
	return p.end() - before
}

// peak notes what each cycle marks.
type peak struct {
	mu   sync.Mutex
	most int
	over bool
}

// arm asks to be called after the next cycle, which finds that nothing leads to the sentinel.
func (p *peak) arm() { runtime.AddCleanup(new([16]byte), (*peak).note, p) }

func (p *peak) note() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.most = max(p.most, marked())
	p.arm()
}

func (p *peak) end() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	return max(p.most, marked())
}

// marked returns how many bytes the last cycle has found in use.
func marked() int {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int(live[0].Value.Uint64())
}
