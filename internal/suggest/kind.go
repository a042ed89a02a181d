package suggest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// nature is what the items of a list are.
type nature int

const (
	things nature = iota // what there is now: they come, change and go
	news                 // what has happened: each is told once
	taken                // what a request takes out of the list
)

var (
	// stateName finds the members of things, and mayChange what is often one.
	stateName = regexp.MustCompile(`(?i)^(status|state|health(y)?|enabled|disabled|active|running|online|connected|paused|ready|progress|percent.*|eta|consumers|replicas|capacity|available|weight|.*(status|state)|suspended|locked|uptime|idle|speed|position|volume|quantity|stock|price|balance|(is_?)?(completed?|done|finished|resolved|closed|checked|assigned)|(finished|completed|ended|closed|resolved|stopped)_?(at|on|time|date)?)$`)
	mayChange = regexp.MustCompile(`(?i)^(updated.*|modified.*|last_?(modified|updated|seen|activity).*|version|revision|count|.*_count|votes|likes|score|views|archived|read|unread)$`)
	// newsName finds the members of messages and events.
	newsName = regexp.MustCompile(`(?i)^(text|message|msg|body|content|comment|payload|event|action|actor|author|sender|from|log|line)$`)
)

// nature decides what the items are: by what changed between readings; else by how the items look. Where nothing is
// known they are things, since no change of a thing is lost, of whatever kind the list is.
func (f *findings) nature(o order) (kind nature, why string) {
	l, all := f.list, f.lists()
	if l.config.Format == page.Feed {
		return news, ""
	}
	seen := movements(all, o)
	switch {
	case l.mapped:
		return things, "an object of objects shows what there is now"
	case seen.emptied:
		return taken, "its items were gone when it was read again, and no others had come"
	case seen.changed != "":
		return things, "an item has changed under its id `" + seen.changed + "`"
	case seen.removed:
		return things, "an item has gone that was not the oldest"
	}
	first := shape.Scalars(shape.Places([]byte(l.items[0].Raw)))
	called := func(name *regexp.Regexp) bool {
		return slices.ContainsFunc(keys(l.items[:1]), name.MatchString)
	}
	says := called(newsName)
	score := 0
	for _, sign := range []struct {
		is    bool
		score int
	}{
		{called(stateName), -2},
		{called(mayChange), -1},
		{slices.ContainsFunc(first, func(p shape.Place) bool { return p.Value.IsBool() && !strings.Contains(p.Path, ".") }), -1},
		{says, 1},
		{l.kinds() > 1, 1},
		{o.byTime || f.hasTime(first) && len(l.items) == 1, 1},
		{o.sorted && o.newestFirst && o.numbers, 1},
		{o.sorted && o.numbers && says, 1},
		{l.config.Format == page.Lines && o.sorted, 1},
		{seen.added && o.sorted && len(l.items) > 1, 2}, // they came at one end, and no other has changed
	} {
		if sign.is {
			score += sign.score
		}
	}
	if score > 0 {
		return news, "its items look like what happened"
	}
	return things, "its items look like what there is now"
}

func (f *findings) hasTime(places []shape.Place) bool {
	return slices.ContainsFunc(places, func(p shape.Place) bool {
		_, ok := timeOf(p.Value)
		return ok && timeName.MatchString(p.Key)
	})
}

// movement is what happened to the items of a list between readings.
type movement struct {
	added, removed, emptied bool
	changed                 string // the id of an item that is not what it was
}

// movements compares readings of a list. Of news, those go that are the oldest, when others come.
func movements(all []*list, o order) (m movement) {
	for i := 1; i < len(all); i++ {
		before, now := byID(all[i-1]), byID(all[i])
		ids := all[i-1].ids()
		var gone []int
		for at, id := range ids {
			is, there := now[id]
			if !there {
				gone = append(gone, at)
			} else if m.changed == "" && is.Raw != before[id].Raw {
				m.changed = id
			}
		}
		added := false
		for id := range now {
			if _, there := before[id]; !there {
				added = true
			}
		}
		m.added = m.added || added
		if len(gone) == 0 || len(gone) == len(ids) {
			continue
		}
		oldest := gone[len(gone)-1] == len(gone)-1 // a run at the beginning
		if o.newestFirst {
			oldest = gone[0] == len(ids)-len(gone)
		}
		m.removed = m.removed || !oldest || !added || !o.sorted
	}
	m.emptied = len(all) > 2 && len(all[0].items) > 0 && len(all[1].items) == 0 && len(all[2].items) == 0
	return m
}

func byID(l *list) map[string]gjson.Result {
	all := make(map[string]gjson.Result, len(l.items))
	for i, id := range l.ids() {
		all[id] = l.items[i]
	}
	return all
}
