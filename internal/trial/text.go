package trial

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

const (
	maxEvents = 10 // of one poll, that are printed
	label     = 10 // columns of the labels
)

// Text writes reports for a person.
type Text struct {
	W     io.Writer
	Paint Paint

	mu   sync.Mutex
	hint string // the last one, which is not repeated
}

// Write writes one report.
func (t *Text) Write(r *Report) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for i, e := range r.Exchanges {
		head := ""
		switch {
		case i > 0:
		case r.Stage == "":
			head = fmt.Sprintf("poll %d", r.Poll)
		default:
			head = fmt.Sprintf("request %d", r.Poll)
		}
		t.exchange(&b, head, e)
	}
	if r.Records != nil {
		t.piece(&b, r.Records)
	}
	for _, f := range r.Found {
		found := oneLine(f.Found)
		if found == "" {
			found = t.Paint.in(yellow, "nothing")
		}
		t.line(&b, "", faint, fmt.Sprintf("%s: %s", f.What, found))
	}
	for i, e := range r.Events {
		if i == maxEvents {
			t.line(&b, "", faint, t.Paint.in(faint, fmt.Sprintf("… and %d more", len(r.Events)-i)))
			break
		}
		t.event(&b, e)
	}
	if r.Cursor != "" && (len(r.Events) == 0 || r.Events[len(r.Events)-1].ID != r.Cursor) {
		t.line(&b, "cursor", faint, oneLine(r.Cursor))
	}
	if len(r.Events) == 0 && !r.Failed() && (r.Stage == "" && r.End == "" || r.Stage == Records) {
		text := "none: there is no news"
		if r.Stage == Records {
			text = "none"
		}
		if r.News {
			text = "none; the cursor has moved"
		}
		t.line(&b, "events", faint, t.Paint.in(faint, text))
	}
	if r.End != "" {
		t.line(&b, "end", bold, r.End)
	}
	if r.Error != "" {
		t.line(&b, "error", red, oneLine(r.Error))
	}
	if r.Hint != t.hint && r.Hint != "" {
		t.line(&b, "hint", yellow, oneLine(r.Hint))
	}
	for _, n := range r.Notices {
		t.line(&b, "note", yellow, n)
	}
	if r.Stage == "" || r.Hint != "" {
		t.hint = r.Hint
	}
	t.next(&b, r.Next)
	b.WriteByte('\n')
	_, err := io.WriteString(t.W, b.String())
	return err
}

// Verdict writes the verdict, in one line.
func (t *Text) Verdict(v Verdict) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	t.line(&b, "verdict", map[Word]string{Works: green, WorksBut: yellow, DoesNot: red}[v.Word], v.Text)
	_, err := io.WriteString(t.W, b.String())
	return err
}

// Waiting says that an answer is waited for.
func (t *Text) Waiting(so time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.W, "%s\n", t.Paint.in(faint, "no answer for "+short(so)+": the backend holds the request until there is news, or is slow"))
}

func (t *Text) exchange(b *strings.Builder, head string, e Exchange) {
	request := t.request(e.Request)
	if e.Step != "" {
		request = e.Step + ": " + request
	}
	t.line(b, head, bold, request)
	t.details(b, e.Request)
	if e.Answer == nil {
		t.line(b, "answer", faint, "none after "+short(e.Took))
		return
	}
	colour := green
	if e.Answer.Status >= http.StatusMultipleChoices && e.Answer.Status != http.StatusNotModified {
		colour = red
	}
	kind := oneLine(e.Answer.Type)
	if kind == "" {
		kind = "no Content-Type"
	}
	if e.Answer.GoesOn {
		t.line(b, "answer", faint, fmt.Sprintf("%s, %s%s in %s: it goes on", t.Paint.in(colour, status(e.Answer.Status)), kind, from(e), short(e.Took)))
		return
	}
	in := " in "
	if e.Answer.Unended {
		in = ", not ended after "
	}
	t.line(b, "answer", faint, fmt.Sprintf("%s, %s, %s%s%s%s",
		t.Paint.in(colour, status(e.Answer.Status)), kind, humanize.IBytes(uint64(e.Answer.Size)), from(e), in, short(e.Took)))
	if e.Answer.Start != "" {
		t.line(b, "", faint, t.Paint.in(faint, oneLine(e.Answer.Start)))
	}
}

// from names the address that was chosen, if the URL does not.
func from(e Exchange) string {
	if e.To != "" && !strings.Contains(e.Request.URL, "://"+e.To+"/") {
		return " from " + e.To
	}
	return ""
}

// piece writes what has come of an answer that goes on.
func (t *Text) piece(b *strings.Builder, p *Piece) {
	head, text := shape.Count(p.Count, "record"), humanize.IBytes(uint64(p.Size))
	if p.Count == 0 {
		head, text = "alive", text+" that complete no record"
	}
	t.line(b, head, bold, text+", after "+short(p.After))
	if !p.Blank {
		t.line(b, "", faint, t.Paint.in(faint, oneLine(p.Start)))
	}
}

func (t *Text) request(r Request) string { return r.Method + " " + oneLine(r.URL) }

// details writes what else is in a request.
func (t *Text) details(b *strings.Builder, r Request) {
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		value := strings.Join(r.Header[name], ", ")
		if strings.TrimSpace(value) == "" {
			value = "(empty)"
		}
		t.line(b, "", faint, t.Paint.in(faint, oneLine(name+": "+value)))
	}
	if r.Body != "" {
		t.line(b, "", faint, t.Paint.in(faint, clip(oneLine(r.Body))))
	}
}

func (t *Text) event(b *strings.Builder, e Event) {
	var head []string
	if e.ID != "" {
		head = append(head, "id: "+t.Paint.in(cyan, oneLine(e.ID)))
	}
	if e.Type != "" {
		head = append(head, "event: "+t.Paint.in(cyan, oneLine(e.Type)))
	}
	t.line(b, "event", green, strings.Join(append(head, "data: "+clip(oneLine(e.Data))), "  "))
}

func (t *Text) next(b *strings.Builder, n *Next) {
	if n == nil {
		return
	}
	when := "at once"
	if n.Wait >= time.Millisecond {
		when = "in " + short(n.Wait)
	}
	t.line(b, "next", bold, when+": "+n.Because)
	if n.Request != nil {
		t.line(b, "", faint, t.request(*n.Request))
		t.details(b, *n.Request)
	}
}

func (t *Text) line(b *strings.Builder, head, colour, text string) {
	fmt.Fprintf(b, "%s%s %s\n", t.Paint.in(colour, head), strings.Repeat(" ", max(label-len(head), 0)), text)
}

func status(code int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
}

// short writes a duration with as many digits as one wants to read.
func short(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
