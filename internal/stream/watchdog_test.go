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

// clients returns how many clients a bridge has, and how many streams have ended for a reason.
func clients(h *testbridge.Standalone, reason string) (now, ended int64) {
	tally := h.Bridge.Tally()
	for _, e := range tally.Ended {
		if e.Label == reason {
			ended = e.Value
		}
	}
	return tally.Clients, ended
}

func TestTheWatchdogNudgesSilentStreams(t *testing.T) {
	for name, c := range map[string]struct{ fields, sign string }{
		"with comments": {`"keepalive": "15s"`, ":\n\n"},
		"with events":   {`"notices": ["alive"]`, "event: bridge.alive\ndata: {}\n\n"},
	} {
		t.Run(name, func(t *testing.T) { nudgesSilentStreams(t, c.fields, c.sign) })
	}
}

func nudgesSilentStreams(t *testing.T, fields, sign string) {
	synctest.Test(t, func(t *testing.T) {
		c := testsite.NewChat(time.Minute)
		c.Say("one")
		h := testbridge.Chat(t, c, fields)
		client := testbridge.Open(t, h, false)
		testbridge.Pass(40 * time.Second)
		c.Say("two")
		synctest.Wait()
		spoken := time.Now()
		testbridge.Pass(200 * time.Second)
		last, signs := client.Written()[0].At, 0
		for _, w := range client.Written() {
			gap := w.At.Sub(last)
			if last = w.At; w.Text == sign {
				if signs++; gap < config.DefaultKeepalive {
					t.Errorf("%q came after %s", sign, gap)
				}
			}
			if gap > 20*time.Second {
				t.Errorf("the stream was silent for %s", gap)
			}
		}
		if time.Since(last) > 20*time.Second || signs < 10 {
			t.Errorf("%d signs of life, the last %s ago and %s after the last event", signs, time.Since(last), last.Sub(spoken))
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

func TestAClientIsGoneThatAcknowledgesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		owes  func(of time.Duration) bool          // at a time of the stream
		heard func(of time.Duration) time.Duration // when the client was, last
		gone  bool
	}{
		"it vanishes": {
			owes:  func(of time.Duration) bool { return of > time.Minute },
			heard: func(of time.Duration) time.Duration { return min(of, time.Minute) },
			gone:  true,
		},
		"the network is away for 20 s": {
			owes: func(of time.Duration) bool { return of > time.Minute && of < 85*time.Second },
			heard: func(of time.Duration) time.Duration {
				if of > time.Minute && of < 85*time.Second { // the first try after it
					return time.Minute
				}
				return of
			},
		},
		"it has no room, and says so every 25 s": {
			owes:  func(time.Duration) bool { return true },
			heard: func(of time.Duration) time.Duration { return of.Truncate(25 * time.Second) },
		},
		"it is silent, since it has acknowledged all": {
			owes:  func(time.Duration) bool { return false },
			heard: func(time.Duration) time.Duration { return 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testsite.NewChat(time.Minute)
				c.Say("line 0")
				h := testbridge.Chat(t, c)
				began := time.Now()
				client := testbridge.Open(t, h, false)
				synctest.Wait()
				h.Bridge.Streams.Hear(func() (bool, time.Duration) {
					of := time.Since(began)
					return test.owes(of), of - test.heard(of)
				})
				testbridge.Pass(10 * time.Minute)
				now, gone := clients(h, "client_gone")
				if test.gone != (now == 0) || test.gone != (gone == 1) {
					t.Fatalf("there are %d clients, and %d are gone", now, gone)
				}
				if after := client.Ended().Sub(began) - time.Minute; test.gone && (after < stream.Unheard || after > time.Minute) {
					t.Errorf("it counts as gone %s after it has vanished", after)
				}
				if !test.gone {
					client.Leave()
				}
				testbridge.End(t, h.Bridge)
			})
		})
	}
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
