package cli

import (
	"bytes"
	"net/http"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// itemless is after how many records without items the likely reason is told: some are only notices.
const itemless = 3

// streamed is an answer that goes on, as it is reported.
type streamed struct {
	number int // of the answer, from 1
	open   bool
	asking exchanged // the request that was sent last
	head   page.Response
	last   time.Time      // when something came
	came   *upstream.Came // of which a page follows
	events bool           // there have been some
	bare   int            // records without items, before any event
}

// sent notes a request that is made. Those of steps may come while a stream's is made.
func (t *attempt) sent(e exchanged) {
	if e.which > upstream.KindPoll {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stream.asking = e
}

// Began reports the head of an answer that goes on.
func (t *attempt) Began(status int, header http.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.stream
	s.open, s.last, s.head = true, time.Now(), page.Response{Status: status, Header: header}
	s.asking.response, s.asking.goesOn = &s.head, true
	s.asking.came()
	t.judge.Begun()
	t.exchanges = append(t.exchanges, s.asking)
	t.write(&trial.Report{Stage: trial.Begun, Exchanges: t.takeExchanges()})
}

// Came notes records, and reports those that no page is made of.
func (t *attempt) Came(c upstream.Came) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.Found.Items == 0 && !t.stream.events {
		t.stream.bare += len(c.Records)
	}
	if t.stream.came = &c; c.Page {
		return
	}
	r := &trial.Report{Stage: trial.Records}
	t.records(r, feed.Polled{})
	t.write(r)
}

// Alive reports bytes that complete no record.
func (t *attempt) Alive(text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(&trial.Report{Stage: trial.Alive, Records: t.piece(0, text)})
}

// piece describes what has come of an answer that goes on.
func (t *attempt) piece(records int, texts ...[]byte) *trial.Piece {
	p := &trial.Piece{Count: records, Start: trial.Start(texts[0]), After: time.Since(t.stream.last)}
	if p.Start == "" && len(bytes.TrimSpace(texts[0])) == 0 {
		p.Blank = true
	}
	for _, text := range texts {
		p.Size += len(text)
	}
	t.stream.last = time.Now()
	return p
}

// records describes the records that a page is made of, and what they brought.
func (t *attempt) records(r *trial.Report, p feed.Polled) trial.Evidence {
	c := t.stream.came
	if t.stream.came = nil; c == nil {
		return trial.Evidence{Config: t.asked.Plan.Page, Answer: &t.stream.head, Page: p.Page, Err: p.Err}
	}
	texts := make([][]byte, len(c.Records))
	for i := range c.Records {
		texts[i] = c.Records[i].Body
	}
	r.Records = t.piece(len(texts), texts...)
	resp := t.stream.head
	resp.Body = texts[0]
	evidence := trial.Evidence{Config: t.asked.Plan.Page, Answer: &resp, Found: c.Found, Page: p.Page, Err: p.Err}
	t.see(evidence)
	early := !t.stream.events
	t.stream.events = t.stream.events || len(p.Page.Events) > 0
	if early || len(p.Page.Events) == 0 {
		r.Found = trial.Findings(evidence.Config, false, evidence.Found)
	}
	if early && (c.Found.Items > 0 || t.stream.bare >= itemless) || p.Err != nil { // later records may differ
		r.Hint = trial.Hint(evidence)
	}
	return evidence
}
