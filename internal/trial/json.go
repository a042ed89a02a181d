package trial

import (
	"encoding/json"
	"io"
	"time"
)

// Lines writes reports for a program: each is one line of JSON.
type Lines struct{ W io.Writer }

// Write writes one report.
func (l Lines) Write(r *Report) error {
	e := json.NewEncoder(l.W)
	e.SetEscapeHTML(false)
	for i := range r.Exchanges {
		r.Exchanges[i].TookMS = r.Exchanges[i].Took.Milliseconds()
	}
	if r.Records != nil {
		r.Records.AfterMS = r.Records.After.Milliseconds()
	}
	if r.Next != nil {
		r.Next.WaitMS = r.Next.Wait.Milliseconds()
	}
	return e.Encode(r)
}

// Verdict writes the verdict.
func (l Lines) Verdict(v Verdict) error {
	e := json.NewEncoder(l.W)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Waiting says nothing: a line is a poll that has been answered.
func (l Lines) Waiting(time.Duration) {}
