package trial

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// Verdict is how a trial went as a whole. It is written as one line of JSON.
type Verdict struct {
	Word    Word     `json:"verdict"`
	Text    string   `json:"text"`              // the same in words, on one line
	Reasons []Reason `json:"reasons,omitempty"` // why it does not simply work
	Polls   int      `json:"polls"`             // that were answered, or have failed; of an answer that goes on: pages of records, and ends
	Failed  int      `json:"failed"`            // of them
	Events  int      `json:"events"`
	Seconds float64  `json:"seconds"` // for which it was tried
}

// Word is a verdict.
type Word string

// The verdicts.
const (
	Works    Word = "works"
	WorksBut Word = "works_but"
	DoesNot  Word = "does_not"
)

// Reason is why something does not simply work.
type Reason struct {
	ID   string `json:"id"` // a fixed word
	Text string `json:"text"`
}

// Status is the status with which a command exits that ends with the verdict.
func (v Verdict) Status() int {
	switch v.Word {
	case Works:
		return 0
	case WorksBut:
		return 2
	}
	return 1
}

// Mask masks the secrets in what a verdict quotes.
func (v *Verdict) Mask(s Secrets) {
	for i := range v.Reasons {
		v.Reasons[i].Text = MaskURL(s.mask(v.Reasons[i].Text))
	}
	v.Text = v.words()
}

// words returns the verdict in words, on one line.
func (v *Verdict) words() string {
	var texts []string
	for _, r := range v.Reasons {
		texts = append(texts, oneLine(r.Text))
	}
	switch said := strings.Join(texts, "; and "); v.Word {
	case Works:
		return "works"
	case WorksBut:
		return "works, but " + said
	default:
		return "does not, because " + said
	}
}

const (
	// longWait is from when on a pause is absurd that the backend asks for.
	longWait = 10 * time.Minute
	// manyTimes is how often in a row something must happen before it is no chance.
	manyTimes = 3
	// promptly is how long an answer takes at most that was not held, and that does not go on.
	promptly = time.Second
)

// Tried is one poll of a trial, and what has become of it.
type Tried struct {
	Evidence
	Stream bool // the block says that answers go on
	Holds  bool // the block says that the backend holds requests
	News   bool
	Events int // that clients got
	Took   time.Duration
	Wait   time.Duration // until the next poll
	Asked  bool          // because the backend asks for it
	Over   bool          // no poll follows
	Ended  bool          // an answer that goes on is over, in good order
	Lasted time.Duration // that answer
}

// silent reports whether the answer has nothing in it, because there is no news.
func (t *Tried) silent() bool {
	if t.Err != nil || t.Page.Reset {
		return false
	}
	return t.Answer == nil || t.Answer.Status == http.StatusNotModified || len(bytes.TrimSpace(t.Found.Body)) == 0
}

// Judge finds the verdict of a trial. The zero value has seen no poll.
type Judge struct {
	verdict Verdict
	last    Tried
	advice  Advice // on the last poll that was not silent
	failing int    // polls in a row that failed
	prompt  int    // polls that were not held, and had no news
	held    int    // polls that were
	resets  int    // in a row
	lost    int    // polls whose position was gone
	idless  int    // answers whose items have no ids
	brief   int    // answers that should go on and ended at once
	lasting int    // answers that do go on
	begun   bool   // the head of such an answer has come
	buts    []Reason
	news    alwaysNews
}

// Note takes the next poll.
func (j *Judge) Note(t Tried) {
	v := &j.verdict
	j.last = t
	if !t.silent() { // else the answer before still stands
		j.advice = Advise(t.Evidence)
	}
	if t.Ended || t.Stream && v.Events > 0 && t.Err == nil { // later records may differ
		j.advice = Advice{}
	}
	v.Polls++
	v.Events += t.Events
	j.advance(t)
	if t.Err != nil && !t.Ended {
		v.Failed++
		j.failing++
		return
	}
	j.failing = 0
	if a := j.advice; a.Text != "" && !a.Idea && !a.Grave {
		j.But(a.ID, a.Text)
	}
	if t.Page.Next.Hashed() {
		j.But("long_positions", "the positions are too long for event ids, so that only this process can resume from one")
	}
	if t.Asked && t.Wait >= longWait || t.Page.Asked > 0 {
		j.But("long_wait", fmt.Sprintf("the backend asks for a pause of %s: is the value in seconds? `retry_after` takes a unit", short(max(t.Page.Asked, t.Wait))))
	}
	j.news.note(t)
}

// Begun notes that an answer that goes on has begun.
func (j *Judge) Begun() { j.begun = true }

