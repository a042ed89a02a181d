package suggest

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// drift is how what is at one path differs between readings.
type drift struct {
	times  int       // in how many pauses it changed
	deltas []float64 // by how much, for each pause; NaN where it is no number
	clock  bool      // all of its values read as a time or a duration
}

// series are values at one place, one for each reading.
type series []gjson.Result

var (
	// clockName finds what clocks are called, and the ages of things.
	clockName = regexp.MustCompile(`(?i)^(now|time|times?tamp|(server|current|local|system|response|request)_?time|date|uptime(_.*)?|.*_uptime|age|idle(_.*)?|elapsed|took|duration|.*_(ago|age)|generated.*|lastchg|lastsess|downtime|rtt|ttl|collected.*|next_?(check|run|update).*|last_(seen|activity|poll|check|updated?))$`)
	// counterName finds what counters are called that count what is done, and not what there is.
	counterName = regexp.MustCompile(`(?i)(^|_)(tot|total|cnt|bytes|b?in|b?out|msgs|requests?|reqs?|hits|misses|packets|sent|received|reads?|writes?|ops|rates?|max|avg|msec|usec|count|counter|queries|stot|smax|lbtot)(_|$|\d)|^(num_|h?rsp_|in_|out_|total)|(_?Requests|Hits|Reads|Writes|Ops|Total|Max|Avg)$`)
	// vitalName finds what a program says of the machine that it runs on.
	vitalName    = regexp.MustCompile(`(?i)^(cpu|mem|memory|load(avg)?|swap|rss|heap.*|goroutines|threads|fd.*|file_?descriptors|uptime|gc.*|collected.*|reductions.*|mem_.*|.*memory.*|cpu_.*|.*_msec|.*_usec)$`)
	durationText = regexp.MustCompile(`^((\d+(\.\d+)?\s*(y|d|h|m|s|ms|µs|us|ns|days?|hours?|min(ute)?s?|sec(ond)?s?),?\s*)+|(\d+ days?,? )?\d+:\d\d(:\d\d)?)$`)
)

// drifts compares the readings of one thing, and says what differs, by the paths of what differs.
func drifts(s series) map[string]*drift {
	all := make(map[string]*drift)
	compare(s, "", all)
	for path, d := range all {
		if d.times == 0 {
			delete(all, path)
		}
	}
	return all
}

// compare descends into objects, and into lists of objects, whose elements have one path in common.
func compare(s series, path string, all map[string]*drift) {
	if len(s) == 0 || same(s) {
		return
	}
	switch {
	case every(s, gjson.Result.IsObject):
		members, mapped := membersOf(s), isMap(s)
		for _, key := range keys(s) {
			at := path + "." + key
			if mapped {
				at = path + anyMember
			}
			compare(members(key), at, all)
		}
		return
	case every(s, isList):
		elements := make([][]gjson.Result, len(s))
		for i, v := range s {
			elements[i] = v.Array()
		}
		if !slices.ContainsFunc(elements, func(e []gjson.Result) bool { return len(e) != len(elements[0]) }) {
			for i := range elements[0] {
				var at series
				for _, e := range elements {
					at = append(at, e[i])
				}
				compare(at, path+".#", all)
			}
			return
		}
	}
	d := &drift{clock: true}
	for i, v := range s {
		_, isTime := timeOf(v)
		d.clock = d.clock && v.Type == gjson.String && (isTime || durationText.MatchString(strings.TrimSpace(v.Str)))
		if i == 0 {
			continue
		}
		if v.Raw != s[i-1].Raw {
			d.times++
		}
		d.deltas = append(d.deltas, number(v)-number(s[i-1]))
	}
	if other := all[path]; other == nil || d.times > other.times {
		all[path] = d
	}
}

// anyMember stands in a path for each member of an object whose names are no more than those of its values.
const anyMember = ".*"

// isMap reports whether objects are alike in all readings, so that names may come and go.
func isMap(s series) bool {
	return len(s) > 0 && !slices.ContainsFunc(s, func(v gjson.Result) bool { return !alike(v) })
}

