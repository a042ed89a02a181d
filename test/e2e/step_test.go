package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// folder is a backend as Dropbox has one: a cursor to begin with, pages from a cursor, and a
// doorbell at another host that says when to ask for the next page.
type folder struct {
	mu      sync.Mutex
	entries []string
	wake    chan struct{}
	lost    bool // cursors from before are of no use any more
	log     []string
	doors   []*http.Request
}

func newFolder() *folder { return &folder{wake: make(chan struct{})} }

func (f *folder) add(entries ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, entries...)
	close(f.wake)
	f.wake = make(chan struct{})
}

func (f *folder) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = true
	close(f.wake)
	f.wake = make(chan struct{})
}

// asked returns what was asked, in order.
func (f *folder) asked() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.log, " ")
}

func (f *folder) cursorOf(r *http.Request) (n int) {
	body, _ := io.ReadAll(r.Body)
	fmt.Sscanf(string(body), `{"cursor":"c%d"}`, &n)
	return n
}

func (f *folder) api(w http.ResponseWriter, r *http.Request) {
	n := f.cursorOf(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer secret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/get_latest_cursor") {
		f.log = append(f.log, "open")
		f.lost = false
		fmt.Fprintf(w, `{"cursor":"c%d"}`, len(f.entries))
		return
	}
	f.log = append(f.log, fmt.Sprintf("from:c%d", n))
	if f.lost {
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"error_summary":"reset/..."}`)
		return
	}
	next := min(n+2, len(f.entries))
	fmt.Fprint(w, `{"entries":[`)
	for i, e := range f.entries[n:next] {
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"name":%q}`, e)
	}
	fmt.Fprintf(w, `],"cursor":"c%d","has_more":%t}`, next, next < len(f.entries))
}

