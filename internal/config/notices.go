package config

import "strconv"

// The values of `notices`.
const (
	noticeStart = "start"
	noticeEnd   = "end"
	noticeAlive = "alive"
)

// Notices are the events that tell clients of their stream.
type Notices struct {
	Start bool // it continues after the client's id
	End   bool // nothing will follow
	Alive bool // it lives, after silence
}

func (h *Config) notices() (n Notices, err error) {
	for i, name := range h.Notices {
		field := "notices." + strconv.Itoa(i)
		to, ok := map[string]*bool{noticeStart: &n.Start, noticeEnd: &n.End, noticeAlive: &n.Alive}[name]
		switch {
		case !ok:
			return n, wrong(field, "%q is not a notice: write some of start, end and alive", name)
		case *to:
			return n, wrong(field, "%q is given twice: remove one", name)
		}
		*to = true
	}
	return n, nil
}
