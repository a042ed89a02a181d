package e2e

import (
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// hall is a backend as Bayeux, Engine.IO or BOSH: a session forgets what it has said, and one that is not known is told so. Each of its
// requests is numbered.
type hall struct {
	exchanges
	sessions map[string]*visit // by their ids
	names    []string          // that clients chose for them
	hold     time.Duration
}

type visit struct {
	next int // the number of its next request
	said chan string
}

func newHall() *hall { return &hall{sessions: make(map[string]*visit), hold: testsite.LongHold} }

func (h *hall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path, number := r.URL.Path, testsite.QueryNumber(r, "n", -1)
	h.note("%s#%d:%s", strings.TrimPrefix(path, "/"), number, body)
	h.mu.Lock()
	if path == "/open" {
		h.names = append(h.names, r.URL.Query().Get("name"))
		id := fmt.Sprintf("s<%d>", len(h.names))
		h.sessions[id] = &visit{next: number + 1, said: make(chan string, 100)}
		fmt.Fprintf(w, `{"sid":%q}`, id)
		h.mu.Unlock()
		return
	}
	v := h.sessions[r.URL.Query().Get("sid")]
	if v == nil || v.next != number {
		if v != nil {
			h.said = append(h.said, fmt.Sprintf("misnumbered:%d", number))
		}
		h.mu.Unlock()
		fmt.Fprint(w, `{"error":"unknown session"}`)
		return
	}
	v.next++
	h.mu.Unlock()
	if path != "/poll" {
		if path == "/close" {
			h.mu.Lock()
			delete(h.sessions, r.URL.Query().Get("sid"))
			h.mu.Unlock()
		}
		fmt.Fprint(w, "ok")
		return
	}
	select {
	case text := <-v.said:
		fmt.Fprintf(w, `{"messages":[%s]}`, text)
	case <-r.Context().Done():
	case <-time.After(h.hold):
		fmt.Fprint(w, `{"messages":[]}`)
	}
}

// say says messages, which are JSON, in all sessions.
func (h *hall) say(messages string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.sessions {
		v.said <- messages
	}
}

// restart forgets all sessions.
func (h *hall) restart() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.sessions {
		close(v.said)
	}
	clear(h.sessions)
}

// open reports how many sessions there are.
func (h *hall) open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// hallSite is a site in front of a hall.
func hallSite(t *testing.T, h *hall, more ...string) string {
	return testsite.FormatSite(testsite.Backend(t, h.ServeHTTP), append([]string{
		"method POST", "rewrite /poll?n={sse.count+7}&sid={sse.cursor.sid}", "long_poll 30s", "items messages", "ignore @this ping", "data @this", "reset error", "replay 100 100ms",
		"open {\nmethod POST\nrewrite /open?name={sse.id}&n={sse.count+7}\ncursor sid sid\n}",
	}, more...)...)
}

func TestClientsOfASessionShareItAndHearWhenItIsLost(t *testing.T) {
	h := newHall()
	s := testsite.Run(t, hallSite(t, h))
	a, b := testsite.Subscribe(t, s.URL), testsite.Subscribe(t, s.URL)
	testsite.Eventually(t, "a session", func() bool { return h.count("poll") == 1 })
	h.say(`"ping"`)
	h.say(`"x","x"`)
	h.say(`"x"`)
	for _, c := range []*testsite.Subscription{a, b} {
		c.Want("x", "x", "x")
	}
	again := regexp.MustCompile(`restarted (poll#\d+: )*open#7: poll#8:`) // it counts from the start
	h.restart()
	h.note("restarted")
	testsite.Eventually(t, "a new session", func() bool { return h.open() == 1 && again.MatchString(h.all()) })
	h.say(`"y"`)
	for _, c := range []*testsite.Subscription{a, b} {
		if e := c.Next(); e.Type != "bridge.reset" {
			t.Errorf("got %+v", e)
		}
		c.Want("y")
	}
	if asked := h.all(); !strings.HasPrefix(asked, "open#7: poll#8: poll#9: ") || h.count("misnumbered") > 0 {
		t.Errorf("asked %s", asked)
	}
	if len(h.names) != 2 || h.names[0] == h.names[1] || len(h.names[0]) != 36 {
		t.Errorf("the sessions are called %q", h.names)
	}
}

