package redis

import (
	"fmt"
	"slices"
	"sync"
)

// answer is what the server says to one command that names channels: once for each, or an error once.
type answer struct {
	needed bool // an error ends the link
	left   int
	err    error
	done   chan struct{}
}

// answers are those that are awaited, in the order of the commands.
type answers struct {
	mu      sync.Mutex
	awaited []*answer
	ended   error
}

// await is called before the command is written.
func (a *answers) await(channels int, needed bool) (*answer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended != nil {
		return nil, a.ended
	}
	next := &answer{needed: needed, left: channels, done: make(chan struct{})}
	a.awaited = append(a.awaited, next)
	return next, nil
}

// one takes one answer in. It reports whether the link goes on: an answer was awaited, and it is no error to one that is
// needed.
func (a *answers) one(err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.awaited) == 0 {
		return false
	}
	first := a.awaited[0]
	if first.left--; err != nil || first.left == 0 {
		a.awaited = a.awaited[1:]
		first.err = err
		close(first.done)
	}
	return err == nil || !first.needed
}

// end answers all that is awaited, or ever will be.
func (a *answers) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = err
	for _, each := range a.awaited {
		each.err = err
		close(each.done)
	}
	a.awaited = nil
}

// tell writes a command, and returns where its answer will be. l.wire is held.
func (l *link) tell(command string, needed bool, channels ...string) (*answer, error) {
	answer, err := l.answers.await(len(channels), needed)
	if err != nil {
		return nil, err
	}
	arguments := make([]any, len(channels))
	for i, channel := range channels {
		arguments[i] = channel
	}
	if err := l.in.Send(command, arguments...); err != nil {
		return nil, err
	}
	return answer, l.in.Flush()
}

// subscribeAll subscribes to the channels that are wanted when a link begins, and to its own after them: the server knows
// them all when a beat is heard.
func (l *link) subscribeAll() error {
	l.wire.Lock()
	defer l.wire.Unlock()
	channels := append(l.begin(l), l.own)
	for some := range slices.Chunk(channels, mostChannels) {
		answer, err := l.tell("SUBSCRIBE", true, some...)
		if err != nil {
			return fmt.Errorf("subscribing: %w", err)
		}
		for _, channel := range some {
			l.sent[channel] = answer
		}
	}
	return nil
}

// subscribe returns once the server has confirmed the channel.
func (l *link) subscribe(channel string) error {
	l.wire.Lock()
	answer := l.sent[channel]
	if answer == nil {
		var err error
		if answer, err = l.tell("SUBSCRIBE", false, channel); err != nil {
			l.wire.Unlock()
			return err
		}
		l.sent[channel] = answer
	}
	l.wire.Unlock()
	<-answer.done
	if answer.err != nil {
		l.wire.Lock()
		if l.sent[channel] == answer {
			delete(l.sent, channel)
		}
		l.wire.Unlock()
	}
	return answer.err
}

// unsubscribe tells the server that a channel is no longer wanted, unless it is again. If that cannot be said, the link
// is over.
func (l *link) unsubscribe(channel string) {
	l.wire.Lock()
	defer l.wire.Unlock()
	if l.sent[channel] != nil && !l.wants(channel) {
		delete(l.sent, channel)
		_, _ = l.tell("UNSUBSCRIBE", false, channel)
	}
}
