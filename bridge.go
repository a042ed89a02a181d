package ssebridge

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// bridges holds the bridges across configurations: a reload that leaves a bridge's own JSON
// alone finds it here, with its streams and polls.
var bridges = caddy.NewUsagePool()

// bridge is all feeds of one configured sse_bridge. It outlives the handler instances that a
// reload replaces; polls use the routes of the newest one.
type bridge struct {
	name     string   // in metrics, logs and events
	salt     [16]byte // of the feeds' ids
	plan     *compiled
	logger   *zap.Logger
	crowds   *zap.Logger // for what each of many clients may cause
	config   feed.Config
	poller   *poller
	current  atomic.Pointer[instance]         // the newest one; nil after the last one
	server   atomic.Pointer[caddyhttp.Server] // of the newest client; an old one would pin its configuration
	observer Observer                         // nil except in `caddy sse-bridge try`; set before the first client
	streams  *streams
	turns    *announcer

	copiedTold atomic.Bool // [bridge.hintCopied] has spoken

	mu        sync.Mutex
	instances []*instance // provisioned and not cleaned up, oldest first
	feeds     *feeds
	perIP     map[string]int
	clients   int
	halted    bool
}

// shortKey is how many digits of a bridge's key name it that has no name.
const shortKey = 8

// loadBridge returns the bridge of a key, or makes it. Each call takes a releaseBridge in the end.
func loadBridge(key, name string, plan *compiled) (*bridge, error) {
	b, _, err := bridges.LoadOrNew(key, func() (caddy.Destructor, error) {
		b := newBridge(plan)
		if b.name = name; b.name == "" {
			b.name = key[:shortKey]
		}
		return b, nil
	})
	if err != nil {
		return nil, fmt.Errorf("making the bridge: %w", err)
	}
	return b.(*bridge), nil
}

// releaseBridge lets go of a bridge, which ends with the last one that does.
func releaseBridge(key string) error {
	if _, err := bridges.Delete(key); err != nil {
		return fmt.Errorf("ending the bridge: %w", err)
	}
	return nil
}

func newBridge(plan *compiled) *bridge {
	b := &bridge{
		plan:  plan,
		perIP: make(map[string]int),
	}
	_, _ = rand.Read(b.salt[:]) // it never fails
	var known []partKind
	if plan.cookies != nil {
		known = append(known, partCookie) // who names them knows
	}
	b.feeds = newFeeds(plan.limits.Feeds, newDividers(known...))
	b.logger = newLogger(b)
	b.crowds = sparing(b.logger)
	b.turns = newAnnouncer(b.announce)
	b.streams = newStreams(plan)
	b.poller = newPoller(b, plan.limits.Polls)
	b.config = feed.Config{
		Document: plan.reader.Document(), Cursors: len(plan.cursorNames), Tokens: plan.reader.Tokens(),
		Interval: plan.intervalMin, MaxInterval: plan.intervalMax, LongPoll: plan.holds(),
		Linger: plan.linger, Forgetful: plan.forgetful, Notify: plan.notify,
		ByID: plan.page.Order == page.ByID, Unsent: plan.unsent(), Opens: plan.open != nil,
		Chains: plan.limits.Chains, Replay: plan.replay, Budget: feed.NewBudget(plan.limits.Log),
		Diff:   diffOf(plan),
		NewJar: newJar, Closed: b.forget, Turned: b.turns.turned,
	}
	return b
}

// diffOf returns how documents are sent as patches; nil where they are not.
func diffOf(plan *compiled) func(before, after []byte) ([]byte, bool, error) {
	if !plan.diff {
		return nil
	}
	return page.Diff
}

func newJar() http.CookieJar {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no error to return without options
	}
	return jar
}

// Destruct implements caddy.Destructor: the last instance is gone. Polls end now, and streams
// as they were told to when their configuration stopped.
func (b *bridge) Destruct() error {
	b.mu.Lock()
	b.halted = true
	live := slices.Collect(maps.Keys(b.feeds.polls))
	b.mu.Unlock()
	for _, f := range live {
		f.Halt()
	}
	b.streams.watch.endSpread()
	return nil
}

// add takes in an instance, whose configuration may still fail to load.
func (b *bridge) add(i *instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.instances = append(b.instances, i)
	b.follow()
}

// started is told that an instance's configuration has been loaded: it takes over.
func (b *bridge) started(i *instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i.started = true
	b.follow()
}

// remove takes an instance off.
func (b *bridge) remove(i *instance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.instances = slices.DeleteFunc(b.instances, func(other *instance) bool { return other == i })
	b.follow()
}

