package page

import (
	"maps"
	"net/http"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Records reads the records of one answer that goes on, each like an answer of its own.
//
// A record whose id is new, or which moves a cursor, is a place of the upstream's. The position after any other
// counts the records since the last such place; nobody can ask for what comes after it.
type Records struct {
	reader *Reader
	status int
	header http.Header
	at     position.Position
	fresh  bool // no record has moved the cursor yet
	met    bool // a record was that of the cursor, or was before it
}

// Read reads the first of the records, of which there is at least one, and those behind it that make one page
// with it. It returns that page, and how many records it has read. Its events share memory with the records.
//
// The error is an [*Error] for a first record that cannot be read.
func (s *Records) Read(records []decode.Record, env *value.Env) (page Page, read int, err error) {
	page.Next, page.Status = s.at, s.status
	for i := range records {
		p, err := s.one(&records[i], env)
		special := err != nil || p.Reset || p.Restarted || p.Lost || p.Reopen
		switch {
		case special && i > 0: // for the next page
			return page, i, nil
		case err != nil:
			return Page{}, 0, err
		case special && !p.Lost:
			return p, 1, nil
		}
		s.met = s.met || p.Skipped > 0
		if s.fresh = s.fresh && p.Next.Cursor.Equal(s.at.Cursor); len(page.Events) == 0 {
			page.Events = p.Events
		} else {
			page.Events = append(page.Events, p.Events...)
		}
		s.at, page.Next = p.Next, p.Next
		page.News, page.Lost, page.More, page.End = page.News || p.News, page.Lost || p.Lost, p.More, p.End
		if page.End {
			return page, i + 1, nil
		}
	}
	return page, len(records), nil
}

// Status is that of the answer.
func (s *Records) Status() int { return s.status }

// Skip passes a record over that cannot be read. What it has said is lost.
func (s *Records) Skip() Page { return Page{Status: s.status, News: true, Lost: true, Next: s.at} }

// one reads a record.
func (s *Records) one(record *decode.Record, env *value.Env) (Page, error) {
	b := s.reader.record(record)
	env.Status, env.Header, env.Body, env.Item = s.status, s.fields(record), b.text, nil
	rd := &reading{
		reader: s.reader, status: s.status, header: env.Header, body: b, env: env, from: s.at, record: true, fresh: s.fresh, met: s.met,
	}
	if name := record.Header.Get("Event"); s.reader.config.Format == EventStream && IsReserved(name) {
		return rd.notice(name), nil
	}
	if record.Body == nil {
		return rd.bookmark(), nil
	}
	return rd.read()
}

// fields returns the header of a record: its own fields, and those of the answer.
func (s *Records) fields(record *decode.Record) http.Header {
	if record.Header == nil {
		return s.header
	}
	fields := maps.Clone(record.Header)
	for name, values := range s.header {
		if _, own := fields[name]; !own {
			fields[name] = values
		}
	}
	return fields
}
