package suggest

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestAnEndpointThatIsBusyOnceIsNotTakenForOneThatHolds has a document with an uptime, one answer to which is late.
func TestAnEndpointThatIsBusyOnceIsNotTakenForOneThatHolds(t *testing.T) {
	t.Parallel()
	for request := 1; request <= 5; request++ {
		for _, late := range []time.Duration{1200 * time.Millisecond, 2500 * time.Millisecond} {
			t.Run(fmt.Sprint(request, " by ", late), func(t *testing.T) {
				t.Parallel()
				var began time.Time
				asked := 0
				block, _, err := blockFor(t, "http://127.0.0.1:1/", func(r *http.Request) *http.Response {
					if asked++; asked == 1 {
						began = time.Now()
					}
					if asked == request {
						select {
						case <-time.After(late):
						case <-r.Context().Done():
							return nil
						}
					}
					return says(200, fmt.Sprintf(`{"status":"fine","up":%.3f}`, time.Since(began).Seconds()))
				})
				if err != nil || !hasLine(block, "interval 2s 30s") || !hasLine(block, "data {status}") {
					t.Errorf("got %v, and\n%s", err, block)
				}
			})
		}
	}
}

// TestAnEndpointThatHoldsItsFirstRequestIsTold has one that answers when there is news, several of which may come at once.
func TestAnEndpointThatHoldsItsFirstRequestIsTold(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []int{1, 2, 3} {
		t.Run(strconv.Itoa(atOnce), func(t *testing.T) {
			t.Parallel()
			asked := 0
			block, _, err := blockFor(t, "http://127.0.0.1:1/", func(r *http.Request) *http.Response {
				if asked++; (asked-1)%atOnce == 0 {
					select {
					case <-time.After(5 * time.Second):
					case <-r.Context().Done():
						return nil
					}
				}
				return says(200, fmt.Sprintf(`{"text":"event %d"}`, asked))
			})
			if err != nil || !hasLine(block, "long_poll") || !hasLine(block, "format message") {
				t.Errorf("got %v, and\n%s", err, block)
			}
		})
	}
}