func (f *folder) doorbell(w http.ResponseWriter, r *http.Request) {
	n := f.cursorOf(r)
	f.mu.Lock()
	f.doors, f.log = append(f.doors, r), append(f.log, fmt.Sprintf("wait:c%d", n))
	wake := f.wake
	changes := n < len(f.entries) || f.lost
	f.mu.Unlock()
	if !changes {
		select {
		case <-wake:
			changes = true
		case <-r.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	fmt.Fprintf(w, `{"changes":%t}`, changes)
}

const folderSite = `{{site}} {
	sse_bridge /files API {
		rewrite /2/files/list_folder/continue
		method POST
		header_up Authorization "Bearer secret"
		body "{\"cursor\":\"{sse.cursor}\"}"
		interval 10ms
		open {
			rewrite /2/files/list_folder/get_latest_cursor
			method POST
			header_up Authorization "Bearer secret"
			cursor cursor
		}
		wait {
			rewrite /2/files/list_folder/longpoll
			method POST
			body "{\"cursor\":\"{sse.cursor}\"}"
			long_poll
			when changes
			upstream {
				reverse_proxy DOOR
			}
		}
		items entries
		data name
		cursor cursor
		more has_more
		reset error_summary reset/...
	}
}`

func startFolder(t *testing.T) (*folder, *testsite.Site) {
	f := newFolder()
	caddyfile := strings.ReplaceAll(folderSite, "API", testsite.Backend(t, f.api))
	return f, testsite.Run(t, strings.ReplaceAll(caddyfile, "DOOR", testsite.Backend(t, f.doorbell)))
}

func TestPollsFollowADoorbell(t *testing.T) {
	f, s := startFolder(t)
	f.add("old")
	stream := testsite.Subscribe(t, s.URL+"/files?access_token=private", "Authorization", "Bearer of the client", "Cookie", "private=1")
	testsite.Eventually(t, "the doorbell", func() bool { return strings.Contains(f.asked(), "wait:c1 wait:c1") })
	f.add("a", "b", "c")
	got := stream.Want("a", "b", "c")
	if got.ID != "c4" {
		t.Errorf("the id of the last event is %q, want the cursor", got.ID)
	}
	if asked := f.asked(); !strings.HasPrefix(asked, "open from:c1 wait:c1 ") || !strings.Contains(asked, "wait:c1 from:c1 from:c3") {
		t.Errorf("asked %s", asked)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, door := range f.doors {
		if door.Header.Get("Authorization") != "" || door.Header.Get("Cookie") != "" || door.URL.RawQuery != "" {
			t.Errorf("another host got %s with %v", door.URL, door.Header)
		}
	}
}

func TestFirstCursorOfAStepIsAPlaceToResumeFrom(t *testing.T) {
	f, s := startFolder(t)
	stream := testsite.Subscribe(t, s.URL+"/files")
	testsite.Eventually(t, "the doorbell", func() bool { return strings.Contains(f.asked(), "wait") })
	f.add("a", "b", "c")
	var ids []string
	for range 3 {
		ids = append(ids, stream.Next().ID)
	}
	stream.Close()
	testsite.Eventually(t, "the client to be gone", func() bool { return clientsOf(t) == 0 })
	for i, id := range ids {
		s.Reload(strings.Replace(folderSiteOf(t, s, f), "interval 10ms", fmt.Sprintf("interval 1%dms", i+1), 1)) // a bridge that knows nothing
		again := testsite.Subscribe(t, s.URL+"/files", "Last-Event-ID", id)
		again.Want([]string{"a", "b", "c"}[i+1:]...)
		f.add("more")
		again.Want("more")
		again.Close()
		f.mu.Lock()
		f.entries = f.entries[:3]
		f.mu.Unlock()
	}
}

// folderSiteOf is a site in front of another server of the same folder.
func folderSiteOf(t *testing.T, _ *testsite.Site, f *folder) string {
	return strings.ReplaceAll(strings.ReplaceAll(folderSite, "API", testsite.Backend(t, f.api)), "DOOR", testsite.Backend(t, f.doorbell))
}

func TestResetOpensAgain(t *testing.T) {
	f, s := startFolder(t)
	stream := testsite.Subscribe(t, s.URL+"/files")
	testsite.Eventually(t, "the doorbell", func() bool { return strings.Contains(f.asked(), "wait") })
	f.add("a")
	stream.Want("a")
	f.lose()
	if got := stream.Next(); got.Type != "bridge.reset" {
		t.Fatalf("got %+v, want a reset", got)
	}
	testsite.Eventually(t, "a new cursor", func() bool { return strings.Count(f.asked(), "open") == 2 })
	f.add("b")
	stream.Want("b")
}

// queue is a backend in which each reader has a queue of its own, which it registers first: as Zulip.
type queue struct {
	mu       sync.Mutex
	queues   int
	said     []string
	expired  int // queues up to this one are gone
	register int // how many were asked for in vain
	broken   bool
}

func (q *queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.URL.Path == "/register" {
		if q.broken {
			q.register++
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		q.queues++
		fmt.Fprintf(w, `{"queue_id":"q%d","last_event_id":-1}`, q.queues)
		return
	}
	var number, since int
	fmt.Sscanf(r.URL.Query().Get("queue_id"), "q%d", &number)
	fmt.Sscan(r.URL.Query().Get("last_event_id"), &since)
	if number <= q.expired || number > q.queues {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"code":"BAD_EVENT_QUEUE_ID"}`)
		return
	}
	fmt.Fprint(w, `{"events":[`)
	for i := since + 1; i < len(q.said); i++ {
		if i > since+1 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"id":%d,"text":%q}`, i, q.said[i])
	}
	fmt.Fprint(w, `]}`)
}

func (q *queue) say(text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.said = append(q.said, text)
}

func queueSite(upstream string) string {
	return testsite.FormatSite(upstream, "rewrite /events", "query queue_id {sse.cursor.queue}", "query last_event_id {sse.cursor}",
		"interval 10ms", "items events", "id id", "data text", "reset code BAD_EVENT_QUEUE_ID", "replay 100",
		"open {\nmethod POST\nrewrite /register\ncursor queue queue_id\ncursor last_event_id\n}")
}

func TestSessionsOfAStepNeverEnterAnID(t *testing.T) {
	q := &queue{}
	s := testsite.Run(t, queueSite(testsite.Backend(t, q.ServeHTTP)))
	stream := testsite.Subscribe(t, s.URL)
	testsite.Eventually(t, "the queue", func() bool { q.mu.Lock(); defer q.mu.Unlock(); return q.queues == 1 })
	q.say("a")
	q.say("b")
	for i, want := range []string{"a", "b"} {
		if got := stream.Next(); got.Data != want || got.ID != strconv.Itoa(i) {
			t.Errorf("got %+v, want %q with the id %d", got, want, i)
		}
	}
	second := testsite.Subscribe(t, s.URL, "Last-Event-ID", "0")
	second.Want("b")
	if q.queues != 1 {
		t.Errorf("%d queues for one feed", q.queues)
	}
	q.mu.Lock()
	q.expired = 1
	q.mu.Unlock()
	if got := stream.Next(); got.Type != "bridge.reset" {
		t.Fatalf("got %+v, want a reset", got)
	}
	testsite.Eventually(t, "a new queue", func() bool { q.mu.Lock(); defer q.mu.Unlock(); return q.queues == 2 })
	q.say("c")
	for {
		if got := stream.Next(); got.Data == "c" {
			break
		}
	}
}

func TestAFailedOpeningIsAnOutage(t *testing.T) {
	q := &queue{broken: true}
	s := testsite.Run(t, queueSite(testsite.Backend(t, q.ServeHTTP)))
	stream := testsite.Subscribe(t, s.URL)
	stream.HasComment("status 503")
	q.mu.Lock()
	q.broken = false
	q.said = []string{"a"}
	q.mu.Unlock()
	stream.Want("a")
}

// TestALoginThatHasExpiredIsMadeAgain has a backend as qBittorrent: a session is a cookie, and without one it answers 403.
func TestALoginThatHasExpiredIsMadeAgain(t *testing.T) {
	var valid, logins atomic.Int64
	upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			n := logins.Add(1)
			valid.Store(n)
			http.SetCookie(w, &http.Cookie{Name: "SID", Value: strconv.FormatInt(n, 10), Path: "/"})
			fmt.Fprint(w, "Ok.")
			return
		}
		if cookie, err := r.Cookie("SID"); err != nil || cookie.Value != strconv.FormatInt(valid.Load(), 10) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "session %d", valid.Load())
	})
	stream := testsite.Subscribe(t, testsite.Run(t, testsite.FormatSite(upstream, "interval 10ms", "open {\nrewrite /login\n}")).URL)
	stream.Want("session 1")
	valid.Store(0)
	stream.Want("session 2")
	if n := logins.Load(); n != 2 {
		t.Errorf("%d logins", n)
	}
}

