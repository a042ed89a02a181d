package stream

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheWheelTurnsToWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel(100 * time.Millisecond)
		due := make(map[*stream]time.Time)
		random := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			s, after := new(stream), time.Duration(random.Int64N(int64(20*time.Second)))
			if said := w.set(s, after); said > after && said > 100*time.Millisecond || after-said > 100*time.Millisecond {
				t.Errorf("a stream that is due after %s is said to be due after %s", after, said)
			}
			due[s] = time.Now().Add(after)
		}
		for s := range due {
			switch random.IntN(3) {
			case 0:
				w.unset(s)
				delete(due, s)
			case 1:
				w.set(s, 5*time.Second)
				due[s] = time.Now().Add(5 * time.Second)
			}
		}
		for range 210 {
			time.Sleep(100 * time.Millisecond)
			for _, s := range w.turn() {
				want, ok := due[s]
				if late := time.Since(want); !ok || late > 100*time.Millisecond || late < -200*time.Millisecond {
					t.Errorf("a stream is due %s late (it is due at all: %t)", late, ok)
				}
				delete(due, s)
			}
		}
		if len(due) > 0 || len(w.due) > 0 {
			t.Errorf("%d streams were not due, and the wheel holds %d ticks", len(due), len(w.due))
		}
	})
}

func TestAWheelThatWasEmptyForLongTurnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel(100 * time.Millisecond)
		time.Sleep(10 * 365 * 24 * time.Hour)
		began := w.done
		w.set(new(stream), time.Second)
		if w.at(0)-w.done > 1 {
			t.Errorf("the wheel is %d ticks behind, and was at %d", w.at(0)-w.done, began)
		}
	})
}
