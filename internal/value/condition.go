package value

import (
	"errors"
	"slices"
	"strings"
)

// Condition is a value that is compared, or asked whether there is something to it.
type Condition struct {
	not     bool
	value   Value
	matches []string // empty: any value holds that is something
}

// ParseCondition reads a condition from its words:
//
//	[!]<value> [<match>...]
//
// With matches, it holds where the value is equal to one of them, byte for byte; a value that
// is missing is the empty text. Without, it holds where the value is neither missing, empty,
// false, 0 nor null. An exclamation mark before the value turns it around.
func ParseCondition(args []string) (Condition, error) {
	if len(args) == 0 {
		return Condition{}, errors.New("a condition must not be empty: write [!]<value> [<match>...]")
	}
	src, not := strings.CutPrefix(args[0], "!")
	v, err := Parse(src)
	if err != nil {
		return Condition{}, err
	}
	return Condition{not: not, value: v, matches: slices.Clone(args[1:])}, nil
}

// Holds reports whether the condition holds for what its value finds in scope and env, as in
// [Value.Get].
func (c Condition) Holds(scope []byte, env *Env) bool {
	found := c.value.Get(scope, env)
	if len(c.matches) == 0 {
		return something(found) != c.not
	}
	return slices.Contains(c.matches, string(found)) != c.not
}

// NeedsJSON reports whether Holds reads JSON, as [Value.NeedsJSON].
func (c Condition) NeedsJSON() bool { return c.value.NeedsJSON() }

// ReadsItem reports whether Holds reads the scope, or the item of env.
func (c Condition) ReadsItem() bool { return c.value.ReadsItem() }

// ReadsOnlyItem reports whether Holds reads nothing but the scope and the item of env.
func (c Condition) ReadsOnlyItem() bool { return c.value.ReadsOnlyItem() }

// Bind returns c with [Template.Bind] applied to its value. The matches are literals.
func (c Condition) Bind(resolve func(text string) string) Condition {
	c.value = c.value.Bind(resolve)
	return c
}

// String returns the condition as it was written, its words with a space between.
func (c Condition) String() string {
	words := append([]string{c.value.String()}, c.matches...)
	if c.not {
		words[0] = "!" + words[0]
	}
	return strings.Join(words, " ")
}

// something reports whether a value counts as true.
func something(found []byte) bool {
	switch string(found) {
	case "", "false", "0", "null":
		return false
	}
	return true
}
