package quick

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// maxAnswer is the largest answer that is shown as a tree, in bytes.
const maxAnswer = 4 << 20

// told shows a poll of the block with that revision.
func (s *Server) told(revision int, p Poll) {
	var printed bytes.Buffer
	text := trial.Text{W: &printed} // a new one, so that each poll has its hint
	if err := text.Write(p.Report); err != nil {
		return // a buffer takes all
	}
	r := p.Report
	s.shown.poll(shownPoll{
		Revision: revision, At: s.now().Format("15:04:05"), Title: title(r), Text: strings.TrimRight(printed.String(), "\n"),
		Quiet: len(r.Events) == 0, Bad: bad(r), Trouble: trouble(r),
	})
	if p.Answer == nil && !came(r) {
		return
	}
	answer := p.Answer
	if len(answer) > maxAnswer {
		answer = nil
	}
	s.mu.Lock()
	same := s.answered && bytes.Equal(s.answer, answer)
	s.answer, s.answered = bytes.Clone(answer), true
	s.mu.Unlock()
	if same {
		return
	}
	shown := &shownAnswer{Parameters: s.parameters()}
	if answer != nil {
		shown.Root = Tree(answer)
	}
	s.shown.answered(shown)
}

// came reports whether a poll has brought an answer with something in it.
func came(r *trial.Report) bool {
	n := len(r.Exchanges)
	return r.Records != nil || !r.Failed() && n > 0 && r.Exchanges[n-1].Answer != nil && r.Exchanges[n-1].Answer.Size > 0
}

// trouble says why a poll has failed, and what to do; empty if it has not.
func trouble(r *trial.Report) string {
	switch {
	case !r.Failed():
		return ""
	case r.Hint == "":
		return r.Error
	}
	return r.Error + ": " + r.Hint
}

// title describes a poll in a line.
func title(r *trial.Report) string {
	var all []string
	if n := len(r.Exchanges); n > 0 {
		switch last := r.Exchanges[n-1]; {
		case last.Answer != nil:
			all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s", last.Answer.Status, http.StatusText(last.Answer.Status))))
		default:
			all = append(all, "no answer")
		}
	}
	if r.Records != nil && r.Records.Count > 0 {
		all = append(all, shape.Count(r.Records.Count, "record"))
	}
	switch {
	case r.Stage == trial.Begun:
		all = append(all, "the answer goes on")
	case r.Stage == trial.Alive:
		all = append(all, "a sign of life")
	case r.Failed():
		all = append(all, "failed")
	case r.End != "":
		all = append(all, r.End)
	case len(r.Events) > 0:
		all = append(all, shape.Count(len(r.Events), "event"))
	default:
		all = append(all, "no news")
	}
	name := "Poll"
	if r.Stage != "" {
		name = "Request"
	}
	return fmt.Sprintf("%s %d: %s", name, r.Poll, strings.Join(all, ", "))
}

func bad(r *trial.Report) bool { return r.Failed() || r.Hint != "" }
