package ssebridge

import (
	"maps"
	"slices"
	"strings"

	"go.uber.org/zap"
)

const (
	// maxNeighbours is how many feeds of one URL a new one is compared with.
	maxNeighbours = 4
	// maxCompared is how many feeds are looked at in a bridge's life.
	maxCompared = 1000
	// manyQueries is how many feeds must differ in one parameter of their query to be worth a word: a
	// query names what is asked for, so that a few are as they should be.
	manyQueries = 3
)

// remedies say by kind what feeds differ in, and how they become one.
var remedies = map[partKind]string{
	partCookie:      "their cookies, and are polled apart: if what the upstream answers does not depend on them, `cookies` makes them one feed, and `cookies <name...>` keeps only those that matter",
	partQuery:       "one parameter of the query, and are polled apart: if what the upstream answers does not depend on it, `query -<name>` makes them one feed",
	partHeader:      "header fields, and are polled apart: if what the upstream answers does not depend on them, `header_up -<name>` makes them one feed",
	partVar:         "variables that handlers in front have set, and are polled apart: if what the upstream answers does not depend on them, set them for those requests alone that do not ask for an event stream",
	partPlaceholder: "what the `upstream` block takes of a client's request by placeholders, and are polled apart: if what the upstream answers does not depend on it, leave it out",
	partBody:        "the body of the clients' requests, and are polled apart: if what the upstream answers does not depend on it, `body` gives all polls the same one",
	partOriginal:    "the URI as clients have sent it, before it was rewritten, and are polled apart: a handler of the `upstream` block sees it, as PHP does in REQUEST_URI",
	partLocal:       "the address that clients have reached, and are polled apart: a placeholder {http.request.local.*} in the `upstream` block asks for it",
}

const severalRemedies = "what is named here, and are polled apart: if what the upstream answers does not depend on it, keep it out of the polls"

// dividers look for what alone keeps feeds of one URL apart, since that may be a mistake, by which
// each client is polled for by itself. It is said once for each kind. They have no lock of their own.
type dividers struct {
	newest map[string][]neighbour // by scheme, method, host and path
	told   map[partKind]bool
	left   int // how many feeds are still to be looked at
}

// neighbour is a feed of the same URL.
type neighbour struct {
	said  *said
	parts map[[2]string]part // by kind and name
}

// newDividers returns dividers that do not speak of kinds that are known.
func newDividers(known ...partKind) *dividers {
	d := &dividers{newest: make(map[string][]neighbour), told: make(map[partKind]bool), left: maxCompared}
	for _, kind := range known {
		d.told[kind] = true
	}
	return d
}

// add takes in what the polls of a new feed say.
func (d *dividers) add(s *said, logger *zap.Logger) {
	if d.left == 0 || len(d.told) == len(remedies) {
		d.newest = nil
		return
	}
	d.left--
	added := neighbour{s, make(map[[2]string]part)}
	for _, p := range s.parts() {
		added.parts[[2]string{string(p.kind), p.name}] = p
	}
	url := s.url()
	var all []difference
	for _, other := range d.newest[url] {
		all = append(all, differ(added, other))
	}
	d.newest[url] = append(d.newest[url], added)
	if n := len(d.newest[url]) - maxNeighbours; n > 0 {
		d.newest[url] = slices.Delete(d.newest[url], 0, n)
	}
	for _, diff := range all {
		if d.worth(diff, all) {
			for kind := range diff {
				d.told[kind] = true
			}
			diff.log(logger)
			return
		}
	}
}

// drop forgets what the polls of a feed said.
func (d *dividers) drop(s *said) {
	url := s.url()
	rest := slices.DeleteFunc(d.newest[url], func(other neighbour) bool { return other.said == s })
	if len(rest) > 0 {
		d.newest[url] = rest
	} else {
		delete(d.newest, url)
	}
}

// worth reports whether a difference from one neighbour should be spoken of, given those from all.
func (d *dividers) worth(diff difference, all []difference) bool {
	news := false
	for kind := range diff {
		if remedies[kind] == "" {
			return false // who wrote a placeholder into the block knows
		}
		news = news || !d.told[kind]
	}
	if _, asked := diff[partQuery]; !asked {
		return news
	}
	alike := 1
	for _, other := range all {
		if maps.EqualFunc(diff, other, slices.Equal) {
			alike++
		}
	}
	return news && len(diff) == 1 && len(diff[partQuery]) == 1 && alike >= manyQueries
}

// difference is the names of what two feeds differ in, by kind; never a value.
type difference map[partKind][]string

// differ compares what the polls of two feeds say.
func differ(a, b neighbour) difference {
	diff := make(difference)
	for at, p := range a.parts {
		if other := b.parts[at]; !slices.Equal(p.fields, other.fields) {
			diff.note(p, other)
		}
	}
	for at, other := range b.parts {
		if _, both := a.parts[at]; !both {
			diff.note(other, part{})
		}
	}
	for kind := range diff {
		slices.Sort(diff[kind])
	}
	if asked, differs := diff[partQuery]; differs && slices.Equal(diff[partOriginal], asked) {
		delete(diff, partOriginal) // it has the same parameters
	}
	return diff
}

// note takes note of a part that differs from another.
func (d difference) note(p, other part) {
	switch p.kind {
	case partOpen, partWait: // what they say comes from the same places
	case partCookie:
		d[p.kind] = unequal(pairsIn(p.fields, ";"), pairsIn(other.fields, ";"))
	case partQuery:
		d[p.kind] = unequal(pairsIn(p.fields, "&"), pairsIn(other.fields, "&"))
	case partOriginal:
		var path, query, otherPath, otherQuery string
		p.read(&path, &query)
		other.read(&otherPath, &otherQuery)
		if d[p.kind] = unequal(pairsIn([]string{query}, "&"), pairsIn([]string{otherQuery}, "&")); path != otherPath {
			d[p.kind] = append(d[p.kind], "path")
		}
	default:
		d[p.kind] = append(d[p.kind], p.name)
	}
}

// unequal returns the names under which two lists of pairs have something else, the first maxNames of
// them.
func unequal(a, b map[string][]string) []string {
	names := make(map[string]bool)
	for name := range a {
		names[name] = !slices.Equal(a[name], b[name])
	}
	for name := range b {
		names[name] = !slices.Equal(a[name], b[name])
	}
	maps.DeleteFunc(names, func(_ string, differs bool) bool { return !differs })
	sorted := slices.Sorted(maps.Keys(names))
	return sorted[:min(len(sorted), maxNames)]
}

// pairsIn returns the values of pairs by their names, as far as these are shown. What has no value may
// be one itself, and is kept without a name.
func pairsIn(lines []string, separator string) map[string][]string {
	pairs := make(map[string][]string)
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, separator) {
			name, text := named(pair)
			if name == "" {
				text = pair
			}
			pairs[name] = append(pairs[name], text)
		}
	}
	return pairs
}

// log warns of a difference.
func (d difference) log(logger *zap.Logger) {
	remedy := severalRemedies
	var fields []zap.Field
	for _, kind := range slices.Sorted(maps.Keys(d)) {
		if len(d) == 1 {
			remedy = remedies[kind]
		}
		names := slices.DeleteFunc(slices.Clone(d[kind]), func(name string) bool { return name == "" })
		fields = append(fields, zap.Strings(string(kind), names))
	}
	logger.Warn("feeds differ in nothing but "+remedy, fields...)
}
