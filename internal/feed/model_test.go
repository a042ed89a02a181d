package feed

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// The model: an upstream is a list of items, numbered from 1. Each client must see every number
// after the first it has seen, once and in order, over all its streams, unless a bridge.reset
// tells it otherwise; and all clients that stay must see the last one.

// TestMain fixes the seed of the model, so that each run tries the same scripts; -rapid.seed and
// -rapid.checks search further.
func TestMain(m *testing.M) {
	flag.Parse()
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if !set["rapid.seed"] {
		flag.Set("rapid.seed", "20261121")
	}
	goleak.VerifyTestMain(m)
}

// kind is how a model upstream says where its items are.
type kind string

const (
	uniqueIDs   kind = "unique ids"
	equalIDs    kind = "runs of equal ids" // published two at a time
	missingIDs  kind = "every other id is missing"
	pageCursors kind = "page cursors"
	opaque      kind = "page cursors that differ for equal positions"
	newestFirst kind = "newest first, without a cursor in the poll"
	window      kind = "the newest six, oldest first, without a cursor in the poll"
	restarts    kind = "ids that begin at 1 again"
	document    kind = "a document whose cursor begins at 1 again"
)

// mostAtOnce is how many polls are a storm where no time passes.
const mostAtOnce = 5000

// plan is one run of the model.
type plan struct {
	Kind     kind
	LongPoll bool
	Limit    int // items in one answer
	Tail     int // items that a newcomer gets
	Chains   int
	Replay   int
	Steps    []step
}

type step struct {
	Do    string
	Who   int
	Count int
	Wait  time.Duration
}

func plans() *rapid.Generator[plan] {
	return rapid.Custom(func(t *rapid.T) plan {
		p := plan{
			Kind:     rapid.SampledFrom([]kind{uniqueIDs, equalIDs, missingIDs, pageCursors, opaque, newestFirst, window, restarts, document}).Draw(t, "kind"),
			LongPoll: rapid.Bool().Draw(t, "long poll"),
			Limit:    rapid.SampledFrom([]int{2, 4, 10, 1000}).Draw(t, "limit"),
			Tail:     rapid.SampledFrom([]int{0, 1, 4, 50}).Draw(t, "tail"),
			Chains:   rapid.SampledFrom([]int{2, 3, 8}).Draw(t, "chains"),
			Replay:   rapid.SampledFrom([]int{1, 8, 64, 1000}).Draw(t, "replay"),
		}
		p.Steps = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{
				Do:    rapid.SampledFrom([]string{"publish", "publish", "publish", "join", "join", "leave", "fail", "heal", "restart"}).Draw(t, "do"),
				Who:   rapid.IntRange(0, 11).Draw(t, "who"),
				Count: rapid.IntRange(1, 7).Draw(t, "count"),
				Wait:  time.Duration(rapid.SampledFrom([]int{0, 0, 1, 300, 1000, 2000, 3100, 9000, 70_000}).Draw(t, "wait")) * time.Millisecond,
			}
		}), 4, 80).Draw(t, "steps")
		return p
	})
}

func TestEveryClientSeesEveryEventOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := plans().Draw(rt, "plan")
		var wrong []string
		synctest.Test(t, func(*testing.T) {
			m := newModel(p)
			for _, s := range p.Steps {
				m.step(s)
			}
			m.settle()
			wrong = m.wrong
			pass(time.Minute) // all that lingers ends
		})
		if len(wrong) > 0 {
			rt.Fatalf("%s", strings.Join(wrong, "\n"))
		}
	})
}

// model runs a plan.
type model struct {
	plan   plan
	reader *page.Reader
	config *Config
	feedMu sync.Mutex
	feed   *Feed

	mu      sync.Mutex
	items   int
	epoch   int
	serial  int
	failing bool
	wake    chan struct{}
	polling map[string]int // by chain
	moment  time.Time      // of the last poll
	polls   int            // at that moment
	wrong   []string

	clients map[int]*modelClient
}

// modelClient is a client over all its streams.
type modelClient struct {
	m      *model
	number int
	here   bool // it has a stream; the model's own

	mu     sync.Mutex
	lastID string
	last   int // the number it has seen last; 0: none
	floor  int // what it must see next is at most this; 0: anything
	reader *Reader
	gone   bool
	done   chan struct{}
}

