package clients

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
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

// trial is something that is tried with a client, over one version of HTTP.
type trial struct {
	name string
	try  func(t *testing.T, s *clientSite, p program, secure bool) behaviour
}

// trialsOf returns what is tried with a client.
func trialsOf(p program, secure bool) (list []trial) {
	if p.family != httpClients {
		list = slices.Clone(streamTrials)
		if p.api != "" {
			list = append(list, trial{"stored id", tryAPI})
		}
		if p.family == browsers {
			list = append(list, trial{"torn event", tryTornEvent})
			if p.prefix == "" {
				list = append(list, trial{"many streams", tryManyStreams})
			}
		}
		return list
	}
	list = slices.Clone(aloneTrials)
	if p.holdsBack {
		list = list[:1] // what it holds back hides what else it does
	}
	for i, of := range programTrials {
		if secure || !of.secureOnly {
			list = append(list, trial{"with its program, " + of.name, tryProgram(i)})
		}
	}
	return list
}

// streamTrials are what is tried with each client that knows event streams.
var streamTrials = []trial{
	{"events", tryEvents},
	{"cuts", tryCuts},
	{"stored id in the query", func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
		return behaviour{"query": tryStoredID(t, s, p, secure, "?lastEventId=2", "")}
	}},
	{"FIN", tryFIN},
	{"silence", trySilence},
	{"away", tryAway},
	{"502", tryBadGateway},
	{"end", tryEnd},
	{"busy", tryBusy},
	{"refusal", tryRefusal},
}

func tryAPI(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	return behaviour{"api": p.api + ": " + tryStoredID(t, s, p, secure, "", "2")}
}

// wideEvents are what a client of any make must bring, in order.
var wideEvents = []seen{
	{"message", "1", "one\nof \"many\"\n\n – the lines"},
	{"joined", "2", `{"name": "Zoë: née 😀"}`},
	{"message", "3", strings.Repeat("long ", 10_000)},
	{"joined", "4", ": no comment"},
}

// tryEvents looks at types, ids, and data of several lines, with keep-alive comments in between.
func tryEvents(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, p, "fast", secure)
	tr.follow(p, "", target{authority: s.authority})
	tr.opened(1)
	if p.prefix == "" {
		testsite.Subscribe(t, "http://"+s.plain+tr.path).HasComment("") // which those who came before have got, too
	}
	said := wideEvents
	for i, e := range said {
		tr.talk.say(false, e)
		tr.has(i + 1)
	}
	version := strings.TrimSuffix(strings.TrimPrefix(tr.visits()[0].proto, "HTTP/"), ".0")
	what := "yes"
	got := tr.events()
	if flaw, ok := flawOf(got, said); ok {
		what = flaw
	} else if !slices.Equal(got, said) {
		t.Errorf("got %.200q,\nwant %.200q", got, said)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.got) > len(said) {
		what += ", and empty ones"
	}
	return behaviour{"http": version, "events": what}
}

// flaws are what some clients do to the data of an event.
var flaws = []struct {
	name string
	of   func(data string) string
}{
	{"the last line of data", func(data string) string { return strings.TrimSpace(data[strings.LastIndexByte(data, '\n')+1:]) }},
	{"without the spaces before lines", func(data string) string { return regexp.MustCompile(`(?m)^ +`).ReplaceAllString(data, "") }},
}

// flawOf returns the flaw that accounts for all differences from what was said.
func flawOf(got, said []seen) (string, bool) {
	if slices.Equal(got, said) {
		return "", false
	}
	for _, flaw := range flaws {
		if slices.EqualFunc(got, said, func(g, s seen) bool { return g == seen{s.Type, s.ID, flaw.of(s.Data)} }) {
			return flaw.name, true
		}
	}
	return "", false
}

// unhurried is less than a client waits that was told 6 s, give or take a fifth, even one that takes half off
// for a jitter of its own; and much more than the default of those which do not listen.
const unhurried = 2 * time.Second

