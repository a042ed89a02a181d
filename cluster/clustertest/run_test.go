package clustertest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
)

func TestAnEngineInMemoryKeepsAllPromises(t *testing.T) {
	for _, routed := range []bool{false, true} {
		for _, p := range promises {
			if failed := try(t, p.name, faults{}, routed); len(failed) > 0 {
				t.Errorf("%s (routed: %t): %s", p.name, routed, strings.Join(failed, "; "))
			}
		}
	}
}

// Each promise has faults that break it, and the contract must notice them all.
func TestBrokenPromisesAreNoticed(t *testing.T) {
	broken := map[string][]faults{
		"messages arrive at all others, once and in order": {{twice: true}, {disordered: true}, {ownBuffer: true}, {atATime: true}},
		"a node does not hear itself":                      {{echo: true}},
		"topics are apart":                                 {{oneTopic: true}},
		"each subscription of a topic hears it":            {{oneEach: true}},
		"Subscribe returns once the engine knows":          {{late: true}},
		"a subscription that has ended hears no more":      {{unsubscribeNot: true}},
		"a message of the largest size arrives, and a larger one is an error": {
			{largestLies: true}, {wide: true}, {largerCuts: true}, {short: true},
		},
		"nothing is lost in silence":                           {{dropsSilently: true}},
		"goroutines may do all at the same time":               {{late: true}, {disordered: true}},
		"topics cost no goroutines":                            {{goroutines: true}, {loses: true}},
		"while the engine is away, Publish and Subscribe fail": {{publishesAway: true}, {keeps: true}, {waits: true}, {refusedHears: true}, {acceptsAway: true}},
		"an outage is told, and warned of once":                {{upAlways: true}, {changedNot: true}, {backUntold: true}, {warnsNot: true}, {warnsTwice: true}},
		"subscriptions outlive an outage":                      {{loses: true}, {unsubscribedComesBack: true}},
		"a short outage is told":                               {{changedNot: true}, {loses: true}},
		"a server that is silent is away":                      {{ignoresFreeze: true}},
		"a server need not run yet":                            {{connectFails: true}, {connectWaits: true}, {upAlways: true}, {backUntold: true}, {warnsNot: true}, {warnsTwice: true}, {publishesAway: true}},
		"Close ends all":                                       {{closeNot: true}, {closeUp: true}, {acceptsClosed: true}, {warnsOfClose: true}},
		"Close leaves no goroutine":                            {{closeLeaves: true}},
	}
	for _, p := range promises {
		if len(broken[p.name]) == 0 {
			t.Errorf("nothing breaks the promise %q", p.name)
		}
		for _, wrong := range broken[p.name] {
			if raced && wrong.ownBuffer { // it is a data race, too
				continue
			}
			failed := try(t, p.name, wrong, false)
			if len(failed) == 0 {
				t.Errorf("%q has not failed with %s", p.name, strings.ReplaceAll(fmt.Sprintf("%+v", wrong), ":false", ""))
			}
		}
	}
}

// try checks one promise of an engine in memory, in simulated time, and returns what has failed.
func try(t *testing.T, name string, wrong faults, routed bool) (failed []string) {
	t.Helper()
	for _, p := range promises {
		if p.name != name {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{TB: t}
			var ended sync.WaitGroup
			ended.Go(func() {
				defer r.cleanUp()
				p.check(&scene{TB: r, server: serve(wrong)(r), routed: routed, clock: testclock.New(r)})
			})
			ended.Wait()
			failed = r.failed
		})
	}
	return failed
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB

	mutex    sync.Mutex
	failed   []string
	cleanups []func()
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) cleanUp() {
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		f()
	}
}