func newModel(p plan) *model {
	m := &model{plan: p, wake: make(chan struct{}), polling: map[string]int{}, clients: map[int]*modelClient{}}
	path := func(s string) value.Value {
		v, err := value.Parse(s)
		if err != nil {
			panic(err)
		}
		return v
	}
	items, err := value.ParsePath("items")
	if err != nil {
		panic(err)
	}
	rc := page.Config{Format: page.JSON, Items: items, Data: path("n")}
	switch p.Kind {
	case pageCursors, opaque:
		rc.Cursors = []page.Cursor{{Values: []value.Value{path("cursor")}}}
	case newestFirst:
		rc.ID, rc.Order = path("id"), page.NewestFirst
	case window:
		rc.ID, rc.Order = path("id"), page.Overlap
	case restarts:
		rc.ID, rc.Order, rc.Data = path("id"), page.ByID, path("e")
	case document:
		rc.Items, rc.Data = value.Path{}, path("e")
		rc.Cursors = []page.Cursor{{Values: []value.Value{path("cursor")}}}
	default:
		rc.ID = path("id")
	}
	m.reader = page.NewReader(rc)
	m.config = &Config{
		Cursors: 1, Tokens: m.reader.Tokens(), Interval: 2 * time.Second, LongPoll: p.LongPoll, Linger: 5 * time.Second,
		ByID:   p.Kind == restarts,
		Unsent: p.Kind == newestFirst || p.Kind == window, Document: p.Kind == document,
		Chains: p.Chains, Replay: p.Replay, Budget: NewBudget(64 << 20),
		NewJar: func() http.CookieJar { return nil },
		Closed: func(*Feed) {},
	}
	return m
}

