package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// streams are the kinds of upstreams whose answers go on. Such an answer ends in good order now and then, and
// breaks off where the upstream is in trouble once it has news.
func streams() []kind {
	id := page.Config{ID: path("id")}
	// an answer that goes on without a cursor misses what came before it
	misses := func(b *modelUpstream, r reset, _ []*publication) bool { return r == gap && b.ended }
	missesFirst := func(b *modelUpstream, r reset, last []*publication) bool {
		return r == gap && b.ended && len(last) == 0
	}
	return []kind{
		{name: "a stream", stream: true, held: true, config: id, resets: missesFirst},
		{name: "a stream, from the oldest", stream: true, held: true, oldest: true, config: id, resets: missesFirst},
		{name: "a stream, some ignored", stream: true, held: true, config: page.Config{ID: path("id"), Ignore: condition("skip")}, resets: missesFirst, item: someItems},
		{name: "a stream, every other id is missing", stream: true, held: true, config: id, resets: misses, replay: 8, item: func(p *publication) {
			if p.n/stride%2 == 1 {
				p.id = ""
			}
		}},
		{name: "a stream without a cursor", stream: true, held: true, replay: 8, resets: misses, item: equalWords},
		{name: "a stream with epochs", stream: true, held: true, oldest: true, config: page.Config{ID: path("id"), Epoch: path("run"), Ignore: condition("hello")}, restarts: true, tells: true, resets: missesFirst},
	}
}

// modelAnswer is an answer that goes on.
type modelAnswer struct {
	records *page.Records
	at      position.Position // after its pages
	from    int               // the number that its next record comes after
	until   time.Time         // when it ends
	began   time.Time
	hello   bool // its first record says only which run it is of
}

// stream returns the next page of a chain's answer.
func (b *modelUpstream) stream(ctx context.Context, ask Ask) (page.Page, error) {
	b.mu.Lock()
	a := b.answers[ask.Chain]
	b.mu.Unlock()
	if a == nil || ask.Aside || a.at.Done != ask.From.Done || a.at.Epoch != ask.From.Epoch || !a.at.Cursor.Equal(ask.From.Cursor) {
		var err error
		if a, err = b.begin(ctx, ask); err != nil {
			return page.Page{}, err
		}
	}
	p, err := b.next(ctx, a)
	b.mu.Lock()
	defer b.mu.Unlock()
	if delete(b.answers, ask.Chain); err == nil && !ask.Aside && !p.Restarted {
		b.answers[ask.Chain], a.at = a, p.Next
	} else if !ask.Aside {
		b.ended = true
	}
	return p, err
}

// hasEnded reports whether an answer has ended.
func (b *modelUpstream) hasEnded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// begin begins an answer.
func (b *modelUpstream) begin(ctx context.Context, ask Ask) (*modelAnswer, error) {
	if !travel(ctx, b.plan.Latency/2) {
		return nil, ctx.Err()
	}
	ask.Reached(Sent)
	a := &modelAnswer{records: b.reader.Records(page.Response{Status: http.StatusOK}, ask.From), at: ask.From, began: time.Now(), hello: b.kind.tells}
	b.mu.Lock()
	met := b.meets(ask)
	resp, err := b.failure(met)
	if resp.Status/100 == 4 {
		b.refused = time.Now()
	}
	if !b.kind.oldest {
		a.from = b.start(0)
	}
	if !ask.From.Cursor.IsZero() {
		n, wrong := strconv.Atoi(ask.From.Cursor[0])
		if a.from = n; wrong != nil && met == well {
			met, resp = notFound, page.Response{Status: http.StatusBadRequest}
		}
	}
	a.until = a.began.Add(time.Duration(1+b.random(400, "until", ask.Chain, ask.Number)) * time.Second)
	b.mu.Unlock()
	if !travel(ctx, b.plan.Latency/2) {
		return nil, ctx.Err()
	}
	b.landed(ask, met)
	switch {
	case met == well:
		ask.Reached(Begun)
		return a, nil
	case resp.Status == http.StatusOK:
		return nil, &page.Error{Comment: page.Unreadable, Err: errors.New("no records")}
	case resp.Status == 0:
		return nil, err
	}
	_, err = b.reader.Read(resp, ask.From, nil)
	return nil, err
}

// next returns the next page of an answer.
func (b *modelUpstream) next(ctx context.Context, a *modelAnswer) (page.Page, error) {
	end := time.NewTimer(time.Until(a.until))
	defer end.Stop()
	for {
		b.mu.Lock()
		wake, items, broken := b.wake, b.after(a.from, 1+b.random(10, "batch", a.from)), b.trouble == noAnswer
		var records []decode.Record
		if a.hello {
			a.hello = false
			records = append(records, decode.Record{Body: fmt.Appendf(nil, `{"hello":true,"run":%d}`, len(b.runs))})
		}
		for _, p := range items {
			a.from = p.n
			text, err := json.Marshal(map[string]any{"id": p.id, "text": p.text, "skip": p.skip, "run": p.run + 1})
			if err != nil {
				panic(err)
			}
			records = append(records, decode.Record{Body: text})
		}
		broken = broken || len(items) > 0 && b.trouble != well
		b.mu.Unlock()
		if broken {
			return page.Page{}, &page.Error{Comment: page.Unreachable, Err: errors.New("the answer broke off")}
		}
		if len(records) > 0 {
			p, n, err := a.records.Read(records, new(value.Env))
			if n != len(records) && err == nil && !p.Restarted {
				panic("a page ends early")
			}
			if err != nil || p.News || p.Restarted {
				return p, err
			}
			continue
		}
		select {
		case <-wake:
		case <-end.C:
			return page.Page{}, &Closed{Lasted: time.Since(a.began), Records: true, Status: http.StatusOK}
		case <-ctx.Done():
			return page.Page{}, ctx.Err()
		}
	}
}
