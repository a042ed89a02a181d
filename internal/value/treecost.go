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
// they are written, and about how many values it has. Of text that is not JSON, or is nested deeper than
// 10,000, the part before that counts. It looks at each byte once.
func TreeCost(text []byte) (cost, values int) {
	cost = len(text)/2*5 + costOfItem // the decoder keeps up to twice the text
	var open []int                    // how many members or items each container has that is open
scan:
	for _, c := range Structure(text) {
		last := len(open) - 1
		switch {
		case c == '{' || c == '[':
			if open = append(open, 1); len(open) > treeDepth {
				break scan
			}
			values++
			continue
		case last < 0:
			continue
		case c == ',':
			open[last]++
			values++
			continue
		case c == ']':
			cost += costOfItem * open[last]
		case open[last] <= smallObject:
			cost += costOfObject + costOfSmallMember*open[last]
		default:
			cost += costOfObject + costOfMember*open[last]
		}
		open = open[:last]
	}
	for _, n := range open { // which never end
		cost += costOfMember * n
	}
	return cost, values
}