func TestAPingIsAnsweredBeforeTheNextPoll(t *testing.T) {
	h := newHall()
	s := testsite.Run(t, hallSite(t, h, "reply {\nwhen @this.ping\nmethod POST\nrewrite /pong?n={sse.count+7}&sid={sse.cursor.sid}\nbody `{\"to\":\"{sse.item.ping}\"}`\n}", "ignore @this.ping"))
	c := testsite.Subscribe(t, s.URL)
	testsite.Eventually(t, "a session", func() bool { return h.count("poll") == 1 })
	h.say(`{"ping":"a\"b"},"x",{"ping":2}`)
	c.Want("x")
	testsite.Eventually(t, "the replies", func() bool {
		return strings.HasSuffix(h.all(), `poll#8: pong#9:{"to":"a\"b"} pong#10:{"to":"2"} poll#11:`)
	})
	h.say(`{"ping":"a\r\nb"}`) // which no request may hold
	c.HasComment("unreadable answer")
	testsite.Eventually(t, "the next poll", func() bool { return strings.HasSuffix(h.all(), "poll#11: poll#12:") })
	if h.count("pong") != 2 || h.count("misnumbered") > 0 {
		t.Errorf("asked %s", h.all())
	}
}

func TestMoreThanTenRepliesASecondWait(t *testing.T) {
	h := newHall()
	s := testsite.Run(t, hallSite(t, h, "reply {\nwhen @this ping\nrewrite /pong?n={sse.count+7}&sid={sse.cursor.sid}\n}"))
	testsite.Subscribe(t, s.URL)
	testsite.Eventually(t, "a session", func() bool { return h.count("poll") == 1 })
	began := time.Now()
	h.say(strings.Repeat(`"ping",`, 24) + `"ping"`)
	testsite.Eventually(t, "the replies", func() bool { return h.count("pong") == 25 && strings.HasSuffix(h.all(), "poll#34:") })
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("25 replies took %s", took)
	}
}

// heap is a queue as Azure Storage has one: a message that is given is hidden for a moment, and comes again if it is not deleted
// with its last receipt.
type heap struct {
	exchanges
	messages map[string]int // the receipts that were given, by the ids of messages
	hidden   map[string]bool
	refuse   int // the status of deletions; 0: they succeed
}

func (q *heap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.Method == http.MethodDelete {
		q.said = append(q.said, r.URL.EscapedPath()+"?"+r.URL.RawQuery)
		id := strings.TrimPrefix(r.URL.Path, "/queue/")
		switch {
		case q.refuse != 0:
			w.WriteHeader(q.refuse)
		case r.URL.Query().Get("receipt") != fmt.Sprintf("r+%d", q.messages[id]):
			w.WriteHeader(http.StatusNotFound)
		default:
			delete(q.messages, id)
		}
		return
	}
	fmt.Fprint(w, "<List>")
	for _, id := range slices.Sorted(maps.Keys(q.messages)) {
		if !q.hidden[id] {
			q.hidden[id] = true
			q.messages[id]++
			fmt.Fprintf(w, "<M><Id>%s</Id><Receipt>r+%d</Receipt><Text>text of %[1]s</Text></M>", html.EscapeString(id), q.messages[id])
		}
	}
	fmt.Fprint(w, "</List>")
}

func (q *heap) put(ids ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		q.messages[id] = 0
	}
}

func (q *heap) refuses(status int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refuse = status
}

// show makes hidden messages come again.
func (q *heap) show() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.hidden)
}

