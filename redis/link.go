package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// A node publishes to a channel of its own every beat. If it has not heard itself for as long as silence, the link is over.
// What a frozen server was sent before that, it still publishes when it goes on: that much may come late.
const (
	beat    = 500 * time.Millisecond
	silence = 2 * time.Second
)

// mostChannels is how many channels one SUBSCRIBE names.
const mostChannels = 1000

var errSilent = fmt.Errorf("a message to this node itself has not come back within %v", silence)

// link is one connection that publishes and one that listens. It ends when either breaks, and nothing of it goes to
// the next one.
type link struct {
	listeners
	own      string // the channel of its beats; the name is no topic
	out, in  redis.Conn
	outbox   *outbox
	beats    chan struct{} // one was heard
	failures chan error

	wire    sync.Mutex // keeps commands and answers in one order, and is held while they are written
	sent    map[string]*answer
	answers answers
}

// listeners are those for whom a link listens.
type listeners interface {
	// begin makes l the link that is used, and returns the channels that are wanted.
	begin(l *link) []string
	// end says that l is over.
	end()
	wants(channel string) bool
	deliver(channel string, whole []byte)
}

// use connects, calls up when messages go both ways, and returns why the link has ended.
func (s *settings) use(ctx context.Context, whose listeners, up func(address string)) error {
	address, err := s.find(ctx)
	if err != nil {
		return err
	}
	if err := s.useAt(ctx, address, whose, func() { up(address) }); err != nil {
		return fmt.Errorf("redis at %s: %w", address, err)
	}
	return nil
}

func (s *settings) useAt(ctx context.Context, address string, whose listeners, up func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &link{
		listeners: whose,
		own:       s.channel("." + rand.Text()),
		outbox:    newOutbox(),
		beats:     make(chan struct{}, 1),
		sent:      make(map[string]*answer),
		failures:  make(chan error, 2),
	}
	var err error
	if l.in, err = s.dial(ctx, address, s.login); err != nil {
		return err
	}
	if l.out, err = s.dial(ctx, address, s.login); err != nil {
		return err
	}
	var running sync.WaitGroup
	running.Go(func() { l.failures <- l.listen() })
	running.Go(func() { l.failures <- l.publish(ctx) })
	err = l.prove(ctx, up)
	l.end()
	l.outbox.end()
	cancel() // it closes both connections
	running.Wait()
	l.answers.end(errAway)
	return err
}

// prove subscribes to all that is wanted, and lives as long as the node hears its own beats.
func (l *link) prove(ctx context.Context, up func()) error {
	if err := l.subscribeAll(); err != nil {
		return err
	}
	l.outbox.putBeat(letter{l.own, nil})
	every, silent, proven := time.NewTicker(beat), time.NewTimer(silence), false
	defer every.Stop()
	defer silent.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-l.failures:
			return err
		case <-every.C:
			l.outbox.putBeat(letter{l.own, nil})
		case <-silent.C:
			return errSilent
		case <-l.beats:
			silent.Reset(silence)
			if !proven {
				proven = true
				up()
			}
		}
	}
}

// publish sends what is put into the outbox.
func (l *link) publish(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.outbox.more:
		}
		batch := l.outbox.take()
		for _, letter := range batch {
			if err := l.out.Send("PUBLISH", letter.channel, letter.whole); err != nil {
				return fmt.Errorf("publishing: %w", err)
			}
		}
		if err := l.out.Flush(); err != nil {
			return fmt.Errorf("publishing: %w", err)
		}
		for range batch {
			if _, err := l.out.Receive(); err != nil {
				return fmt.Errorf("publishing: %w", err)
			}
		}
	}
}

// listen reads what the server sends to the connection that listens.
func (l *link) listen() error {
	in := redis.PubSubConn{Conn: l.in}
	for {
		switch got := in.ReceiveWithTimeout(0).(type) {
		case redis.Message:
			if got.Channel != l.own {
				l.deliver(got.Channel, got.Data)
				continue
			}
			select {
			case l.beats <- struct{}{}:
			default:
			}
		case redis.Subscription:
			l.answers.one(nil)
		case error:
			refused := redis.Error("")
			if !errors.As(got, &refused) || !l.answers.one(got) {
				return fmt.Errorf("listening: %w", got)
			}
		}
	}
}
