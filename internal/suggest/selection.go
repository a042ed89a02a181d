package suggest

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// maxSelection bounds a selection: nobody reads a longer one.
const maxSelection = 1500

// selection returns a path that takes all of the readings but what is noise, and the paths that it leaves out. It is @this
// where nothing is noise, and empty where all is.
func selection(s series, noisy func(path string) bool) (text string, left map[string]bool) {
	left = make(map[string]bool)
	text, _, some := choose(s, "", func(path string) bool {
		if noisy(path) {
			left[path] = true
		}
		return left[path]
	})
	if !some || len(text) > maxSelection {
		return "", left
	}
	return text, left
}

// choose is selection at one place. whole is true where all of it is taken, some where anything is.
func choose(s series, path string, noisy func(path string) bool) (text string, whole, some bool) {
	s = present(s)
	switch {
	case len(s) == 0:
		return "@this", true, true
	case noisy(path):
		return "", false, false
	case every(s, gjson.Result.IsObject):
		return chooseMembers(s, path, noisy)
	case every(s, gjson.Result.IsArray):
		var elements series
		for _, v := range s {
			elements = append(elements, v.Array()...)
		}
		if len(elements) == 0 || !every(elements, gjson.Result.IsObject) {
			return "@this", true, true
		}
		text, whole, some = choose(elements, path+".#", noisy)
		if !whole {
			text = "#." + text
		}
		return text, whole, some
	}
	return "@this", true, true
}

func chooseMembers(s series, path string, noisy func(path string) bool) (text string, whole, some bool) {
	if isMap(s) {
		return chooseValues(s, path, noisy)
	}
	var parts []string
	members := membersOf(s)
	whole = true
	for _, key := range keys(s) {
		inner, allOfIt, anyOfIt := choose(members(key), path+"."+key, noisy)
		whole = whole && allOfIt
		switch {
		case !anyOfIt:
		case allOfIt && plainKey.MatchString(key):
			parts = append(parts, key)
		case allOfIt:
			parts = append(parts, quoted(key)+":"+shape.Escape(key))
		default:
			parts = append(parts, quoted(key)+":"+shape.Escape(key)+"."+inner)
		}
	}
	if whole {
		return "@this", true, true
	}
	text = "{" + strings.Join(parts, ",") + "}"
	if len(parts) == 1 && hasPlaceholder(text) {
		text = "{" + quoted(parts[0]) + ":" + parts[0] + "}"
	}
	return text, false, len(parts) > 0
}

// chooseValues is choose for objects whose names come and go: a selection must not name them.
func chooseValues(s series, path string, noisy func(path string) bool) (text string, whole, some bool) {
	var values series
	for _, v := range s {
		v.ForEach(func(_, value gjson.Result) bool {
			values = append(values, value)
			return true
		})
	}
	text, whole, some = choose(values, path+anyMember, noisy)
	if whole || !some {
		return text, whole, some
	}
	return `{"names":@keys,"values":@values.#.` + text + `}`, false, true
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][\w-]*$`)

func quoted(key string) string {
	text, _ := json.Marshal(key) // it is a string
	return string(text)
}

func present(s series) (all series) {
	for _, v := range s {
		if v.Exists() && v.Type != gjson.Null {
			all = append(all, v)
		}
	}
	return all
}
