package clients

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// aloneTrials are what is tried with a client that knows only HTTP, left alone. The first is of how events come.
var aloneTrials = []trial{
	{"alone, events", tryAloneEvents},
	{"alone, cut", func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
		return behaviour{"cut": tryAlone(t, s, p, secure, (*tryout).reset, testsite.Patience/2)}
	}},
	{"alone, FIN", func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
		return behaviour{"fin": tryAlone(t, s, p, secure, func(tr *tryout) {
			tr.wire.Tear(20_000)
			tr.say(strings.Repeat("long ", 10_000))
		}, testsite.Patience/2)}
	}},
	{"alone, silence", func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
		const within = silence * 3 / 2 // a time-out of 10 s has taken over 20 s on a busy machine
		return behaviour{"silence": tryAlone(t, s, p, secure, func(tr *tryout) { tr.wire.Freeze() }, within)}
	}},
	{"alone, end", func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
		return behaviour{"end": tryAlone(t, s, p, secure, func(tr *tryout) { tr.talk.say(true, seen{Type: "message", Data: "two"}) }, testsite.Patience/2)}
	}},
}

func (tr *tryout) reset() { tr.wire.Cut() }

// programTrials are what is tried with the program that is given for such a client. It must do all as it should.
var programTrials = []struct {
	trial
	want       behaviour
	secureOnly bool // it has nothing to do with the connection
}{
	{trial{"events", tryEvents}, behaviour{"events": "yes"}, false},
	{trial{"cuts", tryCuts}, behaviour{"cut": "resumes", "retry": "yes"}, false},
	{trial{"FIN", tryFIN}, behaviour{"fin": "resumes"}, false},
	{trial{"silence", trySilence}, behaviour{"silence": "resumes"}, false},
	{trial{"away", tryAway}, behaviour{"away": "resumes"}, false},
	{trial{"502", tryBadGateway}, behaviour{"502": "resumes"}, true},
	{trial{"stored id", tryStoredIDOfProgram}, behaviour{"api": "yes"}, true},
	{trial{"end", tryEnd}, behaviour{"end": comesBack, "204": "stops"}, true},
	{trial{"busy", tryBusy}, behaviour{"busy": comesBack}, true},
	{trial{"refusal", tryRefusal}, behaviour{"401": "stops"}, true},
}

// tryProgram tries the program that is given for a client.
func tryProgram(i int) func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	return func(t *testing.T, s *clientSite, p program, secure bool) behaviour {
		alone := p.follow
		p.follow = p.withProgram
		got := programTrials[i].try(t, s, p, secure)
		p.follow = alone
		delete(got, "http")
		if want := programTrials[i].want; !maps.Equal(got, want) {
			t.Errorf("the program does %q, want %q", got, want)
		}
		return behaviour{"program": fmt.Sprintf("[`%s`](../%s/%[1]s)", p.file, programFolder)}
	}
}

func tryStoredIDOfProgram(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	return behaviour{"api": tryStoredID(t, s, p, secure, "", "2")}
}

// promptly is how long an event may take of a client that is known to hold it back. It does so until the buffer is full, which here is never.
const promptly = 15 * time.Second

// prompt reports whether the client gets all that has been said.
func (tr *tryout) prompt(p program) bool {
	within := testsite.Patience
	if p.holdsBack {
		within = promptly
	}
	return testsite.Within(within, func() bool { return len(tr.events()) == len(tr.talk.said) })
}

// tryAloneEvents looks at whether events come when they are sent, and unchanged.
func tryAloneEvents(t *testing.T, s *clientSite, p program, secure bool) behaviour {
	tr := s.newTrial(t, p, "fast", secure)
	tr.follow(p, "", target{authority: s.authority})
	tr.opened(1)
	b := behaviour{"http": strings.TrimSuffix(strings.TrimPrefix(tr.visits()[0].proto, "HTTP/"), ".0"), "events": "yes"}
	for _, e := range wideEvents {
		tr.talk.say(false, e)
		if !tr.prompt(p) {
			b["events"] = "held back"
			return b
		}
	}
	if got := tr.events(); !slices.Equal(got, wideEvents) {
		t.Errorf("got %.200q,\nwant %.200q", got, wideEvents)
	}
	return b
}

// tryAlone lets something happen to the connection after an event, and says what the client does within a time.
func tryAlone(t *testing.T, s *clientSite, p program, secure bool, happens func(*tryout), within time.Duration) string {
	tr := s.newTrial(t, p, "fast", secure)
	tr.say("one")
	tr.follow(p, "", target{authority: s.authority})
	tr.opened(1)
	tr.has(1)
	happens(tr)
	switch what := tr.does(2, within); {
	case what == comesBack && tr.visits()[1].id == "":
		return "repeats all"
	case what == comesBack:
		return "resumes"
	default:
		return what
	}
}
