package cluster

import (
	"fmt"
	"syscall"
	"time"
)

// clock is how moments are shown, as in the logs of the nodes.
const clock = "15:04:05.000"

// trouble is something that goes wrong, and what came of it.
type trouble struct {
	kind   mishap
	victim *node
	polled []*source // by the victim

	at   time.Time
	back time.Time // when all was there again
	end  time.Time // when all was shared again
}

type mishap int

const (
	nodeKilled   mishap = iota // the node that polls
	serverKilled               // one of the engine's
	bothKilled
	nodeFrozen  // the node that polls, by SIGSTOP
	nodeLeaves  // the node that polls, by SIGTERM
	serversAway // all of the engine's
)

func (m mishap) String() string {
	return [...]string{"node killed", "server killed", "both killed", "node frozen", "node leaves", "servers away"}[m]
}

// suffer has something go wrong for a while, and waits until all is shared again. Who suffers is one after another.
func (w *world) suffer(kind mishap, turn int, lasts time.Duration) *trouble {
	w.t.Helper()
	w.settles()
	victim, polled := w.pollerOf(w.upstream.sources[turn%w.feeds])
	x := &trouble{kind: kind, at: time.Now()}
	server := w.servers.servers[turn%len(w.servers.servers)]
	if kind != serverKilled && kind != serversAway {
		x.victim, x.polled = victim, polled
	}
	switch kind {
	case nodeKilled, bothKilled:
		victim.dies()
	case nodeFrozen:
		victim.freeze()
	case nodeLeaves:
		victim.live.Store(false)
		victim.signal(syscall.SIGTERM)
	case serversAway:
		w.servers.kill()
	}
	if kind == serverKilled || kind == bothKilled {
		server.kill()
	}
	w.goesOn(lasts)
	switch kind {
	case nodeKilled, bothKilled:
		victim.rises()
	case nodeFrozen:
		victim.thaw()
	case nodeLeaves:
		<-victim.exited
		victim.rises()
	case serversAway:
		w.servers.start()
	}
	if kind == serverKilled || kind == bothKilled {
		server.start()
		server.listens()
	}
	x.back = time.Now()
	w.settles()
	if kind == serversAway {
		w.goesOn(6 * time.Second)
	}
	x.end = time.Now()
	return x
}

// takeovers returns how long it took until another node polled what the victim had polled.
func (x *trouble) takeovers() (all spread) {
	for _, s := range x.polled {
		for _, p := range s.polled(x.at, x.end) {
			if p.node != x.victim.name {
				all = append(all, p.at.Sub(x.at))
				break
			}
		}
	}
	return all
}

// worst returns what took longest of what came meanwhile, on streams that were not cut.
func (w *world) worst(x *trouble) (worst delivery) {
	for _, d := range w.delivered(x.at, x.end) {
		if d.delay() > worst.delay() {
			worst = d
		}
	}
	return worst
}

// tell describes what came of it.
func (w *world) tell(x *trouble) string {
	text := fmt.Sprintf("%s %-13s", x.at.Format(clock), x.kind)
	if d := w.worst(x); d.node != nil {
		text += fmt.Sprintf(" greatest delay %-8s of what %s said at %s, on %s;", short(d.delay()), d.source.path, d.said.Format(clock), d.node.name)
	}
	text += " polls/s" + w.rates(x.at, x.back)
	if x.victim != nil {
		text += fmt.Sprintf(", of %s; takeover %s", x.victim.name, x.takeovers())
	}
	if x.kind == serversAway {
		text += fmt.Sprintf(", shared again after %s", short(w.sharedAgain(x.back, x.end)))
	}
	return text
}
