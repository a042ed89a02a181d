package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"go.uber.org/zap"
)

// largest is the size of the largest message. Redis takes 512 MB, but ends the connection of a subscriber for which
// more than 32 MB wait, or 8 MB for a minute, unless `client-output-buffer-limit pubsub` says otherwise. And a message
// must pass within the time after which a server is taken to be silent.
const largest = 8 << 20

// errAway is that of whoever wants something of a server that is away.
var errAway = errors.New("redis is away")

// bus is a cluster.Connection. What is on the wire is a link's business; a bus has one at a time, or none.
type bus struct {
	settings *settings
	logger   *zap.Logger
	sender   string // before each message: Redis sends a node its own, too
	stop     context.CancelFunc
	stopped  chan struct{}

	mu      sync.Mutex // never held while the network is waited for
	link    *link      // nil: away
	up      bool       // messages go both ways
	changed chan struct{}
	heard   map[string][]*subscription // by channel; a list is never changed
}

// subscription is one listener to a topic.
type subscription struct {
	bus     *bus
	channel string
	hear    func([]byte)
	on      atomic.Bool // from when the server has confirmed it until it ends
}

// senderSize is the length of what stands before a message.
const senderSize = 16

func connect(s *settings, logger *zap.Logger) *bus {
	ctx, stop := context.WithCancel(context.Background())
	b := &bus{
		settings: s,
		logger:   logger,
		sender:   rand.Text()[:senderSize],
		stop:     stop,
		stopped:  make(chan struct{}),
		changed:  make(chan struct{}),
		heard:    make(map[string][]*subscription),
	}
	go func() {
		defer close(b.stopped)
		b.keep(ctx)
	}()
	return b
}

func (b *bus) Publish(topic string, message []byte) error {
	if len(message) > largest {
		return fmt.Errorf("publishing on %s: a message of %d bytes: the largest is of %d", topic, len(message), largest)
	}
	b.mu.Lock()
	link, up := b.link, b.up
	b.mu.Unlock()
	if !up {
		return fmt.Errorf("publishing on %s: %w", topic, errAway)
	}
	whole := append(append(make([]byte, 0, senderSize+len(message)), b.sender...), message...)
	if err := link.outbox.put(letter{b.settings.channel(topic), whole}); err != nil {
		return fmt.Errorf("publishing on %s: %w", topic, err)
	}
	return nil
}

func (b *bus) Subscribe(topic string, heard func(message []byte)) (cluster.Subscription, error) {
	s := &subscription{bus: b, channel: b.settings.channel(topic), hear: heard}
	b.mu.Lock()
	link := b.link
	if !b.up {
		b.mu.Unlock()
		return nil, fmt.Errorf("subscribing to %s: %w", topic, errAway)
	}
	b.heard[s.channel] = append(slices.Clip(b.heard[s.channel]), s)
	b.mu.Unlock()
	if err := link.subscribe(s.channel); err != nil {
		s.remove()
		return nil, fmt.Errorf("subscribing to %s: %w", topic, b.settings.advised(err))
	}
	s.on.Store(true)
	return s, nil
}

func (s *subscription) Unsubscribe() error {
	s.remove()
	return nil
}

// remove takes the subscription off the bus, and tells the server when it was the last of its channel.
func (s *subscription) remove() {
	b := s.bus
	s.on.Store(false)
	b.mu.Lock()
	link := b.link
	left := slices.DeleteFunc(slices.Clone(b.heard[s.channel]), func(other *subscription) bool { return other == s })
	if len(left) > 0 {
		b.heard[s.channel] = left
	} else {
		delete(b.heard, s.channel)
	}
	b.mu.Unlock()
	if len(left) == 0 && link != nil {
		link.unsubscribe(s.channel)
	}
}

func (b *bus) State() (bool, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up, b.changed
}

func (b *bus) Largest() int { return largest }

func (b *bus) Close() error {
	b.stop()
	<-b.stopped
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.heard)
	return nil
}

// begin makes a link the one that subscriptions use, and returns the channels that are wanted.
func (b *bus) begin(l *link) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link = l
	channels := make([]string, 0, len(b.heard))
	for channel := range b.heard {
		channels = append(channels, channel)
	}
	return channels
}

// end says that the link is over: the bus is down.
func (b *bus) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link = nil
	b.turn(false)
}

// proven says that messages go both ways.
func (b *bus) proven() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(true)
}

// turn changes the state. b.mu is held.
func (b *bus) turn(up bool) {
	if b.up != up {
		b.up = up
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

func (b *bus) wants(channel string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.heard[channel]) > 0
}

// deliver gives a message to those who listen, unless it is this node's.
func (b *bus) deliver(channel string, whole []byte) {
	if len(whole) < senderSize || string(whole[:senderSize]) == b.sender {
		return
	}
	b.mu.Lock()
	all := b.heard[channel]
	b.mu.Unlock()
	for _, s := range all {
		if s.on.Load() {
			s.hear(whole[senderSize:])
		}
	}
}

// Interface guards
var (
	_ cluster.Connection   = (*bus)(nil)
	_ cluster.Subscription = (*subscription)(nil)
	_ listeners            = (*bus)(nil)
)
