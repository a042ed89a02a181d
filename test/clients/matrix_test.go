package clients

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// behaviour is what a client does, one cell of the table per column. What does not apply is left out.
type behaviour map[string]string

// trials are what is tried with each client, over each version of HTTP.
var trials = []struct {
	name  string
	which func(program) bool
	try   func(t *testing.T, s *clientSite, p program, secure bool) behaviour
}{
	{"events", nil, tryEvents},
	{"cuts", nil, tryCuts},
	{"stored id in the query", nil, func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
		return behaviour{"query": tryStoredID(t, s, p, secure, "?lastEventId=2", "")}
	}},
	{"stored id", func(p program) bool { return p.api != "" }, func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
		return behaviour{"api": p.api + ": " + tryStoredID(t, s, p, secure, "", "2")}
	}},
	{"end", nil, tryEnd},
	{"refusal", nil, tryRefusal},
	{"many streams", func(p program) bool { return p.browser }, tryManyStreams},
}

// tryEvents looks at types, ids, and data of several lines, with keep-alive comments in between.
func tryEvents(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, "fast", secure)
	tr.follow(p, "", target{authority: s.authority})
	tr.opened(1)
	testsite.Subscribe(t, "http://"+s.plain+tr.path).HasComment("") // which those who came before have got, too
	said := []seen{
		{"message", "1", "one\nof \"many\"\n\n – the lines"},
		{"joined", "2", `{"name": "Zoë: née 😀"}`},
		{"message", "3", strings.Repeat("long ", 10_000)},
		{"joined", "4", ": no comment"},
	}
	for i, e := range said {
		tr.talk.say(false, e)
		tr.has(i + 1)
	}
	http := strings.TrimSuffix(strings.TrimPrefix(tr.visits()[0].proto, "HTTP/"), ".0")
	if got := tr.events(); !slices.Equal(got, said) {
		t.Errorf("got %.200q,\nwant %.200q", got, said)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.got) > len(said) {
		return behaviour{"http": http, "events": "yes, and empty ones"}
	}
	return behaviour{"http": http, "events": "yes"}
}

// unhurried is less than a client waits that was told 6 s, give or take a fifth, even one that takes half off
// for a jitter of its own; and much more than the default of those which do not listen.
const unhurried = 2 * time.Second

// tryCuts cuts the connection, and looks at whether the client loses or repeats something, and when it comes back.
func tryCuts(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	slow, fast := s.newTrial(t, "slow", secure), s.newTrial(t, "fast", secure)
	for _, tr := range []*tryout{slow, fast} {
		tr.say("one")
		tr.follow(p, "", target{authority: s.authority})
		tr.has(1)
	}
	cut := time.Now()
	slow.wire.Cut()
	soonest := time.Hour
	for i := range 3 {
		gap, back := fast.cut()
		if !back {
			return behaviour{"cut": "stops"}
		}
		soonest = min(soonest, gap)
		fast.say(fmt.Sprintf("%d while it comes back", i), fmt.Sprintf("%d later", i))
		fast.has(len(fast.talk.said))
	}
	fast.say("in whose place a repeat would come")
	fast.has(len(fast.talk.said))
	b := behaviour{"cut": "resumes", "retry": "no"}
	if got := fast.events(); !slices.Equal(got, fast.talk.said) {
		b["cut"] = "repeats"
		t.Errorf("got %q,\nwant %q", got, fast.talk.said)
	}
	for i, v := range fast.visits()[1:] {
		if want := strconv.Itoa(1 + 2*i); v.id != want {
			t.Errorf("the client came back with the id %q, want %s", v.id, want)
		}
	}
	slow.comes(2)
	if late := slow.visits()[1].at.Sub(cut); soonest < unhurried && late >= unhurried {
		b["retry"] = "yes"
	}
	return b
}

