package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/poorwire"
)

// pollsOf returns how many polls the bridge of a name has made, with those that no upstream has seen.
func pollsOf(name string) (n int) {
	for _, b := range bridge.All() {
		if b.Name != name {
			continue
		}
		for _, polls := range b.Tally().Polls {
			n += int(polls)
		}
	}
	return n
}

func TestAPoorWireToTheUpstreamLosesAndRepeatsNothing(t *testing.T) {
	toxics := []struct {
		kind, toxic string
		polls       int // while the wire is poor, with those that fail; these are further and further apart
	}{
		{"latency", `{"type": "latency", "attributes": {"latency": 50, "jitter": 40}}`, 30},
		{"slicer", `{"type": "slicer", "attributes": {"average_size": 16, "size_variation": 15, "delay": 100}}`, 20},
		{"bandwidth", `{"type": "bandwidth", "attributes": {"rate": 20}}`, 30},
		{"reset", `{"type": "reset_peer", "toxicity": 0.5, "attributes": {"timeout": 1}}`, 3},
		{"reset_of_requests", `{"type": "reset_peer", "stream": "upstream", "toxicity": 0.5, "attributes": {"timeout": 1}}`, 3},
		{"answers_that_end_early", `{"type": "limit_data", "attributes": {"bytes": 150}}`, 2},
		{"timeout", `{"type": "timeout", "attributes": {"timeout": 50}}`, 2},
	}
	const followers = 3
	chats := make([]*testsite.Chat, len(toxics))
	wires := make([]*toxiproxy.Proxy, len(toxics))
	var sites strings.Builder
	for i := range toxics {
		chats[i] = testsite.NewChat(50 * time.Millisecond)
		wires[i] = poorwire.New(t, testsite.Backend(t, chats[i].ServeHTTP))
		block := strings.Replace(testsite.ChatSite(wires[i].Listen, "name "+toxics[i].kind), "/messages", fmt.Sprint("/", i), 1)
		block = strings.TrimPrefix(strings.TrimSuffix(block, "\trespond 404\n}"), "{{site}} {")
		sites.WriteString(block)
	}
	s := testsite.Run(t, "{{site}} {"+sites.String()+"}")
	t.Run("wires", func(t *testing.T) {
		for i, test := range toxics {
			t.Run(test.kind, func(t *testing.T) {
				t.Parallel()
				stop := chats[i].Publish(25 * time.Millisecond) // which a slicer keeps up with on a busy machine, too
				defer stop()
				clients := make([]*follower, followers)
				for j := range clients {
					clients[j] = follow(t, s.URL+"/"+strconv.Itoa(i))
				}
				testsite.Eventually(t, "events", func() bool { return clients[0].last() != "" })
				polls := func(n int) {
					t.Helper()
					before := pollsOf(test.kind)
					testsite.Eventually(t, "polls", func() bool { return pollsOf(test.kind) >= before+n })
				}
				for range testsite.Soak(1, 10) {
					toxic, err := wires[i].Toxics.AddToxicJson(strings.NewReader(test.toxic))
					if err != nil {
						t.Fatal(err)
					}
					polls(test.polls)
					if err := wires[i].Toxics.RemoveToxic(t.Context(), toxic.Name); err != nil {
						t.Fatal(err)
					}
					polls(10) // of a wire that is well again
				}
				n := stop()
				for _, client := range clients {
					client.has(t, n)
				}
				t.Logf("%d events to each, %d polls", n, len(chats[i].Polled()))
			})
		}
	})
}