// newest returns the newest instance of a configuration that runs: one that is being loaded
// takes nothing over, since it may fail. Where none runs, it is the newest of all; nil after
// the last one. b.mu is held.
func (b *bridge) newest() *instance {
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

// follow makes the newest instance the current one, and replaces a server of an earlier
// configuration by its successor, which has the routes that are named now. b.mu is held.
func (b *bridge) follow() {
	h, old := b.newest(), b.server.Load()
	b.current.Store(h)
	if h == nil || h.http == nil || old == nil {
		return
	}
	if server := h.http.Servers[old.Name()]; server != nil {
		b.server.CompareAndSwap(old, server) // unless a client has come just now
	}
}

// stopping is told that an instance's configuration stops: at every reload, and at exit. Streams
// end where no other instance goes on; at exit the watchdog hurries them.
func (b *bridge) stopping(i *instance) {
	b.mu.Lock()
	i.stopping = true
	b.current.Store(b.newest())
	live := slices.ContainsFunc(b.instances, func(other *instance) bool { return !other.stopping })
	b.mu.Unlock()
	if !live {
		b.streams.watch.endSpread()
	}
}

// routes returns what answers a request in the newest instance; nil after the last one.
func (b *bridge) routes(which request) caddyhttp.Handler {
	if h := b.current.Load(); h != nil {
		return h.routes[which]
	}
	return nil
}

// newestServer returns the server of the newest client, or its successor.
func (b *bridge) newestServer() *caddyhttp.Server { return b.server.Load() }

// newestLogger returns the log of the newest instance, and a silent one after the last. It takes
// no lock, since who holds one logs too.
func (b *bridge) newestLogger() *zap.Logger {
	if h := b.current.Load(); h != nil {
		return h.logger
	}
	return zap.NewNop()
}

// errBusy says that a limit is reached; errHalted that the bridge has ended.
var (
	errBusy   = errors.New("over a limit")
	errHalted = errors.New("the bridge has ended")
)

// admit counts a client in, or says which limit turns it away.
func (b *bridge) admit(ip string) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	limits := b.plan.limits
	switch {
	case b.halted:
		return nil, errHalted
	case limits.Clients > 0 && b.clients >= limits.Clients:
		return nil, fmt.Errorf("%w: %d clients", errBusy, limits.Clients)
	case limits.ClientsPerIP > 0 && b.perIP[ip] >= limits.ClientsPerIP:
		return nil, fmt.Errorf("%w: %d clients of one address", errBusy, limits.ClientsPerIP)
	}
	b.clients++
	b.perIP[ip]++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.clients--
		if b.perIP[ip]--; b.perIP[ip] == 0 {
			delete(b.perIP, ip)
		}
	}, nil
}

// join gives a client its place in the feed of its poll request.
func (b *bridge) join(p *pollRequest) (*feed.Reader, error) {
	poll := b.poller.poll(p)
	if b.observer != nil {
		b.observer.begin(p)
	}
	for {
		f, err := b.feed(p)
		if err != nil {
			return nil, err
		}
		if r := f.Join(p.lastID, feed.Start{Key: p.first.key(), Poll: poll, Asks: p.asks}); r != nil {
			return r, nil
		}
		b.forget(f) // it closed in between
	}
}

func (b *bridge) feed(p *pollRequest) (*feed.Feed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.halted {
		return nil, errHalted
	}
	if f, ok := b.feeds.byKey[p.key]; ok {
		return f, nil
	}
	if err := b.feeds.room(); err != nil {
		return nil, err
	}
	about, logger := b.about(p), b.loggerOf(p)
	f := feed.New(&b.config, logger)
	b.feeds.add(f, p, about, logger)
	return f, nil
}

// about says what is safe to say of a poll's feed.
func (b *bridge) about(p *pollRequest) about { return newAbout(p, b.feedID(p.key), b.name) }

// loggerOf returns the logger of a poll's feed.
func (b *bridge) loggerOf(p *pollRequest) *zap.Logger {
	about := b.about(p)
	return b.logger.With(
		zap.String("bridge", about.Bridge), zap.String("feed", about.ID),
		zap.String("method", about.Method), zap.String("host", about.Host), zap.String("path", about.Path))
}

// feedID names a feed to operators, for as long as the bridge lives. The salt keeps whoever reads it
// from trying out which secrets the key was made of.
func (b *bridge) feedID(key feedKey) string {
	sum := sha256.Sum256(append(b.salt[:], key[:]...))
	return hex.EncodeToString(sum[:6])
}

// hintCopied says once in the bridge's life what polls lack of what a forward_auth in front says.
func (b *bridge) hintCopied(r *http.Request) {
	if b.copiedTold.Load() {
		return
	}
	if names := copiedFields(b.plan, r); len(names) > 0 && b.copiedTold.CompareAndSwap(false, true) {
		b.logger.Warn("forward_auth in front sets header fields that polls do not have, so that they are anonymous where plain requests are not: `header_up "+
			names[0]+" {header."+names[0]+"}` gives them one", zap.String("bridge", b.name), zap.Strings("headers", names))
	}
}

// forget drops a feed that has closed.
func (b *bridge) forget(f *feed.Feed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feeds.drop(f)
}

// allBridges returns the bridges that are in use.
func allBridges() (all []*bridge) {
	bridges.Range(func(_, v any) bool {
		if b, ok := v.(*bridge); ok {
			all = append(all, b)
		}
		return true
	})
	return all
}

// feedOf returns the feed of an id; nil if there is none.
func (b *bridge) feedOf(id string) (*feed.Feed, about) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f, about := range b.feeds.about {
		if about.ID == id {
			return f, about
		}
	}
	return nil, about{}
}

// Interface guards
var _ caddy.Destructor = (*bridge)(nil)
