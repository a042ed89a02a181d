package servers

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// newcomer is a backend of which no more is known than an URL, with what happens there. It is a log, which says things, or a state,
// which changes.
type newcomer struct {
	url    string
	header []string // in pairs: of the command, and of the client

	// A log says a text. Before it is looked at it says some; if it is busy, it goes on while it is looked at. Where its answers hold all
	// that it has said, at the path of a list, they may come whole.
	say  func(text string)
	busy bool

	// A state is the items of a list, which is at a path in each answer, or one document, where there is no path. Change i makes it
	// what want returns: its items in order, with spaces between.
	change func(i int)
	want   func(i int) string
	list   string

	// show makes of an event's data, or of an item, the text that was said, or `key=what matters`; or nothing.
	show func(data string) string

	slow bool                // it is asked once a minute
	news []testsite.Received // that came while nothing happened
}

// nextSecond waits for the next second of the clock.
func nextSecond(t *testing.T) {
	t.Helper()
	began := time.Now().Unix()
	testsite.Eventually(t, "the next second", func() bool { return time.Now().Unix() > began })
}

// unsure finds the comment of a block for whose endpoint each poll may be news.
var unsure = regexp.MustCompile(`(?m)^\s*#.*(answers in a row differ|each poll)`)

// at returns a function that shows what is at a path of JSON.
func at(path string) func(data string) string {
	return func(data string) string { return gjson.Get(data, path).String() }
}

