package shape

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the place whose name is most like the last name of a path, if one is like it at
// all. A name that only ends in the other is less like it than one with a slip of the pen.
func Nearest(path string, places []Place) (Place, bool) {
	wanted := plain(lastName(path))
	best, found := Place{}, false
	least := 0
	for _, p := range places {
		d, like := distance(wanted, plain(p.Key))
		if p.Path == path || p.Key == "" || !like {
			continue
		}
		if !found || d < least {
			best, least, found = p, d, true
		}
	}
	return best, found
}

// NearestName returns the name that is most like another; empty if none is.
func NearestName(wanted string, names []string) string {
	places := make([]Place, len(names))
	for i, n := range names {
		places[i] = Place{Path: n, Key: n}
	}
	p, _ := Nearest(wanted, places)
	return p.Key
}

// distance says how far apart two plain names are, and whether that is near.
func distance(a, b string) (d int, near bool) {
	switch {
	case a == b:
		return 0, true
	case a == "" || b == "":
		return 0, false
	}
	d = levenshtein.ComputeDistance(a, b)
	slips := 1
	if n := min(len(a), len(b)); n > 3 {
		slips = max(2, n/3) // two letters that have changed places are two
	}
	if d <= slips {
		return d, true
	}
	if strings.HasSuffix(a, b) || strings.HasSuffix(b, a) || strings.HasPrefix(a, b) || strings.HasPrefix(b, a) {
		return 10 + d, true
	}
	return d, false
}

// plain writes a name in the one way of all spellings: messageId, message_id and Message-ID.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", `\`, "", " ", "").Replace(name))
}

func lastName(path string) string {
	path = strings.TrimSuffix(strings.TrimSuffix(path, "}"), ".#")
	if i := strings.LastIndexAny(path, ".|"); i >= 0 {
		return path[i+1:]
	}
	return path
}
