package stream

import (
	"testing"

	"go.uber.org/zap"
)

func TestCountingADeliveryAllocatesNothing(t *testing.T) {
	j := newJournal(newCounters(), &Source{zap.NewNop(), "b", "f"})
	if n := testing.AllocsPerRun(100, func() { j.wrote(3, 100) }); n != 0 {
		t.Errorf("%v allocations for a batch", n)
	}
}
