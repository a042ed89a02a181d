package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// mostPolls is how many times as many polls as one node's there may be while polls are shared.
const mostPolls = 1.3

// delivered returns what came from one moment to another, from nodes that were not stopped.
func (w *world) delivered(from, to time.Time) (all []delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.deliveries {
		if !d.came.Before(from) && d.came.Before(to) && !d.node.frozen(d.said, d.came) {
			all = append(all, d)
		}
	}
	return all
}

// delays returns how long all of that took.
func (w *world) delays(from, to time.Time) (all spread) {
	for _, d := range w.delivered(from, to) {
		all = append(all, d.delay())
	}
	return all
}

// expected returns how many polls one node makes of a feed from one moment to another.
func expected(s *source, from, to time.Time) float64 {
	if s.kind == held {
		return float64(s.between(from, to)) + 1
	}
	return to.Sub(from).Seconds()*2 + 1
}

// excess returns how many times as many polls as those of one node the feed got that got most.
func (w *world) excess(from, to time.Time) (most float64) {
	for _, s := range w.upstream.sources {
		most = max(most, float64(len(s.polled(from, to)))/expected(s, from, to))
	}
	return most
}

// rate returns how many polls a second the feeds of a kind got, on average.
func (w *world) rate(k kind, from, to time.Time) float64 {
	polls, feeds := 0, 0
	for _, s := range w.upstream.sources {
		if s.kind == k {
			polls, feeds = polls+len(s.polled(from, to)), feeds+1
		}
	}
	return float64(polls) / float64(max(feeds, 1)) / to.Sub(from).Seconds()
}

// rates tells the rates of all kinds.
func (w *world) rates(from, to time.Time) string {
	var text strings.Builder
	for k := items; k <= document; k++ {
		if slices.Contains(w.kinds, k) {
			fmt.Fprintf(&text, " %s %.2f", k, w.rate(k, from, to))
		}
	}
	return text.String()
}

// atRest waits for a few seconds in which nothing fails and the feeds get no more polls than those of one node. On a busy
// machine a node may seem to be gone at first.
func (w *world) atRest() (excess float64, rates string) {
	w.t.Helper()
	for range 12 {
		from, to := w.goesOn(4 * time.Second)
		if excess, rates = w.excess(from, to), w.rates(from, to); excess <= mostPolls {
			return excess, rates
		}
	}
	w.t.Fatalf("while nothing failed, there were %.2f times as many polls as those of one node:%s", excess, rates)
	return 0, ""
}

// sharedAgain returns how long after a moment the feeds got no more polls than those of one node, for two seconds.
func (w *world) sharedAgain(back, end time.Time) time.Duration {
	const window = 2 * time.Second
	for at := back; at.Add(window).Before(end); at = at.Add(100 * time.Millisecond) {
		if w.excess(at, at.Add(window)) <= mostPolls {
			return at.Sub(back)
		}
	}
	return end.Sub(back)
}

// spread is some durations in few words.
type spread []time.Duration

func (s spread) String() string {
	if len(s) == 0 {
		return "none"
	}
	return fmt.Sprintf("n=%d p50 %s p99 %s max %s", len(s), short(s.at(0.5)), short(s.at(0.99)), short(s.at(1)))
}

// at returns a quantile.
func (s spread) at(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func short(d time.Duration) time.Duration {
	if d < 100*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
