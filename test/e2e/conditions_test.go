package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestAnErrorInA200IsBackedOffAndLosesNothing(t *testing.T) {
	chat := testsite.NewChat(0)
	failing := &sometimes{chat: chat}
	s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, failing.ServeHTTP), "interval 20ms", "items messages", "id id", "data text", "query lastId {sse.cursor}", "fail error", "notify"))
	chat.Say("a", "b")
	stream := testsite.Subscribe(t, s.URL)
	stream.Want("a|1", "b|2")
	wrong := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		testsite.WriteAs(w, "application/json", `{"error":{"code":200,"message":"secret"},"messages":[{"id":3,"text":"not yet"}]}`)
	})
	failing.answer.Store(&wrong)
	stream.HasComment(page.Reported)
	chat.Say("c")
	failing.answer.Store(nil)
	stream.Want(`{"state":"down","reason":"upstream reports an error"}`, `{"state":"up"}`, "c|3")
}

// VK's keys end while its positions stay good.
func TestASessionIsOpenedAnewWithoutAReset(t *testing.T) {
	var opened, polls atomic.Int32
	var expired, broken atomic.Bool
	backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/open" {
			testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"key":"k%d","ts":"%d"}`, opened.Add(1), 100*opened.Load()))
			return
		}
		polls.Add(1)
		if key := r.URL.Query().Get("key"); broken.Load() || expired.Load() && key == "k1" {
			testsite.WriteAs(w, "application/json", `{"failed":2}`)
			return
		}
		ts := testsite.QueryNumber(r, "ts", 0)
		testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"updates":["u%d"],"ts":"%d"}`, ts, ts+1))
	})
	s := testsite.Run(t, testsite.FormatSite(backend, "interval 20ms", "items updates", "cursor ts ts", "query ts {sse.cursor.ts}", "query key {sse.cursor.key}", "reopen failed 2", "open {\nrewrite /open\ncursor key key\ncursor ts ts\n}"))
	stream := testsite.Subscribe(t, s.URL)
	stream.Want("u100|101", "u101|102")
	expired.Store(true)
	var last string
	for range 20 { // each follows the one before, whatever session it comes from
		next := stream.Next()
		if last != "" && next.ID != last {
			n, _ := strconv.Atoi(last)
			if next.ID != strconv.Itoa(n+1) {
				t.Fatalf("%s follows %s", next.ID, last)
			}
		}
		last = next.ID
	}
	if n := opened.Load(); n != 2 {
		t.Errorf("%d sessions, not 2", n)
	}
	broken.Store(true)
	stream.HasComment(page.Reported)
	broken.Store(false)
	if next := stream.Next(); next.Type != "" && next.Type != "message" {
		t.Errorf("got %+v", next)
	}
}

func TestNoCursorOfAClientBreaksOutOfAQuery(t *testing.T) {
	var asked testsite.LockedBuffer
	backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(&asked, r.FormValue("q"))
		since := 0
		if _, err := fmt.Sscanf(r.FormValue("q"), "time > %d", &since); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"rows":[{"time":%d}]}`, since+1))
	})
	s := testsite.Run(t, testsite.FormatSite(backend, "interval 20ms", "items rows", "id time", `query q "time > {sse.cursor}"`, "start 0", `matching \d+`))
	testsite.Subscribe(t, s.URL, "Last-Event-ID", "7").Want(`{"time":8}|8`, `{"time":9}|9`)
	for _, id := range []string{"7 OR time > 0", "7%20OR%20time%20>%200", "7;DROP", "7%0A"} {
		testsite.Subscribe(t, s.URL, "Last-Event-ID", id).Want(`{"reason":"unknown_id"}`, `{"time":1}|1`, `{"time":2}|2`)
	}
	if text := asked.String(); strings.ContainsAny(text, "OR;%") {
		t.Errorf("the backend was asked\n%s", text)
	}
}

func TestAGapIsAnnouncedOnceBeforeItsEvents(t *testing.T) {
	backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		since := testsite.QueryNumber(r, "since", 0)
		if since == 3 {
			testsite.WriteAs(w, "application/json", `{"events":[],"next":3}`)
			return
		}
		testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"events":["e%da","e%db"],"next":%d,"limited":%t}`, since, since, since+1, since == 2))
	})
	s := testsite.Run(t, testsite.FormatSite(backend, "interval 20ms", "items events", "cursor next", "query since {sse.cursor}", "gap limited"))
	const gap = `{"reason":"gap"}`
	testsite.Subscribe(t, s.URL).Want("e0a", "e0b", "e1a", "e1b", gap, "e2a", "e2b|3")
	testsite.Subscribe(t, s.URL, "Last-Event-ID", "2").Want(gap, "e2a", "e2b|3")
	testsite.Subscribe(t, s.URL, "Last-Event-ID", "1").Want("e1a", "e1b|2", gap, "e2a", "e2b|3")
}
