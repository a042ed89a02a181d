package nats

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
	"go.uber.org/zap"
)

const (
	dialTimeout    = 2 * time.Second
	writeTimeout   = 2 * time.Second
	retrySoon      = 100 * time.Millisecond
	retryLater     = time.Second
	soonRetries    = 50
	retryWhenLame  = time.Second     // a connected server has not answered
	aMoment        = time.Second     // an outage that is shorter is not warned of, such as a change to another server
	retryForbidden = 5 * time.Second // whether a permission was granted
)

// retryAfter returns how long to wait after all servers were tried that many times.
func retryAfter(attempts int) time.Duration {
	wait := retrySoon
	if attempts > soonRetries {
		wait = retryLater
	}
	return wait + time.Duration(rand.Int64N(int64(wait/2)))
}

// reason is why the bus is down. In each outage, one warning is written for each.
type reason int

const (
	away reason = 1 << iota
	refused
	forbidden
)

func reasonOf(err error) reason {
	for _, auth := range []error{natsgo.ErrAuthorization, natsgo.ErrAuthExpired, natsgo.ErrAuthRevoked, natsgo.ErrAccountAuthExpired} {
		if errors.Is(err, auth) {
			return refused
		}
	}
	if errors.Is(err, natsgo.ErrPermissionViolation) {
		return forbidden
	}
	return away
}

// withCallbacks returns options with which nats.go tells the connection what happens.
func (c *connection) withCallbacks(o natsgo.Options) natsgo.Options {
	host, _ := os.Hostname()
	o.Name = "sse_bridge on " + host
	o.CustomDialer = dialer{ctx: c.ctx, timeout: dialTimeout}
	o.DisconnectedErrCB = func(_ *natsgo.Conn, err error) { c.down(away, err) }
	o.ReconnectErrCB = func(_ *natsgo.Conn, err error) { c.down(reasonOf(err), err) }
	o.ReconnectedCB = func(*natsgo.Conn) { c.proveAgain() }
	o.ClosedCB = func(*natsgo.Conn) { c.proveAgain() }
	o.AsyncErrorCB = func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) {
		if why := reasonOf(err); why != away { // others, such as messages that were dropped, leave it connected
			c.down(why, err)
		}
	}
	return o
}

func (c *connection) proveAgain() {
	select {
	case c.again <- struct{}{}:
	default:
	}
}

// keep makes the connection, and makes it anew if nats.go gives it up: it does after errors that it does not know.
func (c *connection) keep(options natsgo.Options) {
	defer close(c.ended)
	for attempts := 1; ; attempts++ {
		nc, err := options.Connect()
		if err == nil {
			attempts = 0
			c.attach(nc)
			c.watch(nc)
			nc.Close()
			err = nc.LastError()
		}
		c.down(reasonOf(err), err)
		select {
		case <-c.ending:
			return
		case <-time.After(retryAfter(attempts)):
		}
	}
}

// attach makes a new connection that of the bus, with all subscriptions. None is added meanwhile, as the bus is down.
func (c *connection) attach(nc *natsgo.Conn) {
	c.mutex.Lock()
	c.nc, c.stale = nc, nil
	before := make([]*subscription, 0, len(c.heard))
	for _, s := range c.heard {
		before = append(before, s)
	}
	c.mutex.Unlock()
	for _, s := range before {
		on, err := nc.ChanSubscribe(s.subject, c.incoming)
		if err != nil {
			return // nats.go has closed it again
		}
		c.mutex.Lock()
		ended := c.heard[s.on] != s
		if !ended {
			delete(c.heard, s.on)
			s.on = on
			c.heard[on] = s
		}
		c.mutex.Unlock()
		if ended {
			_ = on.Unsubscribe()
		}
	}
}

// watch returns when nats.go has closed the connection, or it is to be closed.
func (c *connection) watch(nc *natsgo.Conn) {
	for {
		next := c.prove(nc)
		select {
		case <-c.ending:
			return
		case <-c.again:
		case <-next: // nil while there is nothing to wait for
			if c.isDenied() {
				_ = nc.ForceReconnect() // subscriptions that were denied are made again by that alone
			}
		}
		if nc.IsClosed() {
			return
		}
	}
}

func (c *connection) isDenied() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.denied
}

