package feed

import (
	"slices"
	"time"
)

// lobby holds the readers that wait for a chain because there are too many chains. The feed's lock guards it.
type lobby struct {
	log     *log // all readers stand here until they have a place in another one
	waiting []*Reader
	timer   *time.Timer // until the next look at them; nil: nobody waits
}

// look schedules the next look in a second, if readers wait.
func (l *lobby) look(look func()) {
	if l.timer == nil && len(l.waiting) > 0 {
		l.timer = time.AfterFunc(time.Second, look)
	}
}

func (l *lobby) leave(r *Reader) {
	l.waiting = slices.DeleteFunc(l.waiting, func(other *Reader) bool { return other == r })
}

// clear seats the readers that can have a place by now.
func (l *lobby) clear(to host) {
	waiting := l.waiting
	l.waiting = nil
	for i, r := range waiting {
		if !to.seat(r) {
			l.waiting = append(l.waiting, waiting[i:]...)
			break
		}
	}
	if len(l.waiting) == 0 && l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

func (l *lobby) wake() {
	for _, r := range l.waiting {
		r.signal()
	}
}

// stop stops the streams of all that wait: no chain begins for a reader that is sent away.
func (l *lobby) stop(end *End) {
	for _, r := range l.waiting {
		r.stop(end)
	}
	l.waiting = nil
}