func TestTheAnswerToAStepIsBoundedAsThoseToPolls(t *testing.T) {
	s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/open" {
			fmt.Fprintf(w, `{"padding":%q,"key":"k"}`, strings.Repeat("x", 2<<10))
			return
		}
		fmt.Fprint(w, `[{"id":1,"text":"a"}]`)
	}), "rewrite /events", "header_up X-Key {sse.cursor.key}", "query after {sse.cursor}", "interval 10ms", "items @this", "id id", "data text",
		"open {\nrewrite /open\ncursor key key\n}", "limits {\nresponse 1KiB\n}"))
	stream := testsite.Subscribe(t, s.URL)
	stream.HasComment("unreadable answer")
}

func TestAKeyThatOpenMakesEntersNoIDWhereAProgramHasItsLetters(t *testing.T) {
	for _, program := range []string{
		`{cursor: {ts: .body.ts}}, (.body.updates[] | {data: .["key"]})`,
		`{cursor: {ts: .body.ts}}, (.body.updates[] | {data: .key})`,
		`.body as $key | {cursor: {ts: $key.ts}}, ($key.updates[] | {data: .key})`,
		`{cursor: {ts: .body.ts}}, (.body.updates[] | {data: "\(.key) monkeys"})`,
	} {
		s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/open" {
				fmt.Fprint(w, `{"key":"secret","ts":1}`)
				return
			}
			fmt.Fprintf(w, `{"ts":2,"updates":[{"key":%q}]}`, r.URL.Query().Get("key")+" "+r.URL.Query().Get("ts"))
		}), "rewrite /events", "query key {sse.cursor.key}", "query ts {sse.cursor.ts}", "interval 10ms", "jq `"+program+"`",
			"open {\nrewrite /open\ncursor key key\ncursor ts ts\n}"))
		if got := testsite.Subscribe(t, s.URL).Next(); !strings.HasPrefix(got.Data, "secret 1") || got.ID != "2" {
			t.Errorf("%s: got %+v, want the id 2", program, got)
		}
	}
}

func TestADoorbellThatFailsLeavesThePolls(t *testing.T) {
	f := newFolder()
	broken := testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	s := testsite.Run(t, strings.ReplaceAll(strings.ReplaceAll(folderSite, "API", testsite.Backend(t, f.api)), "DOOR", broken))
	stream := testsite.Subscribe(t, s.URL+"/files")
	testsite.Eventually(t, "the first page", func() bool { return strings.Contains(f.asked(), "from") })
	f.add("a")
	stream.Want("a")
	f.add("b")
	stream.Want("b")
	if seen := stream.Seen(); len(seen) > 0 {
		t.Errorf("a client that lacks nothing is told %q", seen)
	}
}