// advance counts what a poll was.
func (j *Judge) advance(t Tried) {
	switch {
	case t.Page.Reset:
		j.resets++
	case t.Err == nil:
		j.resets = 0
	}
	if t.Page.Lost {
		j.lost++
	}
	if t.Page.Idless {
		j.idless++
	}
	switch {
	case t.Ended && t.Lasted < promptly:
		j.brief++
	case t.Stream && t.Err == nil, t.Ended:
		j.lasting++
	}
	if t.Holds && !t.Stream && !t.News && t.Err == nil {
		if t.Took < promptly {
			j.prompt++
		} else {
			j.held++
		}
	}
}

// But notes something about the block that is worth knowing though it works. What has been noted with the same id is
// replaced.
func (j *Judge) But(id, text string) {
	for i := range j.buts {
		if j.buts[i].ID == id {
			j.buts[i].Text = text
			return
		}
	}
	j.buts = append(j.buts, Reason{id, text})
}

// Verdict returns the verdict after a trial of that time.
func (j *Judge) Verdict(after time.Duration, holds bool) Verdict {
	v := j.verdict
	v.Seconds = after.Round(time.Millisecond).Seconds()
	if why := j.against(after, holds); why.ID != "" {
		v.Word, v.Reasons = DoesNot, []Reason{why}
	} else if v.Reasons = j.reservations(after); len(v.Reasons) > 0 {
		v.Word = WorksBut
	} else {
		v.Word = Works
	}
	v.Text = v.words()
	return v
}

// against returns why it does not work.
func (j *Judge) against(after time.Duration, holds bool) Reason {
	v := &j.verdict
	answered := v.Polls - v.Failed
	switch {
	case v.Polls == 0 && !holds:
		return Reason{"unanswered", fmt.Sprintf("no answer came within %s: if the backend holds requests until there is news, add long_poll", short(after))}
	case v.Failed > 0 && (answered == 0 || j.failing > 1 || j.failing > 0 && j.last.Over):
		return j.failure()
	case j.advice.Grave && v.Events == 0:
		return Reason{j.advice.ID, j.advice.Text}
	case j.advice.Grave && j.advice.ID == "not_data": // a document that is no data is an event, too
		return Reason{j.advice.ID, j.advice.Text}
	case j.resets >= manyTimes:
		return Reason{"resets", "the backend rejects each position that it has just given: does a `reset` condition match good answers?"}
	case j.brief > 1 && j.lasting == 0:
		return Reason{"brief_answers", "the backend ends its answers at once: with `interval` instead of `stream`, an answer that ends is polled"}
	case j.idless >= manyTimes && j.lost > 0:
		return Reason{"no_id", "`id` finds nothing in any item, so that no client can go on where it was: is the path correct?"}
	case j.lost >= manyTimes && 2*j.lost >= answered && j.news.text() == "":
		return Reason{"gap", fmt.Sprintf("in %d of %d answers the position was gone, and clients get a bridge.reset: ask for longer pages, or by a parameter that brings what follows an id", j.lost, answered)}
	}
	return Reason{}
}

// failure is the reason of polls that fail.
func (j *Judge) failure() Reason {
	if j.advice.Text != "" {
		return Reason{j.advice.ID, j.advice.Text}
	}
	return Reason{"failed", j.failed()}
}

// failed returns the error of the last poll.
func (j *Judge) failed() string {
	if a := j.last.Answer; a != nil && a.Status >= http.StatusBadRequest {
		return "the backend answers with status " + status(a.Status)
	}
	return page.Detail(j.last.Err)
}

// reservations are what is worth knowing though it works.
func (j *Judge) reservations(after time.Duration) []Reason {
	v := &j.verdict
	all := slices.DeleteFunc(slices.Clone(j.buts), func(r Reason) bool { return r.ID == noItemsID && v.Events > 0 })
	add := func(id, text string) { all = append(all, Reason{id, text}) }
	if text := j.news.text(); text != "" {
		add("always_news", text)
	}
	if v.Failed > 0 {
		add("failed", fmt.Sprintf("%d of %d polls failed", v.Failed, v.Polls))
	}
	if j.lost > 0 {
		add("gap", fmt.Sprintf("in %d of %d answers the position was gone, and clients get a bridge.reset: poll more often, or ask for longer pages", j.lost, v.Polls-v.Failed))
	}
	if j.brief > 1 {
		add("brief_answers", "some answers ended at once")
	}
	if j.prompt >= manyTimes && j.held == 0 {
		add("not_held", "the backend holds no request: answers without news come at once, so the interval applies")
	}
	switch {
	case v.Polls == 0 && j.begun:
		add("no_events", fmt.Sprintf("the answer goes on, and no record came within %s: try it while there is news", short(after)))
	case v.Polls == 0:
		add("no_events", fmt.Sprintf("no answer came within %s: the backend holds the request until there is news, or is slow", short(after)))
	case v.Events == 0:
		add("no_events", "there was no event, so nothing is known of them: try it while there is news")
	}
	return all
}
