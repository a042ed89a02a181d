package main

import (
	"encoding/json"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	hold      = 25 * time.Second // how long a poll is kept waiting for news
	newcomers = 20               // how many messages a poll without lastId gets
	kept      = 1000             // how many messages there are at most
	longest   = 500              // how many characters a message may have
)

type message struct {
	ID   int64  `json:"id"`
	User string `json:"user"`
	Text string `json:"text"`
	Sent int64  `json:"sent"` // milliseconds since 1970
}

// chat is all that was said lately.
type chat struct {
	mu       sync.Mutex
	messages []message     // by ID, without gaps
	news     chan struct{} // closed at the next message

	polls, open atomic.Int64
}

func newChat() *chat { return &chat{news: make(chan struct{})} }

func (c *chat) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /messages", c.poll)
	mux.HandleFunc("POST /messages", c.post)
	mux.HandleFunc("GET /stats", c.stats)
	return mux
}

// say adds a message and wakes all who wait for one.
func (c *chat) say(user, text string) message {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := message{ID: 1, User: user, Text: text, Sent: time.Now().UnixMilli()}
	if n := len(c.messages); n > 0 {
		m.ID = c.messages[n-1].ID + 1
	}
	if len(c.messages) == kept {
		c.messages = append([]message(nil), c.messages[kept/2:]...)
	}
	c.messages = append(c.messages, m)
	close(c.news)
	c.news = make(chan struct{})
	return m
}

// latest is the last n messages.
func (c *chat) latest(n int) []message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]message{}, c.messages[max(len(c.messages)-n, 0):]...)
}

// after is what was said after a message, and where to wait if that is nothing.
func (c *chat) after(id int64) ([]message, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := len(c.messages)
	for i > 0 && c.messages[i-1].ID > id {
		i--
	}
	return append([]message{}, c.messages[i:]...), c.news
}

// poll answers GET /messages: without lastId the latest messages, with it the newer ones. It waits
// for those, unless the page says wait=0, and answers 204 if there is none in time.
func (c *chat) poll(w http.ResponseWriter, r *http.Request) {
	c.polls.Add(1)
	c.open.Add(1)
	defer c.open.Add(-1)

	query := r.URL.Query()
	if !query.Has("lastId") {
		answer(w, http.StatusOK, map[string]any{"messages": c.latest(newcomers)})
		return
	}
	last, err := strconv.ParseInt(query.Get("lastId"), 10, 64)
	if err != nil {
		http.Error(w, "lastId is not a number", http.StatusBadRequest)
		return
	}

	wait := time.Duration(0)
	if query.Get("wait") != "0" {
		wait = hold
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		newer, news := c.after(last)
		if len(newer) > 0 {
			answer(w, http.StatusOK, map[string]any{"messages": newer})
			return
		}
		select {
		case <-news:
		case <-timeout.C:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-r.Context().Done(): // the client has gone, or the server ends
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
}

// post takes a message from a form.
func (c *chat) post(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	user, text := strings.TrimSpace(r.PostForm.Get("user")), strings.TrimSpace(r.PostForm.Get("text"))
	if user == "" {
		user = "guest"
	}
	if text == "" || utf8.RuneCountInString(text) > longest || utf8.RuneCountInString(user) > longest {
		http.Error(w, "a message has 1 to "+strconv.Itoa(longest)+" characters", http.StatusUnprocessableEntity)
		return
	}
	answer(w, http.StatusCreated, c.say(user, text))
}

// stats tells how many messages and polls there were, and how many polls are waiting now.
func (c *chat) stats(w http.ResponseWriter, _ *http.Request) {
	said := int64(0)
	if last := c.latest(1); len(last) > 0 {
		said = last[0].ID
	}
	answer(w, http.StatusOK, map[string]int64{"said": said, "polls": c.polls.Load(), "open": c.open.Load()})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.Printf("answering: %v", err)
	}
}
