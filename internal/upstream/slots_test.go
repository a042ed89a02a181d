package upstream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlotsBoundPollsThatAreNotHeld(t *testing.T) {
	t.Parallel()
	s := newSlots(1)
	release, err := s.take(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	full, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.take(full, false); err == nil {
		t.Error("there were two slots")
	}
	release()
	if release, err = s.take(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	next, err := s.take(t.Context(), false) // comes when the first turns out to be held
	if err != nil {
		t.Fatal(err)
	}
	release()
	if len(s.taken) != 1 {
		t.Errorf("%d slots are taken, want 1", len(s.taken))
	}
	next()
}

func TestPollsThatWaitForASecondAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poller := NewPoller(nil, 1)
		for _, held := range []time.Duration{delayedAfter - time.Nanosecond, delayedAfter + time.Nanosecond, time.Minute} {
			release, err := poller.slots.take(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(held, release)
			next, err := poller.slots.take(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			next()
		}
		polls, last := poller.Delayed()
		if polls != 2 || time.Since(last) != time.Minute-delayedAfter {
			t.Errorf("%d polls were delayed, the last one %s ago", polls, time.Since(last))
		}
	})
}
