package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ids asks for messages and returns the status and the ids that came.
func ids(t *testing.T, c *chat, target string) (status int, got []int64) {
	t.Helper()
	w := httptest.NewRecorder()
	c.routes().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	if w.Body.Len() == 0 {
		return w.Code, nil
	}
	var body struct{ Messages []message }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("GET %s: %v in %q", target, err, w.Body)
	}
	for _, m := range body.Messages {
		got = append(got, m.ID)
	}
	return w.Code, got
}

func TestNewcomerGetsTheLatestAtOnce(t *testing.T) {
	t.Parallel()
	c := newChat()
	if status, got := ids(t, c, "/messages"); status != http.StatusOK || len(got) != 0 {
		t.Errorf("an empty chat answers %d %v, want 200 and nothing", status, got)
	}
	for i := range 2 * kept {
		c.say("ann", strconv.Itoa(i))
	}
	_, got := ids(t, c, "/messages")
	if len(got) != newcomers || got[newcomers-1] != 2*kept {
		t.Errorf("got %v, want the %d messages up to %d", got, newcomers, 2*kept)
	}
	if _, got := ids(t, c, "/messages?lastId="+strconv.Itoa(2*kept-2)); len(got) != 2 {
		t.Errorf("got %v, want two messages", got)
	}
}

func TestPollIsHeldUntilThereIsNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, start := newChat(), time.Now()
		if status, _ := ids(t, c, "/messages?lastId=0"); status != http.StatusNoContent || time.Since(start) != hold {
			t.Errorf("got %d after %s, want 204 after %s", status, time.Since(start), hold)
		}
		start = time.Now()
		if status, _ := ids(t, c, "/messages?lastId=0&wait=0"); status != http.StatusNoContent || time.Since(start) != 0 {
			t.Errorf("got %d after %s, want 204 at once", status, time.Since(start))
		}
		time.AfterFunc(3*time.Second, func() { c.say("ann", "hello") })
		if _, got := ids(t, c, "/messages?lastId=0"); len(got) != 1 || time.Since(start) != 3*time.Second {
			t.Errorf("got %v after %s, want one message after 3s", got, time.Since(start))
		}
		if polls, open := c.polls.Load(), c.open.Load(); polls != 3 || open != 0 {
			t.Errorf("counted %d polls and %d open ones, want 3 and 0", polls, open)
		}
	})
}

func TestFormsAreChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"hello": http.StatusCreated, " ": http.StatusUnprocessableEntity,
		strings.Repeat("ä", longest):   http.StatusCreated,
		strings.Repeat("ä", longest+1): http.StatusUnprocessableEntity,
	} {
		c := newChat()
		form := url.Values{"user": {"ann"}, "text": {text}}.Encode()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/messages", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		c.routes().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("a text of %d bytes is answered with %d, want %d", len(text), w.Code, want)
		}
	}
}