func (m *model) fault(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

func (m *model) step(s step) {
	pass(s.Wait)
	synctest.Wait()
	switch s.Do {
	case "publish":
		m.publish(s.Count)
	case "fail", "heal":
		m.mu.Lock()
		m.failing = s.Do == "fail"
		m.mu.Unlock()
	case "restart":
		m.restart(s.Count)
	case "join":
		m.join(s.Who)
	case "leave":
		if c := m.clients[s.Who]; c != nil && c.here {
			c.leave()
		}
	}
}

func (m *model) publish(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items += 2 * n // runs of equal ids are two long
	close(m.wake)
	m.wake = make(chan struct{})
}

// restart takes the upstream away for long enough to be noticed. It counts from 1 then, and may have
// counted past what there was when it is back. Who was away cannot be told that, and is a newcomer here.
func (m *model) restart(count int) {
	if m.plan.Kind != restarts && m.plan.Kind != document || m.items < 12 {
		return
	}
	m.mu.Lock()
	m.failing = false
	m.mu.Unlock()
	m.publish(1) // so that who is here has got something
	pass(10 * time.Minute)
	for _, c := range m.clients {
		if !c.here && m.plan.Kind == restarts {
			c.last, c.lastID = 0, ""
		}
	}
	m.mu.Lock()
	m.failing, m.items, m.epoch = true, 0, m.epoch+1
	close(m.wake)
	m.wake = make(chan struct{})
	m.mu.Unlock()
	pass(time.Minute)
	m.publish(2 + 5*(count-1))
	m.mu.Lock()
	m.failing = false
	m.mu.Unlock()
	pass(time.Minute)
}

func (m *model) join(number int) {
	c := m.clients[number]
	if c == nil {
		c = &modelClient{m: m, number: number}
		m.clients[number] = c
	}
	if c.here {
		return
	}
	c.here = true
	c.reader = m.admit(c.lastID)
	if c.lastID == "" {
		c.floor = m.floor(c.reader)
	}
	c.done = make(chan struct{})
	go c.run()
}

// admit gives a client its place, in a new feed where the old one has closed.
func (m *model) admit(lastID string) *Reader {
	m.feedMu.Lock()
	defer m.feedMu.Unlock()
	for {
		if m.feed == nil {
			m.feed = New(m.config, zap.NewNop())
		}
		if r := m.feed.Join(lastID, Start{Poll: m.poll}); r != nil {
			return r
		}
		m.feed = nil
	}
}

// floor is the most that a newcomer may see first: what is published after it came, where a
// first answer always has a cursor. An upstream without one may answer late, and one that fails
// is asked later.
func (m *model) floor(r *Reader) int {
	m.feed.mu.Lock()
	defer m.feed.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	cursor := m.plan.Kind == pageCursors || m.plan.Kind == opaque
	if !cursor || m.failing || r.chain == nil || r.chain.failures > 0 || m.feed.circuit.open {
		return 0
	}
	return m.items + 1
}

// settle heals the upstream and waits until everybody has everything.
func (m *model) settle() {
	synctest.Wait()
	m.mu.Lock()
	m.failing = false
	m.mu.Unlock()
	m.publish(1)
	for range 8 {
		pass(2 * time.Minute)
		m.publish(1)
	}
	pass(20 * time.Second)
	synctest.Wait()
	present := 0
	for _, c := range m.clients {
		if !c.here {
			continue
		}
		present++
		c.mu.Lock()
		last := c.last
		c.mu.Unlock()
		if last != m.epoch<<20+m.items {
			m.fault("client %d has seen %d of %d at the end", c.number, last, m.items)
		}
	}
	if m.feed != nil && present > 0 {
		m.feed.mu.Lock()
		n := len(m.feed.chains)
		m.feed.mu.Unlock()
		// a token for each poll without news proves nothing, unless the upstream held the poll
		if apart := m.plan.Kind == opaque && !m.plan.LongPoll; n != 1 && !apart {
			m.fault("%d chains at the end, for %d clients", n, present)
		}
	}
	for _, c := range m.clients {
		if c.here {
			c.leave()
		}
	}
}

// poll is the upstream.
func (m *model) poll(ctx context.Context, ask Ask) (page.Page, error) {
	m.mu.Lock()
	m.polling[ask.Chain]++
	if m.polling[ask.Chain] > 1 {
		m.wrong = append(m.wrong, "two polls of one chain in flight")
	}
	if now := time.Now(); now.After(m.moment) {
		m.moment, m.polls = now, 0
	}
	m.polls++
	storm := m.polls == mostAtOnce
	if storm {
		m.wrong = append(m.wrong, fmt.Sprintf("%d polls at one moment", mostAtOnce))
	}
	m.mu.Unlock()
	if storm {
		pass(time.Hour) // else they go on for ever
	}
	defer func() {
		m.mu.Lock()
		m.polling[ask.Chain]--
		m.mu.Unlock()
	}()
	hold := 25 * time.Second
	if m.plan.Kind == document {
		hold = time.Hour // so that one with a cursor of before a restart never returns
	}
	deadline := time.After(hold)
	for {
		m.mu.Lock()
		failing, wake := m.failing, m.wake
		body, news := m.answer(ask)
		m.mu.Unlock()
		switch {
		case failing:
			return page.Page{}, &page.Error{Comment: "status 503", Err: errors.New("overload")}
		case news || !m.plan.LongPoll:
			return m.reader.Read(page.Response{Status: 200, Header: http.Header{}, Body: body}, ask.From, &value.Env{})
		}
		select {
		case <-wake:
		case <-deadline:
			return m.reader.Read(page.Response{Status: 200, Header: http.Header{}, Body: body}, ask.From, &value.Env{})
		case <-ctx.Done():
			return page.Page{}, ctx.Err()
		}
	}
}

// answer is what the upstream says to a poll now, and whether a long poll would be answered.
func (m *model) answer(ask Ask) (body []byte, news bool) {
	tail := m.plan.Tail
	if m.plan.Kind != pageCursors && m.plan.Kind != opaque {
		tail = max(tail, 2) // without an item there is no cursor
	}
	since := max(m.items-tail, 0)
	if m.plan.Kind == equalIDs || m.plan.Kind == missingIDs {
		since -= since % 2
	}
	first := ask.From.Cursor.IsZero()
	if !first {
		since = m.parse(ask.From.Cursor[0])
	}
	type item struct {
		ID string `json:"id,omitempty"`
		N  int    `json:"n"`
		E  int    `json:"e"` // the number, and above it how often the upstream has started over
	}
	var items []item
	for n := since + 1; n <= m.items && len(items) < m.plan.Limit; n++ {
		items = append(items, item{ID: m.itemID(n), N: n, E: m.epoch<<20 + n})
	}
	news = len(items) > 0
	switch m.plan.Kind {
	case newestFirst: // always the newest, in their order
		items = nil
		for n := m.items; n > 0 && n > m.items-1000; n-- {
			items = append(items, item{ID: m.itemID(n), N: n, E: m.epoch<<20 + n})
		}
		if first {
			items = items[:min(len(items), tail)]
		}
		news = news || first && len(items) > 0
	case window:
		items = nil
		for n := max(m.items-6, 0) + 1; n <= m.items; n++ {
			items = append(items, item{ID: m.itemID(n), N: n})
		}
	case pageCursors, opaque:
		news = news || first // a first answer has a cursor
	}
	if m.plan.Kind == document {
		body := fmt.Appendf(nil, `{"e":%d,"cursor":%d}`, m.epoch<<20+m.items, m.items)
		return body, first || since < m.items
	}
	end := since + len(items)
	answer := map[string]any{"items": items}
	switch m.plan.Kind {
	case pageCursors:
		answer["cursor"] = fmt.Sprintf("c%d", end)
	case opaque:
		m.serial++
		answer["cursor"] = fmt.Sprintf("t%d-%d", m.serial, end)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	return body, news
}

func (m *model) itemID(n int) string {
	switch m.plan.Kind {
	case equalIDs:
		return strconv.Itoa((n + 1) / 2 * 2)
	case missingIDs:
		if n%2 == 1 {
			return ""
		}
	}
	return strconv.Itoa(n)
}

func (m *model) parse(cursor string) int {
	if i := strings.LastIndexAny(cursor, "-c"); i >= 0 {
		cursor = cursor[i+1:]
	}
	n, err := strconv.Atoi(cursor)
	if err != nil {
		panic(err)
	}
	return n
}

func (c *modelClient) leave() {
	c.mu.Lock()
	c.gone = true
	c.reader.Stop(Gone)
	c.mu.Unlock()
	<-c.done
	c.here, c.gone = false, false
}

// again opens a new stream for a client that was too slow for its log. One that has lost the reset
// of a restart is a newcomer then, as those are who were away.
func (c *modelClient) again() {
	c.m.mu.Lock()
	epoch := c.m.epoch
	c.m.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m.plan.Kind == restarts && c.last>>20 != epoch {
		c.last, c.lastID = 0, ""
	}
	c.reader.Close()
	c.reader = c.m.admit(c.lastID)
	if c.lastID == "" {
		c.floor = 0 // it has no place yet, and is a newcomer again
	}
	if c.gone {
		c.reader.Stop(Gone)
	}
}

func (c *modelClient) run() {
	defer close(c.done)
	for {
		batch, err := c.reader.Next()
		if err != nil {
			switch end := err.(*End); end.Reason {
			case Slow:
				c.again()
				continue
			case Gone:
			default:
				c.m.fault("client %d: %v", c.number, end)
			}
			c.reader.Close()
			return
		}
		for block := range strings.SplitSeq(string(batch), "\n\n") {
			c.take(block)
		}
	}
}

func (c *modelClient) take(block string) {
	var typ, data, id string
	for line := range strings.SplitSeq(block, "\n") {
		field, text, _ := strings.Cut(line, ": ")
		switch field {
		case "event":
			typ = text
		case "data":
			data = text
		case "id":
			id = text
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case data == "":
		return
	case typ == "bridge.reset":
		c.last, c.floor = 0, 0
		return
	case typ == "bridge.position":
		c.lastID = id
		return
	}
	n, err := strconv.Atoi(data)
	if err != nil {
		c.m.fault("client %d got %q", c.number, block)
		return
	}
	switch {
	case id == "":
		c.m.fault("client %d got %d without an id", c.number, n)
	case c.m.plan.Kind == document && n > c.last: // it may skip some
	case c.last != 0 && n != c.last+1 && !(c.m.plan.Kind == opaque && n <= c.last):
		c.m.fault("client %d got %d after %d", c.number, n, c.last)
	case c.last == 0 && c.floor != 0 && n > c.floor:
		c.m.fault("client %d came before %d was there and got %d first", c.number, c.floor, n)
	}
	c.last, c.lastID, c.floor = n, id, 0
}
