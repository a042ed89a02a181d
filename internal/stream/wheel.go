package stream

import "time"

// wheel ends streams at given times, so that no stream needs a timer of its own (Varghese and Lauck, Hashed and Hierarchical
// Timing Wheels, 1987). A time is rounded down to a tick, but is never sooner than the next one. The watchdog's lock guards it.
type wheel struct {
	tick  time.Duration
	began time.Time
	done  int64 // the newest tick that has been
	due   map[int64][]*stream
}

func newWheel(tick time.Duration) wheel {
	return wheel{tick: tick, began: time.Now(), due: make(map[int64][]*stream)}
}

// at returns the tick of a time from now.
func (w *wheel) at(from time.Duration) int64 { return int64((time.Since(w.began) + from) / w.tick) }

// set has a stream due after a time, and no longer when it was due before. It returns after which time that is.
func (w *wheel) set(s *stream, after time.Duration) time.Duration {
	w.unset(s)
	if len(w.due) == 0 {
		w.done = w.at(0)
	}
	s.due = max(w.at(after), w.done+1)
	s.spoke = int32(len(w.due[s.due]))
	w.due[s.due] = append(w.due[s.due], s)
	return time.Duration(s.due)*w.tick - time.Since(w.began)
}

// unset has a stream not due any more.
func (w *wheel) unset(s *stream) {
	if s.due == 0 {
		return
	}
	list := w.due[s.due]
	last := list[len(list)-1]
	list[s.spoke], last.spoke = last, s.spoke
	list[len(list)-1] = nil
	if list = list[:len(list)-1]; len(list) == 0 {
		delete(w.due, s.due)
	} else {
		w.due[s.due] = list
	}
	s.due = 0
}

// turn returns the streams that are due now. They are not due any more.
func (w *wheel) turn() (now []*stream) {
	for until := w.at(0); w.done < until; {
		if len(w.due) == 0 {
			w.done = until
			return now
		}
		w.done++
		list := w.due[w.done]
		delete(w.due, w.done)
		for _, s := range list {
			s.due = 0
		}
		now = append(now, list...)
	}
	return now
}