func (q *heap) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

func TestAQueueIsAcknowledgedItemByItem(t *testing.T) {
	q := &heap{messages: make(map[string]int), hidden: make(map[string]bool)}
	s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, q.ServeHTTP), "rewrite /queue", "interval 10ms", "format xml", "items List.M", "id Id", "data Text", "replay 100",
		"ignore Text \"text of skipped\"", "ack {\nmethod DELETE\nrewrite /queue/{sse.item.Id}\nquery receipt {sse.item.Receipt}\naccept 404\n}"))
	c := testsite.Subscribe(t, s.URL)
	q.put("a", "b/c", "skipped")
	c.Want("text of a|a", "text of b/c|b/c")
	testsite.Eventually(t, "the acknowledgements", func() bool { return q.left() == 0 })
	if asked := q.all(); asked != "/queue/a?receipt=r%2B1 /queue/b%2Fc?receipt=r%2B1 /queue/skipped?receipt=r%2B1" {
		t.Errorf("asked %s", asked)
	}
	q.refuses(http.StatusServiceUnavailable)
	q.put("d")
	c.Want("text of d|d")
	c.HasComment("status 503")
	q.refuses(0)
	q.show()
	q.put("e")
	c.Want("text of e|e") // and d not again
	testsite.Eventually(t, "the acknowledgements", func() bool { return q.left() == 0 })
	testsite.Subscribe(t, s.URL, "Last-Event-ID", "b/c").Want("text of d", "text of e")
	testsite.Subscribe(t, s.URL, "Last-Event-ID", "d").Want("text of e")
}

// A status that would end the streams if a poll got it says nothing of the polls where a deletion does.
func TestARefusedAcknowledgementEndsNoStream(t *testing.T) {
	q := &heap{messages: make(map[string]int), hidden: make(map[string]bool), refuse: http.StatusForbidden}
	s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, q.ServeHTTP), "rewrite /queue", "interval 10ms", "format xml", "items List.M", "id Id", "data Text", "replay 100",
		"ack {\nmethod DELETE\nrewrite /queue/{sse.item.Id}\nquery receipt {sse.item.Receipt}\n}"))
	c := testsite.Subscribe(t, s.URL)
	for _, id := range []string{"a", "b", "c"} {
		q.put(id)
		c.Want("text of " + id + "|" + id)
	}
	c.HasComment("status 403")
}

func TestASessionIsKeptAliveAndClosedAfterTheLastClient(t *testing.T) {
	h := newHall()
	s := testsite.Run(t, hallSite(t, h, "beat 1s {\nrewrite /beat?n={sse.count+7}&sid={sse.cursor.sid}\nreset error\n}", "close {\nmethod DELETE\nrewrite /close?n={sse.count+7}&sid={sse.cursor.sid}\n}"))
	c, d := testsite.Subscribe(t, s.URL), testsite.Subscribe(t, s.URL)
	beats := regexp.MustCompile(`^open#7: poll#8:( beat#\d+:){2,}$`) // however many there are by now
	testsite.Eventually(t, "two beats beside a poll", func() bool { return beats.MatchString(h.all()) })
	h.mu.Lock()
	clear(h.sessions) // while a poll is held, which does not end
	h.mu.Unlock()
	anew := regexp.MustCompile(`^open#7: poll#8:( beat#\d+:){3,} open#7: poll#8:`)
	testsite.Eventually(t, "a new session", func() bool { return anew.MatchString(h.all()) })
	h.say(`"x"`)
	if e := c.Next(); e.Type != "bridge.reset" {
		t.Errorf("got %+v", e)
	}
	c.Want("x")
	c.Close()
	d.Close()
	testsite.Eventually(t, "the end of the session", func() bool { return h.count("close#") == 1 && h.open() == 0 })
	if h.count("misnumbered") > 0 {
		t.Errorf("asked %s", h.all())
	}
}
