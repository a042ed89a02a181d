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

// script is a backend that answers with what answer makes of the request, and holds it while
// that is nothing.
type script struct {
	mu     sync.Mutex
	wake   chan struct{}
	answer func(w http.ResponseWriter, r *http.Request) bool
	asked  []*http.Request
}

func newScript(answer func(w http.ResponseWriter, r *http.Request) bool) *script {
	return &script{wake: make(chan struct{}), answer: answer}
}

// change changes what the answers depend on.
func (s *script) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.wake)
	s.wake = make(chan struct{})
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for first := true; ; first = false {
		s.mu.Lock()
		if first {
			s.asked = append(s.asked, r)
		}
		done, wake := s.answer(w, r), s.wake
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-wake:
		case <-r.Context().Done():
			return
		}
	}
}

// polls waits until there were n requests, and returns their URIs.
func (s *script) polls(t *testing.T, n int) (uris []string) {
	t.Helper()
	testsite.Eventually(t, strconv.Itoa(n)+" polls", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		uris = nil
		for _, r := range s.asked {
			uris = append(uris, r.RequestURI)
		}
		return len(uris) >= n
	})
	return uris
}

func TestDataSurvivesUntouched(t *testing.T) {
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("since") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		io.WriteString(w, `{"items":[`+
			`{"id":9007199254740993,"d":{"price": 1.10,  "big":9007199254740993}},`+
			`{"id":9007199254740994,"d":1.10},`+
			`{"id":"9007199254740995 x,~!%","d":"one\ntwo\r\nthree\rfour\n"},`+
			`{"id":4,"d":"bom\ufeff \u00e9 \u0000 data: x\n\nevent: evil\nid: evil","t":"a\nb"},`+
			`{"id":5,"d":""}]}`)
	})
	s := testsite.Run(t, testsite.BridgeSite(addr, "items items", "id id", "data d", "event t", "query since {sse.cursor}"))
	stream := testsite.Subscribe(t, s.URL+"/")
	stream.Want(
		`{"price": 1.10,  "big":9007199254740993}|9007199254740993`, "1.10|9007199254740994",
		"one\ntwo\nthree\nfour\n|9007199254740995%20x%2C%7E%21%25",
	)
	if e := stream.Next(); e.Data != "bom\ufeff é \ufffd data: x\n\nevent: evil\nid: evil" || e.ID != "4" || e.Type != "ab" {
		t.Errorf("got %+v", e)
	}
	stream.Want("|5")
}

func TestADocumentIsSentWhenItChanges(t *testing.T) {
	document := `{"b":1.10,"a":2}`
	sc := newScript(func(w http.ResponseWriter, r *http.Request) bool {
		io.WriteString(w, document)
		return true
	})
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, sc.ServeHTTP), "interval 20ms"))
	first := testsite.Subscribe(t, s.URL+"/")
	one := first.Want(document)
	if one.ID == "" {
		t.Error("the document has no id")
	}
	sc.change(func() { document = "{ \"a\": 2, \"b\": 1.10 }\n" }) // the same, spelt in another way
	sc.polls(t, len(sc.polls(t, 1))+2)
	sc.change(func() { document = `{"a":2,"b":1.1}` })
	two := first.Want(`{"a":2,"b":1.1}`)
	if two.ID == one.ID {
		t.Error("another document has the same id")
	}
	first.Close()

	back := testsite.Subscribe(t, s.URL+"/", "Last-Event-ID", two.ID) // unchanged: nothing
	sc.polls(t, len(sc.polls(t, 1))+2)
	sc.change(func() { document = `{"a":3}` })
	back.Want(`{"a":3}`)
	testsite.Subscribe(t, s.URL+"/", "Last-Event-ID", two.ID).Want(`{"a":3}`) // changed meanwhile
}

// consul is a document whose index a header names; ?index= holds the poll until it moves on.
func TestHeaderCursorsSteerADocument(t *testing.T) {
	index, document := 7, `["a"]`
	sc := newScript(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("index") == strconv.Itoa(index) {
			return false
		}
		w.Header().Set("X-Consul-Index", strconv.Itoa(index))
		io.WriteString(w, document)
		return true
	})
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, sc.ServeHTTP), "long_poll", "interval 50ms", "cursor {sse.header.X-Consul-Index}", "query index {sse.cursor}", "query wait 60s"))
	stream := testsite.Subscribe(t, s.URL+"/?a=1")
	one := stream.Want(`["a"]`)
	sc.change(func() { index = 9 }) // of another key
	sc.polls(t, 3)
	sc.change(func() { index, document = 12, `["a","b"]` })
	two := stream.Want(`["a","b"]`)
	if got := fmt.Sprint(sc.polls(t, 4)[:4]); got != "[/?a=1&wait=60s /?a=1&index=7&wait=60s /?a=1&index=9&wait=60s /?a=1&index=12&wait=60s]" {
		t.Errorf("the polls were %s", got)
	}
	stream.Close()
	if one.ID == two.ID || strings.Contains(two.ID, "12") {
		t.Errorf("ids %s and %s", one.ID, two.ID)
	}
	back := testsite.Subscribe(t, s.URL+"/?a=1", "Last-Event-ID", two.ID)
	testsite.Eventually(t, "the client to be back", func() bool { return clientsOf(t) == 1 })
	sc.change(func() { index, document = 13, `[]` })
	back.Want(`[]`)
}