// prove finds out whether messages can go both ways. If they cannot, it returns when to try that again.
func (c *connection) prove(nc *natsgo.Conn) (next <-chan time.Time) {
	if !nc.IsConnected() {
		return nil // proveAgain is called then
	}
	c.mutex.Lock()
	outage, stale := c.outage, c.stale
	c.denied, c.stale = false, nil
	c.mutex.Unlock()
	for _, on := range stale {
		_ = on.Unsubscribe()
	}
	err := c.probe(nc)
	switch {
	case reasonOf(err) == forbidden:
		c.down(forbidden, err)
		return time.After(retryForbidden)
	case err != nil:
		c.down(away, err)
		return time.After(retryWhenLame)
	}
	largest, server := int(nc.MaxPayload()), nc.ConnectedUrlRedacted()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.denied {
		return time.After(retryForbidden)
	}
	if c.outage != outage || c.closed {
		return nil
	}
	c.largest = largest
	c.endOutage()
	c.turn(true)
	c.logger.Info("connected to NATS", zap.String("server", server))
	return nil
}

// probe publishes and subscribes to a subject that nobody else uses. A node does not hear itself, but the server
// answers only when it has read both, and says before that what it does not allow. That may be another subject, such
// as that of a subscription from before: an error stays the last one until the next reconnect.
func (c *connection) probe(nc *natsgo.Conn) error {
	subject := c.subject("ping." + nuid.Next())
	on, err := nc.ChanSubscribe(subject, c.incoming)
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", subject, err)
	}
	defer func() { _ = on.Unsubscribe() }()
	if err := nc.Publish(subject, nil); err != nil {
		return fmt.Errorf("publishing to %s: %w", subject, err)
	}
	if err := nc.FlushTimeout(roundTrip); err != nil {
		return fmt.Errorf("waiting for the server: %w", err)
	}
	if err := nc.LastError(); errors.Is(err, natsgo.ErrPermissionViolation) {
		return err
	}
	return nil
}

// about reports whether a server's error is about a subject.
func about(err error, subject string) bool { return strings.Contains(err.Error(), `"`+subject+`"`) }

// down notes an outage, and sees to it that it is warned of. An outage goes on until the bus is up.
func (c *connection) down(why reason, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return
	}
	if c.up && why == forbidden {
		c.proveAgain() // to find out when it is granted
	}
	if c.up || why == away {
		c.outage++
	}
	c.turn(false)
	switch why {
	case away:
		if err != nil {
			c.cause = err
		}
		if c.alarm == nil {
			c.alarm = time.AfterFunc(aMoment, c.warnOfAbsence)
		}
	case refused:
		c.warn(why, "NATS refuses the credentials, and is asked again until it takes them; set what the server wants: credentials, nkey, user or token", err)
	case forbidden:
		c.denied = true
		c.warn(why, "a permission is missing at NATS, and no polls are shared until it is granted; let the user publish and subscribe to all subjects of the prefix", err,
			zap.String("publish", c.subject(">")), zap.String("subscribe", c.subject(">")))
	}
}

// warnOfAbsence warns of an outage that has lasted for a moment. A server that refuses somebody closes the
// connection, too, so that another warning says enough.
func (c *connection) warnOfAbsence() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.up && !c.closed && c.warned == 0 {
		c.warn(away, "there is no connection to NATS; it is tried again until there is one", c.cause)
	}
}

// warn writes a warning, once in an outage. The mutex is held.
func (c *connection) warn(why reason, text string, err error, fields ...zap.Field) {
	if c.warned&why == 0 {
		c.warned |= why
		c.logger.Warn(text, append(fields, zap.Error(err))...)
	}
}

// endOutage forgets what was warned of, and whether to. The mutex is held.
func (c *connection) endOutage() {
	if c.alarm != nil {
		c.alarm.Stop()
	}
	c.alarm, c.cause, c.warned = nil, nil, 0
}

// turn sets whether the bus is up. What waits to be sent is given up when it goes down. The mutex is held.
func (c *connection) turn(up bool) {
	if !up && !c.closed {
		c.waiting, c.nWaiting = nil, 0
	}
	if c.up != up || c.closed {
		c.up = up
		c.tell()
	}
}

// tell wakes those who wait for a change. The mutex is held.
func (c *connection) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// dialer makes connections that end with a context.
type dialer struct {
	ctx     context.Context
	timeout time.Duration
}

// Dial is what nats.go calls.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	plain := net.Dialer{Timeout: d.timeout}
	conn, err := plain.DialContext(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(d.ctx, func() { _ = conn.Close() })
	return &dialed{Conn: conn, stop: stop}, nil
}

type dialed struct {
	net.Conn

	stop func() bool
}

func (d *dialed) Close() error {
	d.stop()
	return d.Conn.Close()
}
