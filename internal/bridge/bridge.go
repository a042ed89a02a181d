// Package bridge is the part that outlives a configuration: the pool of bridges, and for each bridge its
// feeds, clients, limits and streams, its counters, and its events for Caddy.
package bridge

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/newestlog"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// pool holds the bridges across configurations. A reload that does not change a bridge's own JSON finds the
// bridge here, with its streams and polls.
var pool = caddy.NewUsagePool()

// Bridge is all feeds of one configured sse_bridge. It outlives the handler instances that a
// reload replaces; polls use the routes of the newest one.
type Bridge struct {
	key      string   // the fingerprint of its configuration
	Name     string   // in metrics, logs and events
	salt     [16]byte // of the feeds' ids
	plan     *config.Plan
	logger   *zap.Logger
	crowds   *zap.Logger // for what each of many clients may cause
	config   feed.Config
	poller   *upstream.Poller
	current  atomic.Pointer[Instance]         // the newest one; nil after the last one
	access   atomic.Pointer[zap.Logger]       // of the newest instance that there has been: streams may outlive all
	server   atomic.Pointer[caddyhttp.Server] // of the newest client; an old one would pin its configuration
	observer Observer                         // nil except in `caddy sse-bridge try`; set before the first client
	Streams  *stream.Streams
	turns    *announcer
	refusals refusals

	copied atomic.Pointer[Warning] // of [Bridge.hintCopied]; nil: there was no need

	mu        sync.Mutex
	instances []*Instance // provisioned and not cleaned up, oldest first
	feeds     *feeds
	member    *cluster.Member // with which the feeds share polls; nil: each node polls for itself
	perIP     map[string]int
	clients   int
	halted    bool
}

// shortKey is how many digits of its key are the name of a bridge without a name.
const shortKey = 8

// Load returns the bridge of a key, and creates it if necessary. Each call must be followed by one of Release.
func Load(key, name string, plan *config.Plan) (*Bridge, error) {
	b, _, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) {
		b := New(plan)
		b.key = key
		if b.Name = name; b.Name == "" {
			b.Name = key[:shortKey]
		}
		return b, nil
	})
	if err != nil {
		return nil, fmt.Errorf("making the bridge: %w", err)
	}
	return b.(*Bridge), nil
}

// Release gives a bridge back. The bridge ends with the last call.
func Release(key string) error {
	if _, err := pool.Delete(key); err != nil {
		return fmt.Errorf("ending the bridge: %w", err)
	}
	return nil
}

func New(plan *config.Plan) *Bridge {
	b := &Bridge{
		plan:  plan,
		perIP: make(map[string]int),
	}
	_, _ = rand.Read(b.salt[:]) // it never fails
	var known []upstream.PartKind
	if plan.Cookies != nil {
		known = append(known, upstream.PartCookie) // an operator who names cookies knows what they do
	}
	b.feeds = newFeeds(plan.Limits.Feeds, newDividers(known...))
	b.logger = newestlog.New(b.newestLogger)
	b.crowds = sparing(b.logger)
	b.turns = newAnnouncer(b.announce)
	b.Streams = stream.New(plan, b.accessLog)
	b.poller = upstream.NewPoller(b, plan.Limits.Polls)
	b.config = feed.Config{
		Document: plan.Reader.Document() || plan.Reader.Set(), Set: plan.Reader.Set(), Cursors: len(plan.CursorNames), Tokens: plan.Reader.Tokens(),
		Messages: plan.Reader.Counts(), Once: plan.Page.Once, Loses: plan.Page.Once && plan.Only(config.KindAck) == nil, Repeats: plan.Counts(),
		Interval: plan.IntervalMin, MaxInterval: plan.IntervalMax, LongPoll: plan.Holds(),
		Linger: plan.Linger, Forgetful: plan.Forgetful, Notify: plan.Notify, Ends: plan.Notices.End, Alive: plan.Notices.Alive,
		ByID: plan.Page.Order == page.ByID, Unsent: plan.Unsent(), Opens: len(plan.Of(config.KindOpen)) > 0, Epochs: plan.Epochs(),
		Chains: plan.Limits.Chains, Replay: plan.Replay, Budget: feed.NewBudget(plan.Limits.Log), Schedule: new(feed.Schedule),
		Diff:   diffOf(plan),
		Stream: plan.Stream, Connections: connectionsOf(plan),
		NewJar: upstream.NewJar, Closed: b.forget, Turned: b.turns.turned, Refused: b.refused,
	}
	return b
}

// diffOf returns the function that makes patches of documents, or of the items of sets; nil if they are sent whole.
func diffOf(plan *config.Plan) func(before, after []byte) ([]byte, bool, error) {
	if !plan.Diff {
		return nil
	}
	return page.Diff
}

// connectionsOf returns the bound of answers that go on; nil: there are none.
func connectionsOf(plan *config.Plan) *feed.Connections {
	if !plan.Stream {
		return nil
	}
	return feed.NewConnections(plan.Limits.Streams)
}

// Destruct implements caddy.Destructor: the last instance is gone. Polls end now. Streams end as they were
// told when their configuration stopped.
func (b *Bridge) Destruct() error {
	b.mu.Lock()
	b.halted = true
	live := slices.Collect(maps.Keys(b.feeds.polls))
	b.mu.Unlock()
	for _, f := range live {
		f.Halt()
	}
	b.Streams.EndSpread()
	return nil
}

