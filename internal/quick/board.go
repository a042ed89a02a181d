package quick

import (
	"sync"
)

// keptPolls is how many polls a page that is opened shows.
const keptPolls = 50

// state is what a page shows of the whole.
type state struct {
	Target     string              `json:"target"`
	Revision   int                 `json:"revision"` // of the block, from 1; 0: none runs yet
	Block      string              `json:"block"`
	Why        string              `json:"why"`        // where the block comes from
	Chosen     map[string][]string `json:"chosen"`     // the first arguments of its subdirectives
	Suggestion string              `json:"suggestion"` // the block that the examination suggests; empty before it ends
	Examining  bool                `json:"examining"`
	Said       string              `json:"said"`    // what the examination waits for
	Trouble    string              `json:"trouble"` // why there is no suggestion
}

// shownPoll is a poll as a page shows it.
type shownPoll struct {
	Revision int    `json:"revision"`
	At       string `json:"at"`                // a time of day
	Title    string `json:"title"`             // in one line
	Text     string `json:"text"`              // what `caddy sse-bridge try` prints
	Quiet    bool   `json:"quiet"`             // it has brought no event
	Bad      bool   `json:"bad"`               // there is a hint what to do
	Trouble  string `json:"trouble,omitempty"` // why it has failed
}

// shownAnswer is the newest answer as a page shows it.
type shownAnswer struct {
	Root       *Node    `json:"root"`       // nil: it has no parts
	Parameters []string `json:"parameters"` // what the one of a position may be called
}

// board is what all pages show. Each page follows it at its own speed.
type board struct {
	mu      sync.Mutex
	now     state
	states  int // how many there have been
	answer  *shownAnswer
	answers int
	polls   []shownPoll // the newest ones
	told    int         // how many there have been
	changed chan struct{}
}

func newBoard() *board { return &board{changed: make(chan struct{})} }

// seen is what a page has of a board.
type seen struct{ states, answers, polls int }

// news is what a page has not yet. What is nil has not changed.
type news struct {
	state   *state
	answer  *shownAnswer
	polls   []shownPoll
	changed <-chan struct{} // closed when there is more
}

// since returns what is new, and what the page has then.
func (b *board) since(s seen) (news, seen) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := news{changed: b.changed}
	if s.states < b.states {
		now := b.now
		n.state = &now
	}
	if s.answers < b.answers {
		n.answer = b.answer
	}
	if unseen := min(b.told-s.polls, len(b.polls)); unseen > 0 {
		n.polls = append(n.polls, b.polls[len(b.polls)-unseen:]...)
	}
	return n, seen{b.states, b.answers, b.told}
}

func (b *board) change(do func(*state)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do(&b.now)
	b.states++
	b.wake()
}

func (b *board) poll(p shownPoll) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.polls) == keptPolls {
		b.polls = append(b.polls[:0], b.polls[1:]...)
	}
	b.polls = append(b.polls, p)
	b.told++
	b.wake()
}

func (b *board) answered(a *shownAnswer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = a
	b.answers++
	b.wake()
}

// trouble is why the newest poll of a block has failed; empty if it has not.
func (b *board) trouble(revision int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.polls); n > 0 && b.polls[n-1].Revision == revision {
		return b.polls[n-1].Trouble
	}
	return ""
}

// wake tells all pages that there is something new. b.mu is held.
func (b *board) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}