// number is a number, also one in a string.
func number(v gjson.Result) float64 {
	if v.Type == gjson.Number {
		return v.Num
	}
	if n := gjson.Parse(v.Str); v.Type == gjson.String && n.Type == gjson.Number && gjson.Valid(v.Str) {
		return n.Num
	}
	return math.NaN()
}

func isList(v gjson.Result) bool {
	return v.IsArray() && len(v.Array()) > 0 && v.Array()[0].IsObject()
}

func same(s series) bool {
	return !slices.ContainsFunc(s, func(v gjson.Result) bool { return v.Raw != s[0].Raw })
}

func every(s series, is func(gjson.Result) bool) bool {
	return len(s) > 0 && !slices.ContainsFunc(s, func(v gjson.Result) bool { return !is(v) })
}

// keys are those of all objects, in their order.
func keys(objects []gjson.Result) (all []string) {
	seen := make(map[string]bool)
	for _, o := range objects {
		o.ForEach(func(k, _ gjson.Result) bool {
			if !seen[k.Str] {
				all, seen[k.Str] = append(all, k.Str), true
			}
			return true
		})
	}
	return all
}

// membersOf returns a function that looks a key up in objects, whatever that is made of.
func membersOf(objects []gjson.Result) func(key string) series {
	byKey := make([]map[string]gjson.Result, len(objects))
	for i, o := range objects {
		byKey[i] = o.Map()
	}
	return func(key string) series {
		all := make(series, len(byKey))
		for i, m := range byKey {
			all[i] = m[key]
		}
		return all
	}
}

// noise are the paths of what changes by itself: clocks, what counts the polls themselves, counters beside these or each other, and,
// beside these, what a program says of its machine. What changes all the time and is none of them is restless.
func noise(all map[string]*drift, pauses []pause) (noisy map[string]bool, restless []string) {
	noisy = make(map[string]bool)
	always := func(d *drift) bool { return d.times == len(pauses) && len(pauses) > 1 }
	var counters []string
	for path, d := range all {
		switch name := lastKey(path); {
		case clockName.MatchString(name) || always(d) && (d.clock || d.ticks(pauses) || d.counts(pauses)):
			noisy[path] = true
		case always(d) && d.grows() && counterName.MatchString(name):
			counters = append(counters, path)
		}
	}
	if len(noisy) > 0 || len(counters) > 1 { // a single one may be the news
		for _, path := range counters {
			noisy[path] = true
		}
	}
	clocks := len(noisy) > 0
	for path, d := range all {
		switch {
		case noisy[path]:
		case clocks && vital(path):
			noisy[path] = true
		case always(d):
			restless = append(restless, path)
		}
	}
	slices.Sort(restless)
	return noisy, restless
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func vital(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "."), vitalName.MatchString)
}

// ticks reports whether it grows as time does: in seconds, or in thousandths, millionths or billionths of them.
func (d *drift) ticks(pauses []pause) bool {
	if len(d.deltas) != len(pauses) {
		return false
	}
	for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
		fits := true
		for i, p := range pauses {
			long := p.long.Seconds() * unit
			fits = fits && math.Abs(d.deltas[i]-long) <= max(0.05*long, min(unit, 1)) && d.deltas[i] != 0
		}
		if fits {
			return true
		}
	}
	return false
}

// counts reports whether it grows as requests are made.
func (d *drift) counts(pauses []pause) bool {
	for i, p := range pauses {
		if len(d.deltas) != len(pauses) || d.deltas[i] != float64(p.asked) {
			return false
		}
	}
	return pauses[0].asked != pauses[1].asked
}

func (d *drift) grows() bool {
	return !slices.ContainsFunc(d.deltas, func(by float64) bool { return !(by > 0) })
}

// shown are paths as a person reads them.
func shown(paths map[string]bool) []string {
	var all []string
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		all = append(all, strings.TrimPrefix(p, "."))
	}
	return all
}

// some names a few of many.
func some(names []string) string {
	const few = 8
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
