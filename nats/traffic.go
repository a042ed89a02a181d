package nats

import (
	"errors"

	natsgo "github.com/nats-io/nats.go"
)

// letter is a message that waits to be sent, or only a channel to close when all before it were sent.
type letter struct {
	subject string
	message []byte
	size    int
	sent    chan struct{}
}

// post adds a letter to those that wait. The mutex is held.
func (c *connection) post(l letter) {
	c.waiting = append(c.waiting, l)
	c.nWaiting += l.size
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send hands letters to nats.go, which may wait for the network.
func (c *connection) send() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake:
		}
		for {
			l, nc, is := c.take()
			if !is {
				break
			}
			if l.sent != nil {
				close(l.sent)
				continue
			}
			// Nothing is known of other errors that the callbacks do not tell.
			if err := nc.Publish(l.subject, l.message); errors.Is(err, natsgo.ErrMaxPayload) {
				c.shrink(int(nc.MaxPayload()))
			}
		}
	}
}

func (c *connection) take() (l letter, nc *natsgo.Conn, is bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.waiting) == 0 {
		return letter{}, nil, false
	}
	l = c.waiting[0]
	c.waiting[0] = letter{}
	c.waiting = c.waiting[1:]
	c.nWaiting -= l.size
	return l, c.nc, true
}

// shrink notes that the server takes no more than that now, and has lost a message that was larger.
func (c *connection) shrink(largest int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.largest = largest
	c.tell()
}

// hear calls those who listen, one after another. When more comes than they read, nats.go drops what does not fit
// into the channel, and tells that once for each subscription and not each time. So the length of the channel says
// whether that may have happened: it is told when some of it was read, and asking again makes sense.
func (c *connection) hear() {
	overrun := false
	for {
		select {
		case <-c.ctx.Done():
			return
		case m := <-c.incoming:
			waiting := len(c.incoming)
			overrun = overrun || waiting >= cap(c.incoming)-1 // it was full before this one was taken
			if s := c.listener(m.Sub); s != nil {
				s.heard(m.Data)
			}
			if overrun && waiting < cap(c.incoming)/2 {
				overrun = false
				c.mutex.Lock()
				c.tell()
				c.mutex.Unlock()
			}
		}
	}
}

// listener returns the subscription of the bus that is that of nats.go; nil if it has ended.
func (c *connection) listener(on *natsgo.Subscription) *subscription {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.heard[on]
}