func TestTwoCursorsResumeTogether(t *testing.T) {
	var lines []string
	sc := newScript(func(w http.ResponseWriter, r *http.Request) bool {
		from, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		if epoch := r.URL.Query().Get("epoch"); epoch != "" && epoch != "a,b" || from >= len(lines) {
			return false
		}
		fmt.Fprintf(w, `{"items":[%q],"next":{"epoch":"a,b","offset":%d}}`, lines[from], from+1)
		return true
	})
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, sc.ServeHTTP), "long_poll", "items items", "cursor epoch next.epoch", "cursor offset next.offset",
		"query epoch {sse.cursor.epoch}", "query offset {sse.cursor.offset}"))
	sc.change(func() { lines = []string{"one", "two", "three"} })
	first := testsite.Subscribe(t, s.URL+"/")
	first.Want("one|a%2Cb,1", "two|a%2Cb,2")
	first.Close()
	testsite.Subscribe(t, s.URL+"/", "Last-Event-ID", "a%2Cb,2").Want("three|a%2Cb,3")
	if uris := sc.polls(t, 4); uris[0] != "/" || uris[1] != "/?epoch=a%2Cb&offset=1" {
		t.Errorf("the polls were %q", uris)
	}
}

// The long polling of nchan: each answer is a message, and its validators say where to go on.
func TestValidatorsAreTheCursorOfMessages(t *testing.T) {
	modified := time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC).Format(http.TimeFormat)
	var messages []string
	timeouts := 0
	sc := newScript(func(w http.ResponseWriter, r *http.Request) bool {
		at := 0
		if r.Header.Get("If-Modified-Since") == modified {
			fmt.Sscan(r.Header.Get("If-None-Match"), &at)
		}
		switch {
		case at < len(messages):
			w.Header().Set("Etag", strconv.Itoa(at+1))
			w.Header().Set("Last-Modified", modified)
			io.WriteString(w, messages[at])
		case timeouts > 0:
			timeouts--
			w.WriteHeader(http.StatusRequestTimeout)
		default:
			return false
		}
		return true
	})
	messages = []string{"one", "two\n", "two\n"}
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, sc.ServeHTTP), "long_poll", "interval 20ms", "format message"))
	first := testsite.Subscribe(t, s.URL+"/")
	first.Want("one", "two\n", "two\n") // equal messages are two
	sc.polls(t, 4)
	sc.change(func() { timeouts = 2 })
	sc.polls(t, 6)
	sc.change(func() { messages = append(messages, "four") })
	id := first.Want("four").ID
	first.Close()
	sc.change(func() { messages = append(messages, "five", "six") })
	if !strings.HasPrefix(id, "4,Sat%2C%2021%20Nov") {
		t.Errorf("the id is %s", id)
	}
	testsite.Subscribe(t, s.URL+"/", "Last-Event-ID", id).Want("five", "six")
}

func TestAPageIsResumedInItsMiddle(t *testing.T) {
	const page = 3
	lines := []string{"a", "b", "a", "c", "c", "d", "e"}
	sc := newScript(func(w http.ResponseWriter, r *http.Request) bool {
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		if from >= len(lines) {
			return false
		}
		to := min(from+page, len(lines))
		fmt.Fprintf(w, `{"rows":["%s"],"next":"c %d"}`, strings.Join(lines[from:to], `","`), to)
		return true
	})
	inner := sc.answer
	sc.answer = func(w http.ResponseWriter, r *http.Request) bool { // the cursor is opaque: "c 3"
		r = r.Clone(r.Context())
		q := r.URL.Query()
		q.Set("from", strings.TrimPrefix(q.Get("from"), "c "))
		r.URL.RawQuery = q.Encode()
		return inner(w, r)
	}
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, sc.ServeHTTP), "long_poll", "items rows", "cursor next", "query from {sse.cursor}"))
	ids := []string{""}
	first := testsite.Subscribe(t, s.URL+"/")
	for _, line := range lines {
		ids = append(ids, first.Want(line).ID)
	}
	first.Close()
	if ids[3] != "c%203" || ids[7] != "c%207" || !strings.HasPrefix(ids[1], "~1.") || !strings.HasPrefix(ids[5], "c%203~2.") {
		t.Errorf("the ids are %q", ids)
	}
	for i, id := range ids[:len(lines)] {
		stream := testsite.Subscribe(t, s.URL+"/", "Last-Event-ID", id)
		for j := i; j < len(lines); j++ {
			if e := stream.Next(); e.Data != lines[j] || e.ID != ids[j+1] {
				t.Errorf("after %s: got %+v, want %s with %s", id, e, lines[j], ids[j+1])
			}
		}
		stream.Close()
	}
}

