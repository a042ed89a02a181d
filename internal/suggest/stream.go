package suggest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// beatAfter is the least silence before what counts as a sign of life: what an answer begins with is none.
const beatAfter = 500 * time.Millisecond

// stream is what is known of an answer that goes on.
type stream struct {
	format  page.Format
	records []decode.Record
	beat    time.Duration // the longest silence before a sign of life that is no record; 0: there was none
}

// newStream finds out in which format an answer goes on, and cuts it into records.
func newStream(a reply) *stream {
	s := &stream{format: streamFormat(a)}
	framer := s.framer(a)
	if framer == nil {
		return s
	}
	last := time.Duration(0)
	for _, part := range a.arrivals {
		records, err := framer.Push(part.text)
		s.records = append(s.records, records...)
		if len(records) == 0 && !framer.Partial() && part.at-last >= beatAfter {
			s.beat = max(s.beat, part.at-last)
		}
		if last = part.at; err != nil {
			break
		}
	}
	return s
}

// framer returns what cuts the answer into records; nil if nothing does.
func (s *stream) framer(a reply) decode.Framer {
	contentType := a.Header.Get("Content-Type")
	switch s.format {
	case page.EventStream:
		return decode.NewEventFramer(maxBody)
	case page.Multipart:
		framer, err := decode.NewPartFramer(contentType, maxBody)
		if err != nil {
			return nil
		}
		return framer
	case page.Scripts:
		return decode.NewCharsetFramer(decode.NewCallFramer(maxBody), contentType)
	case page.JSON:
		return decode.NewCharsetFramer(decode.NewJSONFramer(maxBody), contentType)
	}
	return decode.NewCharsetFramer(decode.NewLineFramer("", maxBody), contentType)
}

// streamFormat returns the format of an answer that goes on.
func streamFormat(a reply) page.Format {
	kind, _, _ := strings.Cut(strings.ToLower(a.Header.Get("Content-Type")), ";") // boundaries are often written wrongly
	switch kind = strings.TrimSpace(kind); {
	case kind == "text/event-stream":
		return page.EventStream
	case strings.HasPrefix(kind, "multipart/"):
		return page.Multipart
	case bytes.Contains(bytes.ToLower(a.Body), []byte("<script")):
		return page.Scripts
	}
	body := bytes.TrimSpace(a.Body)
	line, _, ended := bytes.Cut(body, []byte("\n"))
	switch {
	case len(body) == 0 && strings.HasSuffix(kind, "json"), bytes.HasPrefix(body, []byte("[")):
		return page.JSON
	case bytes.HasPrefix(body, []byte("{")) && !value.ValidJSON(line): // values that have more than a line, or no line break between them
		return page.JSON
	case bytes.HasPrefix(body, []byte("{")) && !ended && !bytes.HasSuffix(a.Body, []byte("\n")):
		return page.JSON
	}
	return page.Lines
}

// values returns the records that are JSON; ok is false if one is not.
func (s *stream) values() (all []gjson.Result, ok bool) {
	for _, r := range s.records {
		switch {
		case r.Body == nil || len(bytes.TrimSpace(r.Body)) == 0:
		case !value.ValidJSON(r.Body):
			return nil, false
		default:
			all = append(all, gjson.ParseBytes(r.Body))
		}
	}
	return all, len(all) > 0
}

// list returns the items of the records; nil if they are not JSON.
func (s *stream) list() *list {
	values, ok := s.values()
	if !ok {
		return nil
	}
	l := &list{items: values}
	if l.findID(); l.id != "" {
		return l
	}
	for _, v := range values { // what has items may come after what has none
		if inner := bestList([]byte(v.Raw)); inner != nil && inner.id != "" {
			inner.items = s.itemsAt(inner.path)
			if inner.findID(); inner.identifies(inner.parts...) {
				return inner
			}
		}
	}
	return l
}

// itemsAt returns the items of all records.
func (s *stream) itemsAt(path string) (items []gjson.Result) {
	values, _ := s.values()
	for _, v := range values {
		if at := v.Get(path); path != "" && at.IsArray() {
			items = append(items, at.Array()...)
		}
	}
	if path == "" {
		return values
	}
	return items
}

// has reports whether a record has one of these fields.
func (s *stream) has(names ...string) bool {
	return slices.ContainsFunc(s.records, func(r decode.Record) bool {
		return slices.ContainsFunc(names, func(name string) bool { return r.Header.Get(name) != "" })
	})
}

// silence writes after how much silence the request is made anew.
func (s *stream) silence(b *Block, placed bool) {
	const least, step = 15 * time.Second, 5 * time.Second
	switch {
	case s.beat > 0:
		limit := max(3*s.beat+step-1, least).Truncate(step)
		b.add(fmt.Sprintf("it sends a sign of life at least every %s: after this much silence, the request is made anew", s.beat.Round(100*time.Millisecond)), "stream", fmt.Sprintf("%.0fs", limit.Seconds()))
	case placed:
		b.add("it sent no sign of life but records: after a minute without any, the request is made anew, and continues after the last one", "stream")
	default:
		b.add("it sent no sign of life but records, and these have no position: what comes while the request is made anew would be lost, so any silence is good", "stream", "0")
	}
}

// formatLine writes how the answer is cut into records.
func (s *stream) formatLine(b *Block) {
	why := map[page.Format]string{
		page.EventStream: "an event stream: each event is a record", page.Multipart: "each part is a record",
		page.Scripts: "a page with scripts: what each of their calls is given is a record",
		page.JSON:    "JSON values, one after another: each is a record", page.Lines: "each line is a record",
	}[s.format]
	switch {
	case s.has("Id"):
		why += ". Their ids are the position, which goes back in Last-Event-ID"
	case s.has("Etag", "Last-Modified"):
		why += ". Their Etag and Last-Modified are the position"
	case len(s.records) == 0:
		why += ". None has come: try again while something happens there"
	}
	b.add(why, "format", string(s.format))
}
