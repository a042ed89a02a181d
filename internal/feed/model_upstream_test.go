package feed

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// stride is how far the numbers of items are apart, so that others can be put in between.
const stride = 8

// publication is an item of a model upstream.
type publication struct {
	run, pos int // the run of the upstream that has it, and its place there
	n        int // grows with the place
	id, text string
	time     int  // which some have together; 0: none
	skip     bool // makes no event
	gone     bool // was deleted
	late     bool // was put in between, where not everybody can have it
}

// modelUpstream is the model's upstream.
type modelUpstream struct {
	kind   kind
	plan   plan
	reader *page.Reader

	mu      sync.Mutex
	runs    [][]*publication // what it has published, by its runs; the last one is under way
	began   time.Time        // when that did
	edited  bool
	serial  int
	told    map[string]int          // the number of the last message, by who has been told it
	answers map[string]*modelAnswer // that go on, by chain
	ended   bool                    // one of them has
	trouble trouble
	refused time.Time     // when it last refused a poll
	clock   time.Duration // how far its clock is ahead of ours
	wake    chan struct{}
	polls   map[string]*record // by chain

	versions []string // of a document, oldest first
	changed  time.Time
	index    int

	wrong []string
}

func newModelUpstream(k kind, p plan) *modelUpstream {
	config := k.config
	if config.Format == "" {
		config.Format = page.JSON
	}
	if config.Stream = k.stream; k.stream {
		config.Data = path("text")
	} else if config.Format == page.JSON && !k.document {
		items, err := value.ParsePath("items")
		if err != nil {
			panic(err)
		}
		config.Items, config.Data = items, path("text")
	}
	return &modelUpstream{
		kind: k, plan: p, reader: page.NewReader(config), runs: [][]*publication{nil}, index: 1000,
		wake: make(chan struct{}), polls: map[string]*record{}, told: map[string]int{}, answers: map[string]*modelAnswer{},
	}
}

func (b *modelUpstream) blame(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}

// random returns a number below n, the same one for the same words.
func (b *modelUpstream) random(n int, words ...any) int {
	h := fnv.New64a()
	fmt.Fprint(h, b.plan.Seed, words)
	return int(h.Sum64() % uint64(n))
}

// current returns what there is in the run that is under way, deleted items too. b.mu is held.
func (b *modelUpstream) current() []*publication { return b.runs[len(b.runs)-1] }

// empty reports whether nothing has been published in this run.
func (b *modelUpstream) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.current()) == 0 && len(b.versions) == 0
}

// run returns which run is under way.
func (b *modelUpstream) run() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.runs) - 1
}

// known returns which run a newcomer may meet at least: a feed takes a while to notice a new one.
func (b *modelUpstream) known() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if run := len(b.runs) - 1; run == 0 || time.Since(b.began) > 2*time.Minute {
		return run
	}
	return len(b.runs) - 2
}

// stir has polls that are held look again. b.mu is held.
func (b *modelUpstream) stir() {
	close(b.wake)
	b.wake = make(chan struct{})
}

// publish publishes items, two at a time as runs of equal ids are two long, or a new version of the
// document.
func (b *modelUpstream) publish(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.stir()
	if b.reader.Set() {
		b.version(setOf(len(b.versions), n))
		return
	}
	if b.kind.document {
		b.version(fmt.Sprintf(`{"n":%d,"list":[%d,%d,3],"of":{"a":"<%d>","b":1.10}}`, len(b.versions), len(b.versions)/2, n, n))
		return
	}
	run := len(b.runs) - 1
	for range 2 * n {
		p := &publication{run: run, pos: len(b.runs[run]), n: stride}
		if p.pos > 0 {
			p.n += b.runs[run][p.pos-1].n
		}
		b.name(p)
		b.runs[run] = append(b.runs[run], p)
	}
}

func (b *modelUpstream) name(p *publication) {
	p.id, p.text = strconv.Itoa(p.n), fmt.Sprintf("%d.%d", p.run, p.n)
	if b.kind.item != nil {
		b.kind.item(p)
	}
}

// change deletes an item, or puts one in between, or takes the document back to the version before.
func (b *modelUpstream) change(at, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.stir()
	if b.kind.document {
		if n := len(b.versions); n > 1 {
			b.version(b.versions[n-2])
		}
		return
	}
	run := len(b.runs) - 1
	all := b.runs[run]
	if at = len(all) - 1 - at; at < 1 {
		return
	}
	b.edited = true
	if n%2 == 0 {
		all[at].gone = true
		return
	}
	p := &publication{run: run, n: (all[at-1].n + all[at].n) / 2, late: true}
	if p.n == all[at-1].n {
		return
	}
	b.name(p)
	b.runs[run] = slices.Insert(all, at, p)
	for i, p := range b.runs[run] {
		p.pos = i
	}
}

// anew begins another run, in which there is something already.
func (b *modelUpstream) anew(n int) {
	b.mu.Lock()
	b.runs, b.began = append(b.runs, nil), time.Now()
	b.trouble, b.index = well, 1
	b.mu.Unlock()
	if !b.kind.document {
		b.publish(n * n)
	}
}

// jump sets the upstream's clock.
func (b *modelUpstream) jump(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = [...]time.Duration{0, time.Second, -time.Second, time.Hour, -time.Hour, 48 * time.Hour, -48 * time.Hour}[n-1]
}

// last returns the number of the last item that everybody must have.
func (b *modelUpstream) last() (last *publication) {
	for _, p := range b.current() {
		if p.owed() {
			last = p
		}
	}
	return last
}

// owed reports whether everybody must have it whose place is before it.
func (p *publication) owed() bool { return !p.skip && !p.gone && !p.late }

// record is what has become of the polls of one chain.
type record struct {
	began    time.Time
	last     time.Time
	flying   int
	count    int
	carried  int // of them, those for what a page before has left open
	outcomes []outcome
}

// outcome is what became of one poll.
type outcome struct {
	newcomer bool
	met      trouble
}
