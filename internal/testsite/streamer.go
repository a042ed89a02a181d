package testsite

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Framing is how a backend whose answers go on tells its records apart, and how it is asked for those after
// one of them.
type Framing struct {
	Name        string
	Lines       []string // of a block that reads it
	ContentType string
	Head, Beat  string // before the first record, and between any two
	Record      func(i int, text string) string
	Since       func(r *http.Request) string // the last record that a request has; empty: none
}

// Framings are all that have cursors. The data of an event are the JSON object that jsonRecord makes.
func Framings() []Framing {
	query := func(r *http.Request) string { return r.URL.Query().Get("since") }
	const bySince = "query since {sse.cursor}"
	return []Framing{
		{
			Name: "lines", Lines: []string{"format lines", "id id", bySince},
			ContentType: "application/x-ndjson", Beat: "\n",
			Record: func(i int, text string) string { return jsonRecord(i, text) + "\n" }, Since: query,
		},
		{
			Name: "values", Lines: []string{"format json", "items @this", "id id", bySince},
			ContentType: "application/json", Beat: " ", Record: jsonRecord, Since: query,
		},
		{
			Name: "array", Lines: []string{"format json", "items @this", "id id", bySince},
			ContentType: "application/json", Head: "[", Beat: "\n",
			Record: func(i int, text string) string { return jsonRecord(i, text) + "," }, Since: query,
		},
		{
			Name: "events", Lines: []string{"format sse"},
			ContentType: "text/event-stream", Head: "retry: 10\n\n", Beat: ": beat\n\n",
			Record: func(i int, text string) string { return fmt.Sprintf("id: %d\ndata: %s\n\n", i, jsonRecord(i, text)) },
			Since:  func(r *http.Request) string { return r.Header.Get("Last-Event-ID") },
		},
		{
			// as nchan frames it: the delimiter stands right behind each part
			Name: "parts", Lines: []string{"format multipart"},
			ContentType: "multipart/mixed; boundary=gsk3/Kl", Head: "--gsk3/Kl",
			Record: func(i int, text string) string {
				return fmt.Sprintf("\r\nEtag: %d\r\nContent-Type: application/json\r\n\r\n%s\r\n--gsk3/Kl", i, jsonRecord(i, text))
			},
			Since: func(r *http.Request) string { return r.Header.Get("If-None-Match") },
		},
		{
			Name: "scripts", Lines: []string{"format scripts", "id id", bySince},
			ContentType: "text/html", Head: "<html><body>" + strings.Repeat(" ", 1024), Beat: "<!-- beat -->",
			Record: func(i int, text string) string {
				return fmt.Sprintf("<script>parent.said(%s);</script>\n", jsonRecord(i, text))
			},
			Since: query,
		},
	}
}

func jsonRecord(i int, text string) string { return fmt.Sprintf(`{"id":%d,"text":%q}`, i, text) }

// Streamer is a backend whose answers go on: each line that is said becomes a record of all of them.
type Streamer struct {
	framing Framing
	breaks  int

	mu    sync.Mutex
	lines []string
	wake  chan struct{}
	asked []*http.Request
}

// NewStreamer makes a backend. An answer breaks off with half of a record after so many records; 0: never.
func NewStreamer(framing Framing, breaks int) *Streamer {
	return &Streamer{framing: framing, breaks: breaks, wake: make(chan struct{})}
}

// Say adds records.
func (s *Streamer) Say(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, lines...)
	close(s.wake)
	s.wake = make(chan struct{})
}

// Asked returns the requests so far.
func (s *Streamer) Asked() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.asked...)
}

func (s *Streamer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	since, _ := strconv.Atoi(s.framing.Since(r))
	w.Header().Set("Content-Type", s.framing.ContentType)
	write := func(text string) {
		_, _ = w.Write([]byte(text))
		_ = http.NewResponseController(w).Flush()
	}
	write(s.framing.Head)
	s.mu.Lock()
	s.asked = append(s.asked, r.Clone(context.Background()))
	s.mu.Unlock()
	for said := 0; ; {
		s.mu.Lock()
		lines, wake := s.lines, s.wake
		s.mu.Unlock()
		for ; since < len(lines); since++ {
			record := s.framing.Record(since+1, lines[since])
			if said++; s.breaks > 0 && said > s.breaks {
				write(record[:len(record)/2])
				return
			}
			write(record)
			if said%3 == 0 {
				write(s.framing.Beat)
			}
		}
		select {
		case <-wake:
		case <-r.Context().Done():
			return
		}
	}
}