// tryCuts cuts the connection, and looks at whether the client loses or repeats something, and when it comes back.
func tryCuts(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	slow, fast := s.newTrial(t, p, "slow", secure), s.newTrial(t, p, "fast", secure)
	for _, tr := range []*tryout{slow, fast} {
		tr.say("one")
		tr.follow(p, "", target{authority: s.authority})
		tr.has(1)
	}
	cut := time.Now()
	slow.wire.Cut()
	soonest := time.Hour
	for i := range 3 {
		gap, what := fast.cut()
		if what != comesBack {
			return behaviour{"cut": what}
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
	var ids []string
	for _, v := range fast.visits()[1:] {
		ids = append(ids, cmp.Or(v.id, v.query))
	}
	// one that takes a silent connection for lost may ask twice on a busy machine
	if got, want := slices.Compact(ids), []string{"1", "3", "5"}; !slices.Equal(got, want) {
		t.Errorf("the client came back with the ids %q, want %q", got, want)
	}
	slow.comes(2)
	late := slow.visits()[1].at.Sub(cut)
	t.Logf("it came back after %s, and where it was told 6 s, after %s", soonest, late)
	// One that listens may be so busy that it is never fast, and then it is still much faster than where it was told 20 s.
	if slow.waits(late, soonest) || late >= unhurried && s.waitsLonger(t, p, secure, soonest) {
		b["retry"] = "yes"
	}
	return b
}

// waitsLonger reports whether the client waits longer where it is told 20 s than where it is told to come back at once.
func (s *clientSite) waitsLonger(t *testing.T, p program, secure bool, soonest time.Duration) bool {
	t.Helper()
	slower := s.newTrial(t, p, "slower", secure)
	slower.say("one")
	slower.follow(p, "", target{authority: s.authority})
	slower.has(1)
	late, what := slower.cut()
	t.Logf("where it was told 20 s, it %s after %s", what, late)
	if what == "waits" {
		return soonest < testsite.Patience/4 // half as long as it has not come
	}
	return what == comesBack && slower.waits(late, soonest)
}

// waits reports whether a client that came back late does so because it is told to, by what it does the next time: one that does not
// listen may be late because the machine is busy, but not each time.
func (tr *tryout) waits(late, soonest time.Duration) bool {
	tr.t.Helper()
	if late < unhurried || soonest >= late/2 {
		return false
	}
	tr.say("two")
	tr.has(2)
	gap, what := tr.cut()
	return what != comesBack || gap >= unhurried && soonest < gap/2
}

// tryFIN ends the connection with a FIN, and without an end of HTTP or TLS: within an event, and between two.
func tryFIN(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, p, "fast", secure)
	tr.say("one")
	tr.follow(p, "", target{authority: s.authority})
	tr.has(1)
	tr.wire.Tear(20_000)
	tr.say(strings.Repeat("long-", 10_000))
	what := tr.does(2, testsite.Patience/2)
	if what == comesBack {
		tr.has(2)
		tr.wire.Finish()
		if what = tr.does(3, testsite.Patience/2); what == comesBack {
			what = "resumes"
			tr.say("three", "in whose place a repeat would come")
			tr.has(4)
		}
	}
	got := tr.events()
	torn := len(got) > 1 && len(got[1].Data) < len(tr.talk.said[1].Data)
	if torn {
		what += ", and takes a part for an event"
	}
	if !torn && !isStart(got, tr.talk.said) {
		t.Errorf("got %.100q", got)
	}
	return behaviour{"fin": what}
}

// tryTornEvent resets the connection within an event.
func tryTornEvent(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, p, "fast", secure)
	tr.follow(p, "", target{authority: s.authority})
	tr.opened(1)
	tr.wire.Hold(50_000) // some frames of HTTP/2, which are up to 16 kB long, so that the first event is there
	tr.talk.say(false, seen{Type: "message", Data: "one"}, seen{Type: "message", Data: strings.Repeat("long-", 20_000)})
	tr.has(1)
	if _, what := tr.cut(); what != comesBack {
		return behaviour{"torn": what}
	}
	tr.has(2)
	tr.say("three")
	tr.has(3)
	if got, said := tr.events(), tr.talk.said; !slices.Equal(got, said) {
		t.Errorf("got %d events, the second one with %d characters, want %d and %d", len(got), len(got[1].Data), len(said), len(said[1].Data))
	}
	return behaviour{"torn": "whole"}
}

// isStart reports whether events are the first of others.
func isStart(got, said []seen) bool {
	return len(got) <= len(said) && slices.Equal(got, said[:len(got)])
}

