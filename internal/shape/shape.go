// Package shape examines JSON of unknown structure: which lists it has, which members look like ids,
// and which path was probably meant by a wrong one.
package shape

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

const (
	// maxDepth is how deep objects are looked into.
	maxDepth = 5
	// maxPlaces bounds what is looked at.
	maxPlaces = 500
)

// Place is a value in JSON, and the gjson path to it.
type Place struct {
	Path  string
	Key   string // the last name of the path, as it is in the JSON
	Value gjson.Result
}

// Places returns all values in an object and in the objects in it, from the outside in. It does not
// look into arrays. Of JSON that is no object, there is one: the whole.
func Places(json []byte) []Place {
	root := gjson.ParseBytes(json)
	if !root.IsObject() {
		return []Place{{Path: "@this", Value: root}}
	}
	var all []Place
	level := []Place{{Value: root}}
	for range maxDepth {
		var deeper []Place
		for _, object := range level {
			object.Value.ForEach(func(key, v gjson.Result) bool {
				p := Place{Path: Escape(key.String()), Key: key.String(), Value: v}
				if object.Path != "" {
					p.Path = object.Path + "." + p.Path
				}
				all = append(all, p)
				if v.IsObject() {
					deeper = append(deeper, p)
				}
				return len(all) < maxPlaces
			})
		}
		level = deeper
	}
	return all
}

// Lists are the arrays among places.
func Lists(places []Place) []Place {
	var lists []Place
	for _, p := range places {
		if p.Value.IsArray() {
			lists = append(lists, p)
		}
	}
	return lists
}

// Scalars are the strings, numbers and booleans among places.
func Scalars(places []Place) []Place {
	var scalars []Place
	for _, p := range places {
		if !p.Value.IsArray() && !p.Value.IsObject() && p.Value.Type != gjson.Null {
			scalars = append(scalars, p)
		}
	}
	return scalars
}

// Describe says what a place holds: "an array of 3 objects", "a number".
func (p Place) Describe() string {
	switch {
	case p.Value.IsArray():
		items := p.Value.Array()
		switch {
		case len(items) == 0:
			return "an empty array"
		case items[0].IsObject():
			return "an array of " + Count(len(items), "object")
		}
		return "an array of " + Count(len(items), "value")
	case p.Value.IsObject():
		return "an object of " + Count(len(p.Value.Map()), "member")
	case p.Value.Type == gjson.String:
		return "a string"
	case p.Value.Type == gjson.Number:
		return "a number"
	case p.Value.Type == gjson.Null:
		return "null"
	}
	return "a boolean"
}

// Count says how many there are of something: "1 item", "3 items".
func Count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Escape writes a name so that gjson takes it as a name.
func Escape(name string) string {
	var b strings.Builder
	for i, r := range name {
		if strings.ContainsRune(`.*?|#\{}[]()=<>%"!`, r) || i == 0 && r == '@' && !strings.Contains(name, ".") {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
