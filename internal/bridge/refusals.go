package bridge

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

const (
	// maxRefusals is how many different refusals a bridge remembers: clients choose their paths.
	maxRefusals = 50
	// refusalsFor is how long a refusal is remembered after its last client.
	refusalsFor = time.Hour
)

// Refusal is what clients were refused by the upstream, for the admin API. Their feeds may be gone.
type Refusal struct {
	About             // of the feed that was refused last
	Status  int       `json:"status"`
	Clients int       `json:"clients"` // that were refused so
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`

	Warnings []Warning `json:"warnings"`
}

// refusals are the recent refusals of a bridge, the newest last. Their lock is held for no call.
type refusals struct {
	mu   sync.Mutex
	list []*refused
}

// refused is a refusal. Those that differ only in the ids of their feeds are one.
type refused struct {
	Refusal
	like string // equal for equal refusals
}

// add counts clients that were refused.
func (r *refusals) add(about About, status, clients int, now time.Time) {
	like := likeOf(about, status)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	at := slices.IndexFunc(r.list, func(old *refused) bool { return old.like == like })
	added := &refused{like: like, Refusal: Refusal{Status: status, First: now.UTC()}}
	if at >= 0 {
		added = r.list[at]
		r.list = slices.Delete(r.list, at, at+1)
	}
	added.About, added.Last = about, now.UTC()
	added.Clients += clients
	r.list = append(r.list, added)
	if n := len(r.list) - maxRefusals; n > 0 {
		r.list = slices.Delete(r.list, 0, n)
	}
}

// forget drops what is not recent. The lock is held.
func (r *refusals) forget(now time.Time) {
	r.list = slices.DeleteFunc(r.list, func(old *refused) bool { return now.Sub(old.Last) >= refusalsFor })
}

// all returns the recent refusals.
func (r *refusals) all(now time.Time) []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	all := make([]Refusal, 0, len(r.list))
	for _, one := range r.list {
		one.Refusal.Warnings = []Warning{warningOf(feed.RefusalOf(one.Status))}
		all = append(all, one.Refusal)
	}
	return all
}

// likeOf returns a text that is equal for refusals that look alike.
func likeOf(about About, status int) string {
	about.ID = ""
	text, err := json.Marshal(struct {
		About
		Status int
	}{about, status})
	if err != nil {
		panic(err) // texts and a number can always be written
	}
	return string(text)
}
