package shape

import (
	"slices"

	"github.com/tidwall/gjson"
)

// Changes returns the paths of the values in which two JSON texts differ, in their order; `#` stands for the elements
// of an array. An object or array on one side that is none on the other is one value, and so is what is deeper than
// [Places] looks. It returns nil if a text is no object or array: the whole has changed.
func Changes(before, after []byte) []string {
	c := changes{seen: make(map[string]bool)}
	a, b := gjson.ParseBytes(before), gjson.ParseBytes(after)
	if !inner(a, b) {
		return nil
	}
	c.in("", a, b, 0)
	return c.paths
}

// inner reports whether two values can be compared by what is in them.
func inner(a, b gjson.Result) bool { return a.IsObject() && b.IsObject() || a.IsArray() && b.IsArray() }

type changes struct {
	paths  []string
	seen   map[string]bool
	looked int
}

// in compares two objects, or two arrays.
func (c *changes) in(path string, a, b gjson.Result, depth int) {
	if a.IsArray() {
		olds, news := a.Array(), b.Array()
		for i := range max(len(olds), len(news)) {
			var old, young gjson.Result
			if i < len(olds) {
				old = olds[i]
			}
			if i < len(news) {
				young = news[i]
			}
			c.values(join(path, "#"), old, young, depth)
		}
		return
	}
	olds, news := a.Map(), b.Map()
	var names []string
	for _, object := range []gjson.Result{a, b} {
		object.ForEach(func(key, _ gjson.Result) bool {
			if name := key.String(); !slices.Contains(names, name) {
				names = append(names, name)
			}
			return len(names) < maxPlaces
		})
	}
	for _, name := range names {
		c.values(join(path, Escape(name)), olds[name], news[name], depth)
	}
}

// values compares two values, of which one may not be there.
func (c *changes) values(path string, a, b gjson.Result, depth int) {
	if c.looked++; c.looked > maxPlaces {
		return
	}
	switch {
	case a.Raw == b.Raw:
	case inner(a, b) && depth < maxDepth:
		c.in(path, a, b, depth+1)
	case !c.seen[path]:
		c.seen[path] = true
		c.paths = append(c.paths, path)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
