package testclock

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAClockGoesAsTimeDoesWhileNothingHoldsItUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t)
		time.Sleep(time.Second)
		synctest.Wait()
		then, at := c.Now(), time.Now()
		if then != time.Second {
			t.Errorf("after a second, it is %s", then)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if since := c.Since(then); since != time.Minute {
			t.Errorf("a minute takes %s", since)
		}
		if hour := c.Between(at.Add(-time.Hour), at.Add(30*time.Second)); hour != 31*time.Second-tick {
			t.Errorf("up to then, and for half a minute, it has gone for %s", hour)
		}
	})
}