// talk has a busy log say something each second, until stop is called. Each log says something first.
func (n *newcomer) talk(t *testing.T) (stop func()) {
	t.Helper()
	if n.say == nil {
		return func() {}
	}
	said := 0
	say := func() {
		said++
		n.say("before " + strconv.Itoa(said))
	}
	for range 4 {
		say()
	}
	if !n.busy {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				say()
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// follow is a client at a site, while things happen. It returns what is wrong with what it gets.
func (n *newcomer) follow(t *testing.T, site string) []string {
	t.Helper()
	u, err := url.Parse(n.url)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{newcomer: n, items: make(map[string]string), seen: make(map[string]bool)}
	f.stream = testsite.Subscribe(t, site+u.EscapedPath(), n.header...)
	if status := f.stream.Response.StatusCode; status != 200 {
		return []string{fmt.Sprintf("the stream is answered with status %d", status)}
	}
	patience := 45 * time.Second // idle endpoints are asked every 30s
	if n.slow {
		patience = 90 * time.Second
	}
	if n.say == nil && !f.listen(patience, func() bool { return len(f.others) > 0 }) {
		return []string{"the client is not told of the state that it finds"}
	}
	f.listen(2*time.Second, nothing)
	f.others = nil
	f.listen(time.Duration(testsite.Soak(6, 30))*time.Second, nothing)
	n.news = f.others

	until, least := time.Now().Add(time.Duration(testsite.Soak(5, 300))*time.Second), 4
	if n.slow {
		least = 1
	}
	for i := 0; i < least || time.Now().Before(until); {
		for range 1 + i%3 { // several at a time
			i++
			if n.say != nil {
				n.say("event " + strconv.Itoa(i))
			} else {
				n.change(i)
			}
		}
		if !f.listen(patience, func() bool { return f.has(i) }) {
			return append(f.problems, fmt.Sprintf("after change %d the client has %q", i, f.shown()))
		}
		f.listen(time.Second, nothing)
	}
	f.listen(3*time.Second, nothing) // in which a repeat would come
	return f.problems
}

// follower is a client that keeps what it gets.
type follower struct {
	*newcomer
	stream   *testsite.Subscription
	others   []testsite.Received // events that tell of nothing that a log has said; of a state, all
	said     int                 // how many texts of a log have come
	items    map[string]string   // of a state
	seen     map[string]bool
	problems []string
}

func nothing() bool { return false }

// listen takes events until a condition holds. It returns false if that takes too long, or the stream ends.
func (f *follower) listen(patience time.Duration, enough func() bool) bool {
	late := time.After(patience)
	for !enough() {
		select {
		case e, ok := <-f.stream.Events:
			if !ok {
				f.problem("the stream has ended")
				return false
			}
			f.take(e)
		case <-late:
			return false
		}
	}
	return true
}

func (f *follower) problem(format string, args ...any) {
	if len(f.problems) < 5 {
		f.problems = append(f.problems, fmt.Sprintf(format, args...))
	}
}

func (f *follower) take(e testsite.Received) {
	switch {
	case strings.HasPrefix(e.Type, "bridge."):
		f.problem("got %+v", e)
	case f.say != nil && f.isWhole(e.Data):
		f.takeTexts(e)
	case f.say != nil:
		f.takeText(e)
	default:
		f.others = append(f.others, e)
		f.takeState(e)
	}
}

// takeText takes an event of a log.
func (f *follower) takeText(e testsite.Received) {
	text := f.show(e.Data)
	if text == "" {
		f.others = append(f.others, e)
		text = e.ID + " " + e.Data // of something else that happens there
	}
	if f.seen[text] {
		f.problem("%s comes again: %+v", text, e)
	}
	f.seen[text] = true
	if number, ok := strings.CutPrefix(text, "event "); ok {
		if f.said++; number != strconv.Itoa(f.said) {
			f.problem("got %+v, want event %d", e, f.said)
		}
	}
}

// takeTexts takes a document that holds all of a log, from its beginning or from its end.
func (f *follower) takeTexts(e testsite.Received) {
	var news []testsite.Received
	for _, item := range gjson.Get(e.Data, f.list).Array() {
		if !f.seen[f.show(item.Raw)] {
			news = append(news, testsite.Received{ID: e.ID, Data: item.Raw})
		}
	}
	if len(news) > 0 && f.show(news[0].Data) != "event "+strconv.Itoa(f.said+1) {
		slices.Reverse(news)
	}
	for _, item := range news {
		f.takeText(item)
	}
	if news == nil {
		f.others = append(f.others, e)
	}
}

// takeState takes an event of a set, or a document, with a list or without.
func (f *follower) takeState(e testsite.Received) {
	switch {
	case e.Type == "snapshot":
		f.become(gjson.Parse(e.Data).Array())
	case f.list == "":
		f.become([]gjson.Result{{Raw: e.Data}})
	case f.isWhole(e.Data):
		f.become(gjson.Get(e.Data, f.list).Array())
	case gjson.Parse(e.Data).IsArray(): // the block has picked the list
		f.become(gjson.Parse(e.Data).Array())
	case e.Type == "removed":
		delete(f.items, f.key(e.Data))
	default:
		f.put(e.Data)
	}
}

// isWhole reports whether an event holds the whole list. An item that is no object has no paths.
func (f *follower) isWhole(data string) bool {
	path, _, _ := strings.Cut(f.list, ".@") // a modifier finds a list where there is none
	return f.list != "" && gjson.Get(data, path).Exists() && gjson.Get(data, f.list).IsArray()
}

func (f *follower) become(items []gjson.Result) {
	clear(f.items)
	for _, item := range items {
		f.put(item.Raw)
	}
}

func (f *follower) put(item string) {
	if shown := f.show(item); shown != "" {
		f.items[f.key(item)] = shown
	}
}

func (f *follower) key(item string) string {
	key, _, _ := strings.Cut(f.show(item), "=")
	return key
}

// has reports whether the client knows of all that was done.
func (f *follower) has(i int) bool {
	if f.say != nil {
		return f.said >= i
	}
	return f.shown() == f.want(i)
}

func (f *follower) shown() string {
	if f.say != nil {
		return fmt.Sprintf("event %d", f.said)
	}
	return strings.Join(slices.Sorted(maps.Values(f.items)), " ")
}

// row returns a function that shows a row of a table: the values at two paths.
func row(key, value string) func(data string) string {
	return func(data string) string { return gjson.Get(data, key).String() + "=" + gjson.Get(data, value).String() }
}

// rows changes a table, in which the rows `zero` and `one` are from the beginning: rows come, change and go. put is given a name
// and a value; remove may be nil, where nothing goes.
func rows(put func(name string, i int), remove func(name string)) (change func(i int), want func(i int) string) {
	table := make(map[string]string)
	set := func(name string, i int) {
		put(name, i)
		table[name] = fmt.Sprintf("%s=%d", name, i)
	}
	set("zero", 0)
	set("one", 0)
	change = func(i int) {
		switch {
		case i%2 == 1:
			set("one", i)
		case i%4 == 0 && remove != nil:
			remove("two")
			delete(table, "two")
		default:
			set("two", i)
		}
	}
	return change, func(int) string { return strings.Join(slices.Sorted(maps.Values(table)), " ") }
}