// Add adds an instance, whose configuration may still fail to load.
func (b *Bridge) Add(i *Instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.instances = append(b.instances, i)
	b.follow()
}

// Started notes that an instance's configuration has been loaded: the instance takes over.
func (b *Bridge) Started(i *Instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i.started = true
	b.follow()
}

// Remove removes an instance.
func (b *Bridge) Remove(i *Instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.instances = slices.DeleteFunc(b.instances, func(other *Instance) bool { return other == i })
	b.follow()
}

// newest returns the newest instance of a configuration that runs. A configuration that is being loaded takes
// nothing over, since it may fail. If none runs, newest returns the newest instance of all; nil after the last
// one. b.mu is held.
func (b *Bridge) newest() *Instance {
	for _, h := range slices.Backward(b.instances) {
		if h.started && !h.stopping {
			return h
		}
	}
	if n := len(b.instances); n > 0 {
		return b.instances[n-1]
	}
	return nil
}

// follow makes the newest instance the current one. It replaces a server of an earlier configuration by its
// successor, which has the present named routes. b.mu is held.
func (b *Bridge) follow() {
	h, old := b.newest(), b.server.Load()
	b.shareWith(h)
	if b.current.Store(h); h != nil && h.Access != nil {
		b.access.Store(h.Access)
	}
	if h == nil || h.Http == nil || old == nil {
		return
	}
	if server := h.Http.Servers[old.Name()]; server != nil {
		b.server.CompareAndSwap(old, server) // unless a client has connected in between
	}
}

// Stopping notes that an instance's configuration stops, at every reload and at exit. Streams end if no other
// instance continues; at exit the watchdog ends them sooner.
func (b *Bridge) Stopping(i *Instance) {
	b.mu.Lock()
	i.stopping = true
	b.current.Store(b.newest())
	live := slices.ContainsFunc(b.instances, func(other *Instance) bool { return !other.stopping })
	if !live { // other nodes poll from now on
		b.shareBy(nil)
	}
	b.mu.Unlock()
	if !live {
		b.Streams.EndSpread()
	}
}

// Routes returns the routes that answer a request in the newest instance; nil after the last one.
func (b *Bridge) Routes(which upstream.Kind) caddyhttp.Handler {
	if h := b.current.Load(); h != nil {
		return h.Routes[which]
	}
	return nil
}

// NewestServer returns the server of the newest client, or its successor.
func (b *Bridge) NewestServer() *caddyhttp.Server { return b.server.Load() }

// newestLogger returns the log of the newest instance, and one that writes nothing after the last. It takes no
// lock, because code that holds the lock logs too.
func (b *Bridge) newestLogger() *zap.Logger {
	if h := b.current.Load(); h != nil {
		return h.Logger
	}
	return zap.NewNop()
}

// accessLog returns the logger of the HTTP app in the newest configuration that there has been.
func (b *Bridge) accessLog() *zap.Logger {
	if l := b.access.Load(); l != nil {
		return l
	}
	return zap.NewNop()
}

// about returns what operators may see of a poll's feed.
func (b *Bridge) about(p *upstream.Request) About { return Describe(p, b.feedID(p.Key), b.Name) }

// LoggerOf returns the logger of a poll's feed.
func (b *Bridge) LoggerOf(p *upstream.Request) *zap.Logger {
	about := b.about(p)
	return b.logger.With(
		zap.String("bridge", about.Bridge), zap.String("feed", about.ID),
		zap.String("method", about.Method), zap.String("host", about.Host), zap.String("path", about.Path))
}

// feedID returns the id of a feed for operators. It is valid as long as the bridge exists. Because of the
// salt, a reader of the id cannot find out the secrets in the key by trying.
func (b *Bridge) feedID(key upstream.Key) string {
	sum := sha256.Sum256(append(b.salt[:], key[:]...))
	return hex.EncodeToString(sum[:6])
}

// forget drops a feed that has closed.
func (b *Bridge) forget(f *feed.Feed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feeds.drop(f)
}

// All returns the bridges that are in use.
func All() (all []*Bridge) {
	pool.Range(func(_, v any) bool {
		if b, ok := v.(*Bridge); ok {
			all = append(all, b)
		}
		return true
	})
	return all
}

// FeedOf returns the feed with an id; nil if the id is unknown.
func (b *Bridge) FeedOf(id string) (*feed.Feed, About) {
	for f, about := range b.feeds.about.all() {
		if about.ID == id {
			return f, about
		}
	}
	return nil, About{}
}

// Interface guards
var _ caddy.Destructor = (*Bridge)(nil)

// announce tells the event handlers of the newest configuration that a feed has gone down or is back.
func (b *Bridge) announce(f *feed.Feed, reason string) {
	about, known := b.feeds.about.get(f)
	newest := b.current.Load()
	if !known || newest == nil || newest.Events == nil {
		return // the feed has closed, or the last configuration has ended
	}
	name := EventUp
	data := map[string]any{"bridge": b.Name, "feed": about.ID, "method": about.Method, "host": about.Host, "path": about.Path}
	if reason != "" {
		name, data["reason"] = EventDown, reason
	}
	newest.Events.Emit(newest.Ctx, name, data)
}

// Tally returns what the bridge has counted.
func (b *Bridge) Tally() *Tally {
	t := &Tally{Counts: b.config.Counters.Load(), Totals: b.Streams.Totals(), LogBytes: b.config.Budget.Used()}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Feeds, t.Clients = int64(len(b.feeds.byKey)), int64(b.clients)
	return t
}