// tryStoredID starts a client that left at event 2, and cuts it before and after its first event.
func tryStoredID(t *testing.T, s *clientSite, p program, secure bool, query, id string) string {
	tr := s.newTrial(t, "fast", secure)
	tr.say("one", "two")
	to := target{authority: s.authority, id: id}
	tr.follow(p, query, to)
	tr.opened(1)
	if _, back := tr.cut(); !back {
		tr.follow(p, query, to) // which does not come back by itself
	}
	tr.say("three")
	tr.has(1)
	if _, back := tr.cut(); back {
		tr.say("four")
		testsite.Eventually(t, "the event 4", func() bool {
			got := tr.events()
			return got[len(got)-1].ID == "4"
		})
	}
	said := []seen{{"message", "3", "three"}, {"message", "4", "four"}}
	switch got, list := tr.events(), tr.visits(); {
	case slices.Equal(got, said) || slices.Equal(got, said[:1]) && tr.hasEnded():
		return "yes"
	case len(list) > 1 && list[1].id == "" && id != "":
		return "until the first cut"
	case len(list) > 2 && list[2].id == "2":
		return "comes back with it again and again"
	default:
		t.Errorf("got %q", got)
		return "no"
	}
}

// tryEnd ends a stream, and looks at whether the client comes back, and what it does with the 204 that it gets then.
func tryEnd(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, "fast", secure)
	tr.say("one")
	tr.follow(p, "", target{authority: s.authority})
	tr.has(1)
	tr.talk.say(true, seen{Type: "message", Data: "two"})
	tr.has(2)
	if !tr.comes(2) {
		return behaviour{"end": "stops"}
	}
	b := behaviour{"end": "comes back", "204": "stops"}
	testsite.Eventually(t, "the 204", func() bool { return tr.visits()[1].status == http.StatusNoContent })
	if tr.comes(4) {
		b["204"] = "comes back"
	}
	return b
}

// tryRefusal refuses a client with a 401.
func tryRefusal(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, "fast", secure)
	tr.talk.refuse = true
	tr.follow(p, "", target{authority: s.authority})
	if tr.comes(3) {
		return behaviour{"401": "comes back"}
	}
	return behaviour{"401": "stops"}
}

// tryManyStreams opens more streams than HTTP/1.1 lets browsers have.
func tryManyStreams(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	const most, all = 6, 8
	tr := s.newTrial(t, "fast", secure)
	tr.say("one")
	tr.follow(p, "", target{authority: s.authority, streams: all})
	want := most
	if secure {
		want = all
	}
	tr.has(want)
	tr.say("two")
	tr.has(2 * want)
	if n := len(tr.visits()); n < all {
		return behaviour{"many": strconv.Itoa(n)}
	}
	return behaviour{"many": "all of " + strconv.Itoa(all)}
}

// TestWhatClientsDo tries each client over HTTP and HTTPS. What it sees is the table of
// docs/clients.md.
func TestWhatClientsDo(t *testing.T) {
	s := newClientSite(t)
	programs, missing := clientPrograms(t)
	rows := make([]map[bool]behaviour, len(programs))
	slots := make(chan struct{}, 20) // most of the time is spent waiting
	var mu sync.Mutex
	planned, tried := 0, 0
	var running sync.WaitGroup
	for i, p := range programs {
		rows[i] = map[bool]behaviour{false: {}, true: {}}
		for _, trial := range trials {
			for _, secure := range []bool{false, true} {
				if trial.which != nil && !trial.which(p) {
					continue
				}
				scheme := map[bool]string{false: "HTTP", true: "HTTPS"}[secure]
				planned++
				slots <- struct{}{}
				running.Go(func() {
					defer func() { <-slots }()
					t.Run(strings.Join([]string{p.name, scheme, trial.name}, "/"), func(t *testing.T) {
						b := trial.try(t, s, p, secure)
						mu.Lock()
						defer mu.Unlock()
						maps.Copy(rows[i][secure], b)
						tried++
					})
				})
			}
		}
	}
	running.Wait()
	switch {
	case t.Failed():
	case tried < planned:
		t.Log("the table is compared only where all trials run")
	case *testsite.Update && missing > 0:
		t.Errorf("%d clients are missing, without which the table cannot be written", missing)
	default:
		checkClientTable(t, programs, rows)
	}
}
