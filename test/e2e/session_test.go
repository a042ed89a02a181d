package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// exchanges are the requests that a backend has got, in their order.
type exchanges struct {
	mu   sync.Mutex
	said []string
}

func (e *exchanges) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, fmt.Sprintf(format, args...))
}

// all returns the requests with a space between.
func (e *exchanges) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.said, " ")
}

func (e *exchanges) count(text string) int { return strings.Count(e.all(), text) }

// shard is a backend as Kinesis: a token first, then an iterator that begins at the end, or after a record.
type shard struct {
	exchanges
	records   []string
	iterators map[string]int
}

func (s *shard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.note("%s?%s", r.URL.Path, r.URL.RawQuery)
	s.mu.Lock()
	defer s.mu.Unlock()
	begin := func(at int) string {
		name := fmt.Sprintf("i/%d", len(s.iterators))
		s.iterators[name] = at
		return name
	}
	switch {
	case r.URL.Path == "/login":
		fmt.Fprint(w, "t&1\n")
	case q.Get("token") != "t&1" && r.URL.Path != "/records":
		w.WriteHeader(http.StatusForbidden)
	case r.URL.Path == "/latest":
		fmt.Fprintf(w, `{"iterators":[{"it":%q}]}`, begin(len(s.records)))
	case r.URL.Path == "/after":
		fmt.Fprintf(w, `{"iterator":%q}`, begin(testsite.QueryNumber(r, "number", 0)))
	default:
		at := s.iterators[q.Get("iterator")]
		var items []string
		for i, text := range s.records[at:] {
			items = append(items, fmt.Sprintf(`{"n":%d,"text":%q}`, at+i+1, text))
		}
		s.iterators[q.Get("iterator")] = len(s.records)
		fmt.Fprintf(w, `{"records":[%s]}`, strings.Join(items, ","))
	}
}

func (s *shard) say(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, texts...)
}

func TestStepsOfOpenBuildOnEachOtherAndOnThePositionOfAClient(t *testing.T) {
	s := &shard{iterators: make(map[string]int)}
	s.say("old")
	site := testsite.FormatSite(testsite.Backend(t, s.ServeHTTP), "rewrite /records", "query iterator {sse.cursor.iterator}", "interval 10ms", "items records", "id n", "data text",
		"open {\nrewrite /login\nformat text\ncursor token {sse.body}\n}",
		"open {\nwhen !{sse.cursor}\nrewrite /latest\nquery token {sse.cursor.token}\njq `.body.iterators[] | {cursor: {iterator: .it}}`\n}",
		"open {\nwhen {sse.cursor}\nrewrite /after\nquery token {sse.cursor.token}\nquery number {sse.cursor}\ncursor iterator iterator\n}")
	running := testsite.Run(t, site)
	stream := testsite.Subscribe(t, running.URL)
	testsite.Eventually(t, "a poll", func() bool { return s.count("/records") > 0 })
	s.say("a", "b")
	stream.Want("a|2", "b|3")
	stream.Close()
	if asked := s.all(); !strings.HasPrefix(asked, "/login? /latest?token=t%261 /records?iterator=i%2F0") {
		t.Errorf("asked %s", asked)
	}
	running.Reload(strings.Replace(site, "10ms", "11ms", 1)) // a bridge that knows nothing
	testsite.Subscribe(t, running.URL, "Last-Event-ID", "2").Want("b|3")
	if s.count("/after?token=t%261&number=2 /records?iterator=i%2F1") != 1 {
		t.Errorf("asked %s", s.all())
	}
}

func TestAStepThatFailsNamesItself(t *testing.T) {
	for name, answer := range map[string]string{
		"without its cursor":        `{}`,
		"with a line break":         `{"key":"a\nX-Admin: 1"}`,
		"with a NUL":                `{"key":"a\u0000"}`,
		"with a condition to reset": `{"key":"a","lost":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			var polls atomic.Int64
			s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/polls" {
					polls.Add(1)
				}
				fmt.Fprint(w, answer)
			}), "header_up X-Key {sse.cursor.key}", "interval 10ms", "rewrite /polls", "open {\nrewrite /login\n}", "open {\nrewrite /key\ncursor key key\nreset lost\n}"))
			stream := testsite.Subscribe(t, s.URL)
			stream.HasComment("unreadable answer")
			if polls.Load() > 0 {
				t.Error("it was polled without a session")
			}
		})
	}
}

// TestAnEpochThatOpenReadsTellsOfARestart has a backend as Syncthing: ids begin at 1 again after a restart, and only another
// answer says when it was started.
func TestAnEpochThatOpenReadsTellsOfARestart(t *testing.T) {
	var boot atomic.Int64
	c := testsite.NewChat(0)
	c.Say("one", "two", "three")
	up := newRestartable(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/status" {
			fmt.Fprintf(w, `{"startTime":"boot %d"}`, boot.Load())
			return
		}
		c.ServeHTTP(w, r)
	}))
	s := testsite.Run(t, strings.Replace(testsite.ChatSite(up.addr, "open {\nrewrite /status\nepoch startTime\n}"), "long_poll", "interval 50ms", 1))
	client := testsite.Subscribe(t, s.URL+"/messages")
	client.Want("one|boot%200!1", "two|boot%200!2", "three|boot%200!3")
	again := testsite.Subscribe(t, s.URL+"/messages", "Last-Event-ID", "boot%200!2")
	again.Want("three")
	up.stop()
	client.HasComment("upstream unreachable")
	boot.Add(1)
	c.Mu.Lock()
	c.Lines = []string{"new one", "new two", "new three", "new four"}
	c.Mu.Unlock()
	up.start()
	for _, client := range []*testsite.Subscription{client, again} {
		if e := client.Next(); e.Type != "bridge.reset" || !strings.Contains(e.Data, "restarted") {
			t.Fatalf("got %+v", e)
		}
		client.Want("new one|boot%201!1", "new two", "new three", "new four")
	}
	late := testsite.Subscribe(t, s.URL+"/messages", "Last-Event-ID", "boot%200!3")
	if e := late.Next(); e.Type != "bridge.reset" {
		t.Fatalf("got %+v", e)
	}
}