// silence is how long a client is left without a keep-alive comment.
const silence = 20 * time.Second

// trySilence loses what is sent through a connection, which stays open.
func trySilence(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, p, "fast", secure)
	tr.say("one")
	tr.follow(p, "", target{authority: s.authority})
	tr.has(1)
	tr.wire.Freeze()
	tr.say("two")
	within := silence
	switch {
	// It comes back if it can, on a busy machine later. Over HTTP/2, a browser may send the next request through the same connection, and
	// only then ping it.
	case p.watches, p.family == httpClients:
		within = testsite.Patience
	}
	what := tr.does(2, within)
	if what == comesBack {
		what = "resumes"
		tr.say("three")
		tr.has(3)
	}
	if got := tr.events(); !isStart(got, tr.talk.said) {
		t.Errorf("got %q,\nwant %q", got, tr.talk.said)
	}
	return behaviour{"silence": what}
}

// away is how long no server is there, which is enough for a restart.
const away = 2 * time.Second

// tryAway has the server leave while its clients are connected, and end the first connection after that without an answer, as it may do
// at a reload (findings/go-shutdown-no-answer.sh).
func tryAway(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, p, "fast", secure)
	tr.say("one")
	tr.follow(p, "", target{authority: s.authority})
	tr.has(1)
	tr.wire.Down()
	tr.wire.LeaveUnanswered(1)
	tr.say("two")
	if testsite.Within(away, tr.hasEnded) {
		return behaviour{"away": tr.stopped()}
	}
	tr.wire.Up()
	testsite.Within(testsite.Patience/2, func() bool { return tr.wire.Unanswered() == 0 || tr.hasEnded() })
	switch {
	case tr.wire.Unanswered() == 0:
	case tr.hasEnded(): // late, on a busy machine
		return behaviour{"away": tr.stopped()}
	default:
		return behaviour{"away": "waits"}
	}
	what := tr.does(2, testsite.Patience/2)
	if what != comesBack {
		return behaviour{"away": what + " without an answer"}
	}
	tr.say("three")
	tr.hasAll()
	return behaviour{"away": "resumes"}
}

// tryBadGateway has a client come back to a proxy whose Caddy is not there, once.
func tryBadGateway(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, p, "fast", secure)
	tr.say("one")
	tr.follow(p, "", target{authority: s.authority})
	tr.has(1)
	visits.mu.Lock()
	visits.away[tr.path] = true
	visits.mu.Unlock()
	if _, what := tr.cut(); what != comesBack {
		return behaviour{"502": "–"} // it does not come so far
	}
	what := tr.does(3, testsite.Patience/2)
	if what != comesBack {
		return behaviour{"502": what}
	}
	tr.say("two")
	if v := tr.visits()[2]; v.id == "" && v.query == "" {
		return behaviour{"502": "repeats all"}
	}
	tr.hasAll()
	return behaviour{"502": "resumes"}
}

// tryBusy turns a client away by a limit, and tells it to come back after 4.8 to 7.2 s.
func tryBusy(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, p, "busy", secure)
	tr.follow(p, "", target{authority: s.authority})
	tr.opened(1)
	if p.prefix != datastar {
		tr.has(1)
		if e := tr.events()[0]; e.Type != "bridge.busy" || e.Data != `{"reason":"limit"}` {
			t.Errorf("got %q", e)
		}
	}
	what := tr.does(2, testsite.Patience/2)
	if what != comesBack {
		return behaviour{"busy": what}
	}
	// One that does not listen may be late because the machine is busy, but not each time.
	for n := 1; n <= 3 && tr.does(n+1, testsite.Patience/2) == comesBack; n++ {
		if list := tr.visits(); list[n].at.Sub(list[n-1].at) < unhurried {
			what = "comes back too soon"
			break
		}
	}
	return behaviour{"busy": what}
}

