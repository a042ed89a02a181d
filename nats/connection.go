package nats

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"go.uber.org/zap"
)

const (
	roundTrip      = 2 * time.Second        // in which a server answers
	farewell       = 200 * time.Millisecond // in which Close sends what waits
	defaultLargest = 1 << 20                // the default of nats-server
	mostWaiting    = 8 << 20                // bytes that wait to be sent
	perMessage     = 256                    // what a message that waits costs beside its bytes
	incomingQueue  = 8192                   // messages that wait for heard
)

var (
	errAway   = errors.New("NATS is away")
	errClosed = errors.New("the connection is closed")
	errFull   = errors.New("too much is waiting to be sent")
)

// connection is a bus on NATS. A natsgo.Conn holds its lock while it dials: until it is connected again, each of its
// methods may wait for seconds. So Publish and State never call it, and what has to is called while the bus is up.
type connection struct {
	prefix string
	logger *zap.Logger
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc

	incoming chan *natsgo.Msg
	wake     chan struct{} // something waits to be sent
	again    chan struct{} // nats.go has reconnected
	ending   chan struct{} // closed by Close
	ended    chan struct{} // closed when nats.go has been closed

	mutex    sync.Mutex
	nc       *natsgo.Conn // nil before the first
	up       bool
	changed  chan struct{}
	closed   bool
	outage   int         // counts them
	warned   reason      // in this outage
	alarm    *time.Timer // warns if this outage lasts
	cause    error       // of this outage, the last that was told
	denied   bool        // a permission is missing on this connection
	largest  int
	heard    map[*natsgo.Subscription]*subscription
	stale    []*natsgo.Subscription // they ended while it was down, and nats.go does not know
	waiting  []letter
	nWaiting int // bytes
}

// connect returns a connection that is made in the background.
func connect(options natsgo.Options, prefix string, logger *zap.Logger) *connection {
	c := &connection{
		prefix:   prefix,
		logger:   logger.With(zap.Strings("servers", options.Servers)),
		incoming: make(chan *natsgo.Msg, incomingQueue),
		wake:     make(chan struct{}, 1),
		again:    make(chan struct{}, 1),
		ending:   make(chan struct{}),
		ended:    make(chan struct{}),
		changed:  make(chan struct{}),
		largest:  defaultLargest,
		heard:    make(map[*natsgo.Subscription]*subscription),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.keep(c.withCallbacks(options))
	go c.send()
	go c.hear()
	return c
}

func (c *connection) subject(topic string) string { return c.prefix + "." + topic }

func (c *connection) State() (up bool, changed <-chan struct{}) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.up, c.changed
}

func (c *connection) Largest() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.largest
}

func (c *connection) Publish(topic string, message []byte) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	size := len(message) + perMessage
	switch {
	case c.closed:
		return errClosed
	case !c.up:
		return errAway
	case len(message) > c.largest:
		return fmt.Errorf("a message of %d bytes is too large: NATS takes %d", len(message), c.largest)
	case len(c.waiting) > 0 && c.nWaiting+size > mostWaiting:
		return errFull
	}
	c.post(letter{subject: c.subject(topic), message: append([]byte(nil), message...), size: size})
	return nil
}

// subscription is one of the bus. NATS knows each of them.
type subscription struct {
	connection *connection
	subject    string
	heard      func(message []byte)
	on         *natsgo.Subscription // guarded by the connection's mutex
}

func (c *connection) Subscribe(topic string, heard func(message []byte)) (cluster.Subscription, error) {
	c.mutex.Lock()
	nc, up, closed := c.nc, c.up, c.closed
	c.mutex.Unlock()
	switch {
	case closed:
		return nil, errClosed
	case !up:
		return nil, errAway
	}
	s := &subscription{connection: c, subject: c.subject(topic), heard: heard}
	on, err := nc.ChanSubscribe(s.subject, c.incoming)
	if err != nil {
		return nil, fmt.Errorf("subscribing to %s: %w", s.subject, err)
	}
	if err := c.told(nc, s.subject); err != nil {
		c.forget(nc, on)
		return nil, fmt.Errorf("subscribing to %s: %w", s.subject, err)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	switch {
	case c.closed:
		return nil, errClosed
	case c.nc != nc:
		return nil, errAway
	}
	s.on = on
	c.heard[on] = s
	return s, nil
}

// told waits until the server has read all that it was sent, and returns what it says about the subject.
func (c *connection) told(nc *natsgo.Conn, subject string) error {
	if err := nc.FlushTimeout(roundTrip); err != nil {
		return fmt.Errorf("waiting for the server: %w", err)
	}
	// A permission that is missing is no error of any call. It is told before the answer to the flush.
	if err := nc.LastError(); errors.Is(err, natsgo.ErrPermissionViolation) && about(err, subject) {
		return err
	}
	return nil
}

// forget ends a subscription of nats.go, as soon as that does not wait.
func (c *connection) forget(nc *natsgo.Conn, on *natsgo.Subscription) {
	c.mutex.Lock()
	if c.nc != nc || c.closed {
		c.mutex.Unlock()
		return // it ended with its connection
	}
	if !c.up {
		c.stale = append(c.stale, on)
		c.mutex.Unlock()
		return
	}
	c.mutex.Unlock()
	_ = on.Unsubscribe() // it fails if the connection is closed, and has ended then
}

func (s *subscription) Unsubscribe() error {
	c := s.connection
	c.mutex.Lock()
	on, nc := s.on, c.nc
	_, known := c.heard[on]
	delete(c.heard, on)
	c.mutex.Unlock()
	if known {
		c.forget(nc, on)
	}
	return nil
}

func (c *connection) Close() error {
	c.mutex.Lock()
	if c.closed {
		c.mutex.Unlock()
		return nil
	}
	sent := make(chan struct{})
	if c.up {
		c.post(letter{sent: sent})
	} else {
		close(sent)
	}
	c.closed = true
	c.endOutage()
	c.turn(false)
	clear(c.heard)
	c.mutex.Unlock()

	select {
	case <-sent: // such as a goodbye
	case <-time.After(farewell):
	}
	late := time.AfterFunc(farewell, c.cancel) // it also ends calls of nats.go that wait for a server
	defer late.Stop()
	close(c.ending)
	<-c.ended
	c.cancel()
	return nil
}

// Interface guards
var (
	_ cluster.Connection   = (*connection)(nil)
	_ cluster.Subscription = (*subscription)(nil)
)
