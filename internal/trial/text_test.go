package trial

import (
	"strings"
	"testing"
	"time"
)

func report() *Report {
	r := &Report{
		Poll: 1, News: true,
		Exchanges: []Exchange{{
			Request: Request{Method: "GET", URL: "http://a/b"}, Took: 12 * time.Millisecond,
			Answer: &Answer{Status: 200, Type: "text/plain", Size: 5, Start: "\x1b[2J"},
		}},
		Next: &Next{Wait: 1500 * time.Millisecond, Because: "interval"},
	}
	for range maxEvents + 2 {
		r.Events = append(r.Events, Event{ID: "7", Data: "a\nb\x1b]0;title\x07"})
	}
	return r
}

func TestColoursAreForTerminalsAlone(t *testing.T) {
	t.Parallel()
	var plain, coloured strings.Builder
	if err := (&Text{W: &plain}).Write(report()); err != nil {
		t.Fatal(err)
	}
	if err := (&Text{W: &coloured, Paint: true}).Write(report()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") {
		t.Errorf("there are colours in\n%q", plain.String())
	}
	if !strings.Contains(coloured.String(), "\x1b[32m200 OK\x1b[0m") {
		t.Errorf("200 OK is not green in\n%q", coloured.String())
	}
}

func TestWhatAnUpstreamSendsDoesNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := (&Text{W: &b, Paint: true}).Write(report()); err != nil {
		t.Fatal(err)
	}
	for _, sequence := range []string{"\x1b[2J", "\x1b]0", "\x07", "a\nb"} {
		if strings.Contains(b.String(), sequence) {
			t.Errorf("%q is printed as it is", sequence)
		}
	}
}

func TestManyEventsAreCut(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := (&Text{W: &b}).Write(report()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "\nevent "); got != maxEvents || !strings.Contains(b.String(), "… and 2 more") {
		t.Errorf("%d events are printed in\n%s", got, b.String())
	}
}

func TestAHintIsNotRepeated(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	text := &Text{W: &b}
	for _, hint := range []string{"one", "one", "two", "", "two"} {
		if err := text.Write(&Report{Hint: hint}); err != nil {
			t.Fatal(err)
		}
	}
	if one, two := strings.Count(b.String(), "hint       one"), strings.Count(b.String(), "hint       two"); one != 1 || two != 2 {
		t.Errorf("the first hint is there %d times, and the second %d times, in\n%s", one, two, b.String())
	}
}
