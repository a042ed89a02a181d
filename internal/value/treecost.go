package value

// About what encoding/json takes at most for a decoded value, an object, and a member of one that is small
// or large. Its maps have room for eight members from the first.
const (
	costOfItem        = 60
	costOfObject      = 300
	costOfSmallMember = 56
	costOfMember      = 150
	smallObject       = 8
)

// treeDepth is how deep a tree is looked into: no decoder of ours goes deeper.
const treeDepth = 10_000

// TreeCost returns how much memory JSON takes at most as a tree of maps and slices, with numbers as
// they are written; of text that is not JSON, or is nested deeper than 10,000, the part that is. It looks at
// each byte once.
func TreeCost(json []byte) int {
	cost, quoted := len(json)/2*5+costOfItem, false // the decoder keeps up to twice the text
	var open []int                                  // how many members or items each container has that is open
scan:
	for i := 0; i < len(json); i++ {
		switch c := json[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			if open = append(open, 1); len(open) > treeDepth {
				break scan
			}
		case c == ',' && len(open) > 0:
			open[len(open)-1]++
		case c == ']' && len(open) > 0:
			cost += costOfItem * open[len(open)-1]
			open = open[:len(open)-1]
		case c == '}' && len(open) > 0:
			n := open[len(open)-1]
			open = open[:len(open)-1]
			if cost += costOfObject; n <= smallObject {
				cost += costOfSmallMember * n
			} else {
				cost += costOfMember * n
			}
		}
	}
	for _, n := range open { // those that never end
		cost += costOfMember * n
	}
	return cost
}
