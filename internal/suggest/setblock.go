package suggest

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// setBlock writes what sends what comes, changes and goes of a list of things.
func (f *findings) setBlock(b *Block, why string, next *nextPage) {
	l := f.list
	b.add("it answers at once: every 2s, and every 10s while nothing changes", "interval", "2s", "10s")
	f.public(b)
	skip := ""
	if next != nil {
		skip = next.parameter
	}
	b.fixed(f.URL, skip)
	f.format(b)
	if l.path != "" {
		b.add(fmt.Sprintf("each of its %d values is an item", len(l.items)), "items", l.path)
	}
	b.add(fmt.Sprintf("each item has one of its own, such as %q", strings.ReplaceAll(l.ids()[0], "\n", " ")), "id", l.id)
	b.inPlace(why, ". If each item is news that is told once, write an `order` in the place of this line")
	f.itemData(b)
	morePages(b, next)
}

// itemData writes what of an item counts, if something in it changes by itself.
func (f *findings) itemData(b *Block) {
	l, all := f.list, f.lists()
	pauses := f.between()
	if len(all) != len(f.readings) || len(pauses) == 0 {
		return
	}
	drifting := make(map[string]*drift)
	byItem := make(map[string]map[string]*drift)
	var versions series
	items := make([]map[string]gjson.Result, len(all))
	for i, reading := range all {
		items[i] = byID(reading)
	}
	for _, id := range l.ids() {
		var s series
		for _, reading := range items {
			if it, there := reading[id]; there {
				s = append(s, it)
			}
		}
		if versions = append(versions, s...); len(s) < len(all) {
			continue
		}
		byItem[id] = drifts(s)
		for path, d := range byItem[id] {
			if other := drifting[path]; other == nil || d.times > other.times {
				drifting[path] = d
			}
		}
	}
	noisy, restless := noise(drifting, pauses)
	if ignored := f.noisyItems(byItem, pauses); ignored != nil {
		b.add("these change by themselves all the time, and are left out", append([]string{"ignore", l.id}, ignored...)...)
		noisy, restless = nil, nil
	}
	if len(noisy) > 0 {
		quiet, left := selection(versions, func(path string) bool { return noisy[path] || counter(path) || vital(path) })
		if quiet == "" || quiet == "@this" || !f.tells(quiet, versions) {
			b.Notes = append(b.Notes, "each poll makes an event, since these change in each reading: "+some(shown(noisy))+". Name what matters, such as `data {name,status}`: a change of the rest is no event then")
		} else {
			b.add(withoutNoise(left), "data", quiet)
		}
	}
	f.noteRestless(b, restless)
}

// withoutNoise says what a selection leaves out.
func withoutNoise(noisy map[string]bool) string {
	return "without what changes by itself: " + some(shown(noisy)) + ". These paths are all that counts, and all that clients get: name less, or more"
}

// counter reports whether a path is called like a counter.
func counter(path string) bool { return counterName.MatchString(lastKey(path)) }

func (f *findings) noteRestless(b *Block, restless []string) {
	if len(restless) > 0 {
		names := make(map[string]bool)
		for _, path := range restless {
			names[path] = true
		}
		b.Notes = append(b.Notes, "each poll may make an event: these changed in each reading: "+some(shown(names))+". If that is no news, name what is with `data <path>`, such as `data {name,status}`")
	}
}

// tells reports whether a selection has more in it than what identifies an item.
func (f *findings) tells(path string, versions series) bool {
	for _, v := range versions {
		at := v.Get(path)
		n := 0
		at.ForEach(func(key, value gjson.Result) bool {
			if !containsName(f.list.parts, key.Str) && !kindName(key.Str) {
				n++
			}
			return true
		})
		if n > 0 {
			return true
		}
	}
	return false
}

func kindName(name string) bool { return name == "type" || name == "kind" }

func containsName(paths []string, name string) bool {
	for _, p := range paths {
		if strings.ReplaceAll(p, `\`, "") == name {
			return true
		}
	}
	return false
}

// noisyItems are the items of a table of names and values that change by themselves: of these, the value is all there
// is. It is nil for other lists.
func (f *findings) noisyItems(byItem map[string]map[string]*drift, pauses []pause) (ids []string) {
	const most = 30
	changing := make(map[string]bool)
	for _, id := range f.list.ids() {
		noisy, restless := noise(byItem[id], pauses)
		for path := range noisy {
			changing[path] = true
		}
		for _, path := range restless {
			changing[path] = true
		}
		switch name := strings.ReplaceAll(id, "-", "_"); {
		case len(noisy)+len(restless) > 0, len(byItem[id]) > 0 && clockName.MatchString(name), vitalName.MatchString(name):
			ids = append(ids, id)
		}
	}
	fields := 0
	f.list.items[0].ForEach(func(_, v gjson.Result) bool {
		if !v.IsObject() && !v.IsArray() {
			fields++
		}
		return true
	})
	if len(f.list.parts) != 1 || fields > 3 || len(changing) != 1 || len(ids) == 0 || len(ids) > most || 2*len(ids) > len(f.list.items) {
		return nil
	}
	return ids
}