// tryStoredID starts a client that left at event 2, and cuts it before and after its first event.
func tryStoredID(t *testing.T, s *clientSite, p program, secure bool, query, id string) string {
	tr := s.newTrial(t, p, "fast", secure)
	tr.say("one", "two")
	to := target{authority: s.authority, id: id}
	tr.follow(p, query, to)
	tr.opened(1)
	if _, what := tr.cut(); what != comesBack {
		tr.follow(p, query, to) // which does not come back by itself
	}
	tr.say("three")
	tr.has(1)
	if _, what := tr.cut(); what == comesBack {
		tr.say("four")
		testsite.Eventually(t, "the event 4", func() bool {
			got := tr.events()
			return got[len(got)-1].ID == "4"
		})
	}
	said := []seen{{"message", "3", "three"}, {"message", "4", "four"}}
	switch got, list := tr.events(), tr.visits(); {
	case slices.Equal(got, said) || slices.Equal(got, said[:1]):
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
	tr := s.newTrial(t, p, "fast", secure)
	tr.say("one")
	tr.follow(p, "", target{authority: s.authority})
	tr.has(1)
	tr.talk.say(true, seen{Type: "message", Data: "two"})
	tr.has(2)
	if !tr.comes(2) {
		if p.closes {
			return behaviour{"end": "stops at `bridge.end`"}
		}
		return behaviour{"end": "stops"}
	}
	b := behaviour{"end": "comes back", "204": "stops"}
	// Where the backend's answer is late, what the client comes back to begins as a stream, and ends as the first one.
	told := 0 // how many requests there were with the first 204
	testsite.Eventually(t, "the 204", func() bool {
		told = 1 + slices.IndexFunc(tr.visits(), func(v contact) bool { return v.status == http.StatusNoContent })
		return told > 0
	})
	if tr.comes(told + 2) {
		b["204"] = "comes back"
	}
	return b
}

// tryRefusal refuses a client with a 401.
func tryRefusal(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	for range 5 {
		tr := s.newTrial(t, p, "fast", secure)
		tr.talk.refuse = true
		tr.follow(p, "", target{authority: s.authority})
		refused := 0
		testsite.Eventually(t, "three refusals, or the client to give up", func() bool {
			refused = len(slices.DeleteFunc(tr.visits(), func(v contact) bool { return v.status != http.StatusUnauthorized }))
			return refused >= 3 || tr.hasEnded()
		})
		list := tr.visits()
		switch {
		case refused >= 3:
			return behaviour{"401": "comes back"}
		case len(list) == 0:
			t.Fatal("the client has not come")
		case list[len(list)-1].status != http.StatusOK:
			return behaviour{"401": "stops"}
		}
		// The backend's answer was late. What begins before it comes is a stream, and the client stopped at its end, not at a refusal.
	}
	t.Fatal("five times the backend's answer was late")
	return nil
}

// tryManyStreams opens more streams than HTTP/1.1 lets browsers have.
func tryManyStreams(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	const most, all = 6, 8
	tr := s.newTrial(t, p, "fast", secure)
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
	programs, missing := clientPrograms(t, s)
	rows := make([]map[bool]behaviour, len(programs))
	slots := make(chan struct{}, 16) // most of the time is spent waiting
	var mu sync.Mutex
	untried := make([]int, len(programs)) // trials of each
	var running sync.WaitGroup
	for i, p := range programs {
		rows[i] = map[bool]behaviour{false: {}, true: {}}
		for _, secure := range []bool{false, true} {
			for _, trial := range trialsOf(p, secure) {
				scheme := map[bool]string{false: "HTTP", true: "HTTPS"}[secure]
				mu.Lock()
				untried[i]++
				mu.Unlock()
				slots <- struct{}{}
				running.Go(func() {
					defer func() { <-slots }()
					t.Run(strings.Join([]string{p.name, scheme, trial.name}, "/"), func(t *testing.T) {
						b := trial.try(t, s, p, secure)
						mu.Lock()
						defer mu.Unlock()
						maps.Copy(rows[i][secure], b)
						untried[i]--
					})
				})
			}
		}
	}
	running.Wait()
	var whole []program // of which all was tried
	var seenRows []map[bool]behaviour
	for i, p := range programs {
		if untried[i] == 0 {
			whole, seenRows = append(whole, p), append(seenRows, rows[i])
		}
	}
	switch absent := missing + len(programs) - len(whole); {
	case t.Failed():
	case *testsite.Update && absent > 0:
		t.Errorf("%d clients are missing, without which the tables cannot be written", absent)
	default:
		checkClientTable(t, whole, seenRows)
	}
}
