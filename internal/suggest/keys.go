package suggest

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// keyNames are what the names of things are called that a list shows as they are now; the best ones first.
var keyNames = []string{"fingerprint", "name", "gid", "cid", "digest", "slug", "hash", "path", "url", "uri", "address", "addr", "hostname", "host", "login", "username", "title", "svname", "code", "label"}

// scopeNames are what the name of a thing is unique in, where it is not unique in all.
var scopeNames = []string{"vhost", "namespace", "project", "pxname", "tenant", "folder"}

// findKey finds what names the items of a list that changes in place: each has one of its own, in all readings, and
// most of what one reading has is there in the next.
func (l *list) findKey(readings []*list) {
	if areRows(l.items) && l.id != "" && lasts(readings, l.parts...) {
		return // the column is a key too
	}
	if len(l.items) == 0 || !l.items[0].IsObject() {
		l.identify()
		return
	}
	places := shape.Scalars(shape.Places([]byte(l.items[0].Raw)))
	named := func(names []string) (paths []string) {
		for _, name := range names {
			for _, p := range places {
				if strings.ToLower(p.Key) == name && (p.Value.Type == gjson.String || p.Value.Type == gjson.Number) {
					paths = append(paths, p.Path)
				}
			}
		}
		return paths
	}
	var candidates []string
	for _, p := range shape.IDs(places) {
		candidates = append(candidates, p.Path)
	}
	names, scopes := named(keyNames), named(scopeNames)
	candidates = slices.Compact(append(candidates, names...))
	for _, path := range candidates {
		scoped := slices.Contains(names, path) && len(scopes) > 0
		switch {
		case scoped && lasts(readings, scopes[0], path):
			l.identify(scopes[0], path)
			return
		case !scoped && lasts(readings, path) && (len(l.items) > 1 || !strings.HasSuffix(strings.ToLower(path), "id") || calledID(places, path)):
			l.identify(path)
			return
		}
	}
	if len(candidates) == 0 && shuffled(readings) {
		for _, p := range places {
			if _, isTime := timeOf(p.Value); p.Value.Type == gjson.String && !isTime && lasts(readings, p.Path) {
				l.identify(p.Path)
				return
			}
		}
	}
	for i, one := range candidates[:min(len(candidates), 8)] {
		for _, other := range candidates[i+1:] {
			if len(l.items) > 1 && lasts(readings, one, other) {
				l.identify(one, other)
				return
			}
		}
	}
	l.identify()
}

// shuffled reports whether readings have the same items in another order: no list of news does.
func shuffled(readings []*list) bool {
	raws := func(l *list) (all []string) {
		for _, it := range l.items {
			all = append(all, it.Raw)
		}
		return all
	}
	for i := 1; i < len(readings); i++ {
		before, now := raws(readings[i-1]), raws(readings[i])
		if slices.Equal(before, now) {
			continue
		}
		slices.Sort(before)
		if slices.Sort(now); slices.Equal(before, now) {
			return true
		}
	}
	return false
}

func calledID(places []shape.Place, path string) bool {
	return slices.ContainsFunc(places, func(p shape.Place) bool {
		return p.Path == path && (shape.CalledID(p) || slices.Contains(keyNames, strings.ToLower(p.Key)))
	})
}

// lasts reports whether what is at these paths names the same items in all readings.
func lasts(readings []*list, paths ...string) bool {
	var before []string
	for _, l := range readings {
		if len(l.items) == 0 {
			continue
		}
		if !l.identifies(paths...) {
			return false
		}
		now := (&list{parts: paths, items: l.items}).ids()
		stayed := 0
		for _, id := range now {
			if slices.Contains(before, id) {
				stayed++
			}
		}
		if before != nil && 2*stayed < min(len(before), len(now)) {
			return false
		}
		before = now
	}
	return true
}
