package redis

import (
	"errors"
	"sync"
)

// mostWaiting is how many bytes may wait to be sent. The server takes them slower than they come if there are more.
const mostWaiting = 4 * largest

// mostAtOnce is how many bytes are sent before the server's answers are awaited, if there is more than one message.
const mostAtOnce = 1 << 20

var errFull = errors.New("more waits to be sent to redis than it takes")

// letter is a message and the channel that it goes to.
type letter struct {
	channel string
	whole   []byte
}

// outbox holds what one link is to send. It ends with its link, and what is in it with it.
type outbox struct {
	mu      sync.Mutex
	beat    *letter // goes before all others
	waiting []letter
	size    int
	ended   bool
	more    chan struct{} // has one element if there is something to take
}

func newOutbox() *outbox { return &outbox{more: make(chan struct{}, 1)} }

func (o *outbox) put(l letter) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ended:
		return errAway
	case o.size > 0 && o.size+len(l.whole) > mostWaiting:
		return errFull
	}
	o.waiting = append(o.waiting, l)
	o.size += len(l.whole)
	o.signal()
	return nil
}

func (o *outbox) putBeat(l letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.beat = &l
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// take returns what is sent next, in one go. It is empty if nothing waits.
func (o *outbox) take() (batch []letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.beat != nil {
		batch = append(batch, *o.beat)
		o.beat = nil
	}
	n, size := 0, 0
	for n < len(o.waiting) && (n == 0 || size+len(o.waiting[n].whole) <= mostAtOnce) {
		size += len(o.waiting[n].whole)
		n++
	}
	batch = append(batch, o.waiting[:n]...)
	clear(o.waiting[:n])
	if o.waiting = o.waiting[n:]; len(o.waiting) == 0 {
		o.waiting = nil
	} else {
		o.signal()
	}
	o.size -= size
	return batch
}

func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended, o.waiting, o.size, o.beat = true, nil, 0, nil
}