func TestADocumentIsPatched(t *testing.T) {
	var version atomic.Int64
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"name": "a thing with a long name", "big": 9007199254740993, "version": %d}`, version.Load())
	})+" {\n\t\tinterval 20ms\n\t\tdiff json_patch\n\t}\n}")
	stream := testsite.Subscribe(t, s.URL)
	first := stream.Next()
	if first.Type != "snapshot" || !strings.Contains(first.Data, "9007199254740993") {
		t.Errorf("got %+v", first)
	}
	version.Store(1)
	if e := stream.Next(); e.Type != "patch" || !testsite.SameText(e.Data, `[{"op":"replace","path":"/version","value":1}]`) {
		t.Errorf("got %+v", e)
	}
	back := testsite.Subscribe(t, s.URL, "Last-Event-ID", first.ID)
	if e := back.Next(); e.Type != "patch" {
		t.Errorf("who comes back with the first got %+v", e)
	}
}

func TestADocumentThatIsPatchedIsNeverText(t *testing.T) {
	var answer atomic.Value
	answer.Store(`{"version": 1}`)
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, answer.Load())
	})+" {\n\t\tinterval 20ms\n\t\tdiff json_patch\n\t}\n}")
	stream := testsite.Subscribe(t, s.URL)
	stream.Want(`{"version": 1}`)
	answer.Store("<html>log in</html>")
	stream.HasComment("unreadable answer")
	answer.Store(`{"version": "2"}`)
	stream.Want(`{"version": "2"}`)
}

func TestACursorThatIsAURLIsFollowed(t *testing.T) {
	var asked sync.Map
	var n atomic.Int64
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.RequestURI, true)
		if r.URL.Query().Get("token") == fmt.Sprint("t/", n.Load()) {
			fmt.Fprintf(w, `{"value": [], "next": "https://graph.example.com/delta?token=t%%2F%d"}`, n.Load())
			return
		}
		fmt.Fprintf(w, `{"value": ["item %d"], "next": "https://graph.example.com/delta?token=t%%2F%[1]d"}`, n.Load())
	})+" {\n\t\tinterval 20ms\n\t\titems value\n\t\tcursor next\n\t\trewrite {sse.cursor}\n\t}\n}")
	stream := testsite.Subscribe(t, s.URL+"/delta?$top=1")
	last := stream.Want("item 0")
	n.Store(1)
	stream.Want("item 1")
	n.Store(2)
	testsite.Subscribe(t, s.URL+"/delta?$top=1", "Last-Event-ID", last.ID).Want("item 1", "item 2")
	for _, uri := range []string{"/delta?$top=1", "/delta?token=t%2F0"} {
		if _, ok := asked.Load(uri); !ok {
			t.Errorf("%s was not asked", uri)
		}
	}
}

func TestAProgramReadsWhatPathsCannotSay(t *testing.T) {
	var batch atomic.Int64
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		n := batch.Load()
		if r.URL.Query().Get("since") == fmt.Sprint("s", n) {
			fmt.Fprintf(w, `{"next_batch": "s%d"}`, n)
			return
		}
		fmt.Fprintf(w, `{"next_batch": "s%d", "rooms": {"!a": {"events": [{"body": "one of %[1]d"}]}, "!b": {"events": [{"body": "two of %[1]d"}]}}}`, n)
	})+" {\n\t\tinterval 20ms\n\t\tquery since {sse.cursor}\n\t\tjq `{cursor: .body.next_batch}, (.body.rooms // {} | to_entries[] | .key as $room | .value.events[] | {event: $room, data: .body})`\n\t}\n}")
	stream := testsite.Subscribe(t, s.URL)
	stream.Want("one of 0", "two of 0")
	batch.Store(1)
	last := stream.Want("one of 1", "two of 1")
	if last.Type != "!b" || last.ID != "s1" {
		t.Errorf("got %+v", last)
	}
	batch.Store(2)
	testsite.Subscribe(t, s.URL, "Last-Event-ID", "s1").Want("one of 2", "two of 2")
}
