package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestTheWatchdogNudgesSilentStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testsite.NewChat(time.Minute)
		c.Say("one")
		h := testbridge.Chat(t, c)
		client := testbridge.Open(t, h, false)
		testbridge.Pass(40 * time.Second)
		c.Say("two")
		synctest.Wait()
		spoken := time.Now()
		testbridge.Pass(200 * time.Second)
		last, comments := client.Written()[0].At, 0
		for _, w := range client.Written() {
			gap := w.At.Sub(last)
			if last = w.At; w.Text == ":\n\n" {
				if comments++; gap < config.DefaultKeepalive {
					t.Errorf("a comment came after %s", gap)
				}
			}
			if gap > 20*time.Second {
				t.Errorf("the stream was silent for %s", gap)
			}
		}
		if time.Since(last) > 20*time.Second || comments < 10 {
			t.Errorf("%d comments, the last %s ago and %s after the last event", comments, time.Since(last), last.Sub(spoken))
		}
		client.Leave()
		testbridge.End(t, h.Bridge)
	})
}

func TestAClientThatDoesNotReadIsCutAndNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testsite.NewChat(time.Minute)
		c.Say("line 0")
		h := testbridge.Chat(t, c)
		good := testbridge.Open(t, h, false)
		synctest.Wait()
		bad := testbridge.Open(t, h, true)
		synctest.Wait()
		stalled := time.Now()
		for i := 1; i <= 20; i++ {
			c.Say(fmt.Sprint("line ", i))
			synctest.Wait()
			writes := good.Written()
			if w := writes[len(writes)-1]; !w.At.Equal(time.Now()) || !strings.Contains(w.Text, fmt.Sprintf("data: line %d\n", i)) {
				t.Fatalf("line %d has not come at once: the last write is %+v", i, w)
			}
			testbridge.Pass(time.Second)
		}
		if after := bad.Ended().Sub(stalled); after < 10*time.Second || after > 12*time.Second {
			t.Errorf("the client that does not read was cut after %s, want 10 to 12 s", after)
		}
		if !good.Ended().IsZero() || good.Deadlines > 0 {
			t.Errorf("the other client's stream ended at %s, with %d deadlines", good.Ended(), good.Deadlines)
		}
		good.Leave()
		testbridge.End(t, h.Bridge)
	})
}

func TestAtExitEachStreamHasHalfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testsite.NewChat(time.Minute)
		c.Say("one")
		h := testbridge.Chat(t, c)
		good, bad := testbridge.Open(t, h, false), testbridge.Open(t, h, true)
		testbridge.Pass(time.Second)
		at := time.Now()
		h.Bridge.Streams.EndNow()
		lateGood, lateBad := testbridge.Open(t, h, false), testbridge.Open(t, h, true)
		testbridge.Pass(5 * time.Second)
		for _, test := range []struct {
			name   string
			client *testbridge.Client
			want   time.Duration
		}{
			{"a client that reads", good, 0},
			{"one that does not", bad, stream.ExitWrite},
			{"one that comes now", lateGood, 0},
			{"one that comes now and does not read", lateBad, stream.ExitWrite},
		} {
			ended := test.client.Ended()
			if ended.IsZero() || ended.Sub(at) > test.want {
				t.Errorf("%s: the stream ended at %s, %s after the exit began, want %s", test.name, ended, ended.Sub(at), test.want)
			}
			writes := test.client.Written()
			if last := writes[len(writes)-1].Text; test.want == 0 && !testsite.EndsWithRetry.MatchString("\n"+last) {
				t.Errorf("%s: the last write is %q", test.name, last)
			}
		}
		testbridge.End(t, h.Bridge)
	})
}

func TestABridgeThatGoesEndsItsStreamsOneByOne(t *testing.T) {
	for name, stops := range map[string]bool{
		"its configuration stops": true,
		"its configuration fails": false, // when it has had clients already
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkSpread(t, stops) })
		})
	}
}

func checkSpread(t *testing.T, stops bool) {
	c := testsite.NewChat(time.Minute)
	c.Say("one")
	h := testbridge.Chat(t, c)
	var clients []*testbridge.Client
	for range 50 {
		clients = append(clients, testbridge.Open(t, h, false))
	}
	gone := testbridge.Open(t, h, false)
	testbridge.Pass(time.Second)
	at := time.Now()
	comeAndGo := func() {
		late := testbridge.Open(t, h, false)
		synctest.Wait()
		if !late.Ended().Equal(at) {
			t.Error("a client that comes later is kept")
		}
	}
	if stops {
		h.Bridge.Stopping(h.Instance)
		comeAndGo()
	}
	h.Bridge.Remove(h.Instance)
	if err := h.Bridge.Destruct(); err != nil {
		t.Error(err)
	}
	if blocked := time.Since(at); blocked > 0 {
		t.Errorf("the end of the bridge has blocked for %s", blocked)
	}
	comeAndGo()
	gone.Leave()
	testbridge.Pass(stream.Spread)
	perSecond := make(map[int]int)
	for _, client := range clients {
		ended := client.Ended()
		if ended.IsZero() {
			t.Fatal("a stream has not ended")
		}
		perSecond[int(ended.Sub(at)/time.Second)]++
		writes := client.Written()
		if last := writes[len(writes)-1].Text; !testsite.EndsWithRetry.MatchString("\n" + last) {
			t.Errorf("the last write is %q", last)
		}
	}
	for second := range int(stream.Spread / time.Second) {
		if n := perSecond[second]; n == 0 || n > len(clients)/2 {
			t.Errorf("%d of %d streams ended in second %d: %v", n, len(clients), second, perSecond)
		}
	}
	testbridge.End(t, h.Bridge)
}
