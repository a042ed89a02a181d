package bridge

import (
	"maps"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

const (
	// maxNeighbours is how many feeds of one URL a new one is compared with.
	maxNeighbours = 4
	// maxCompared is how many feeds are looked at in a bridge's life.
	maxCompared = 1000
	// manyQueries is how many feeds must differ in one parameter of their query before the bridge warns. A
	// query says what a client wants, so a few different feeds are normal.
	manyQueries = 3
)

// remedies are the texts for each kind: in what feeds differ, and how they become one.
var remedies = map[upstream.PartKind]string{
	upstream.PartCookie:      "their cookies, and are polled separately: if the upstream's answers do not depend on them, `cookies` makes them one feed, and `cookies <name...>` keeps only those that matter",
	upstream.PartQuery:       "one parameter of the query, and are polled separately: if the upstream's answers do not depend on it, `query -<name>` makes them one feed",
	upstream.PartHeader:      "header fields, and are polled separately: if the upstream's answers do not depend on them, `header_up -<name>` makes them one feed",
	upstream.PartVar:         "variables set by handlers in front, and are polled separately: if the upstream's answers do not depend on them, set them only for requests that do not ask for an event stream",
	upstream.PartPlaceholder: "placeholders of the client's request in the `upstream` block, and are polled separately: if the upstream's answers do not depend on them, remove them",
	upstream.PartBody:        "the body of the clients' requests, and are polled separately: if the upstream's answers do not depend on it, `body` gives all polls the same one",
	upstream.PartOriginal:    "the URI before it was rewritten, and are polled separately: a handler of the `upstream` block sees it, as PHP does in REQUEST_URI",
	upstream.PartLocal:       "the server address that clients connected to, and are polled separately: the `upstream` block has a placeholder {http.request.local.*}",
}

const severalRemedies = "the parts named here, and are polled separately: if the upstream's answers do not depend on them, keep them out of the polls"

// dividers look for feeds of one URL that differ in only one part. That may be a mistake, because of which
// each client has its own polls. The bridge warns once for each kind. They have no lock of their own.
type dividers struct {
	newest map[string][]neighbour // by scheme, method, host and path
	told   map[upstream.PartKind]bool
	left   int // how many feeds are still to be looked at

	warnings []Warning // that were logged
}

// neighbour is a feed of the same URL.
type neighbour struct {
	said  *upstream.Said
	parts map[[2]string]upstream.Part // by kind and name
}

// newDividers returns dividers that do not warn of the known kinds.
func newDividers(known ...upstream.PartKind) *dividers {
	d := &dividers{newest: make(map[string][]neighbour), told: make(map[upstream.PartKind]bool), left: maxCompared}
	for _, kind := range known {
		d.told[kind] = true
	}
	return d
}

// add adds the content of a new feed's polls.
func (d *dividers) add(s *upstream.Said, logger *zap.Logger) {
	if d.left == 0 || len(d.told) == len(remedies) {
		d.newest = nil
		return
	}
	d.left--
	added := neighbour{s, make(map[[2]string]upstream.Part)}
	for _, p := range s.Parts() {
		added.parts[[2]string{string(p.Kind), p.Name}] = p
	}
	url := s.URL()
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
			d.warnings = append(d.warnings, diff.warn(logger))
			return
		}
	}
}

// drop removes the content of a feed's polls.
func (d *dividers) drop(s *upstream.Said) {
	url := s.URL()
	rest := slices.DeleteFunc(d.newest[url], func(other neighbour) bool { return other.said == s })
	if len(rest) > 0 {
		d.newest[url] = rest
	} else {
		delete(d.newest, url)
	}
}

// worth reports whether the bridge should warn of a difference from one neighbour, given those from all.
func (d *dividers) worth(diff difference, all []difference) bool {
	news := false
	for kind := range diff {
		if remedies[kind] == "" {
			return false // an operator who wrote a placeholder into the block knows
		}
		news = news || !d.told[kind]
	}
	if _, asked := diff[upstream.PartQuery]; !asked {
		return news
	}
	alike := 1
	for _, other := range all {
		if maps.EqualFunc(diff, other, slices.Equal) {
			alike++
		}
	}
	return news && len(diff) == 1 && len(diff[upstream.PartQuery]) == 1 && alike >= manyQueries
}

// difference is the names of the parts in which two feeds differ, by kind. It has no values.
type difference map[upstream.PartKind][]string

// differ compares the content of two feeds' polls.
func differ(a, b neighbour) difference {
	diff := make(difference)
	for at, p := range a.parts {
		if other := b.parts[at]; !slices.Equal(p.Fields, other.Fields) {
			diff.note(p, other)
		}
	}
	for at, other := range b.parts {
		if _, both := a.parts[at]; !both {
			diff.note(other, upstream.Part{})
		}
	}
	for kind := range diff {
		slices.Sort(diff[kind])
	}
	if asked, differs := diff[upstream.PartQuery]; differs && slices.Equal(diff[upstream.PartOriginal], asked) {
		delete(diff, upstream.PartOriginal) // it has the same parameters
	}
	return diff
}

// note takes note of a part that differs from another.
func (d difference) note(p, other upstream.Part) {
	switch p.Kind {
	case upstream.PartStep: // what they say comes from the same places
	case upstream.PartCookie:
		d[p.Kind] = unequal(pairsIn(p.Fields, ";"), pairsIn(other.Fields, ";"))
	case upstream.PartQuery:
		d[p.Kind] = unequal(pairsIn(p.Fields, "&"), pairsIn(other.Fields, "&"))
	case upstream.PartOriginal:
		var path, query, otherPath, otherQuery string
		p.Read(&path, &query)
		other.Read(&otherPath, &otherQuery)
		if d[p.Kind] = unequal(pairsIn([]string{query}, "&"), pairsIn([]string{otherQuery}, "&")); path != otherPath {
			d[p.Kind] = append(d[p.Kind], "path")
		}
	default:
		d[p.Kind] = append(d[p.Kind], p.Name)
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

// warn logs the warning of a difference, and returns it.
func (d difference) warn(logger *zap.Logger) Warning {
	remedy := severalRemedies
	var fields []zap.Field
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(d)) {
		if len(d) == 1 {
			remedy = remedies[kind]
		}
		names := slices.DeleteFunc(slices.Clone(d[kind]), func(name string) bool { return name == "" })
		fields = append(fields, zap.Strings(string(kind), names))
		all = append(all, names...)
	}
	said := "feeds differ only in " + remedy
	logger.Warn(said, fields...)
	text, remedy, _ := strings.Cut(said, ": ")
	return Warning{ID: "feeds_differ", Text: text, Remedy: remedy, Names: all}
}
