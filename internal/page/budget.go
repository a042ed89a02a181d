package page

// smallMemory is what reading an answer may take however short it is: 10,000 events take more
// than a megabyte by themselves.
const smallMemory = 3 << 20

// memoryFor returns how many bytes reading an answer of size bytes may take at once, beside the
// answer itself. What would take more is refused before it does.
func memoryFor(size int) int { return max(3*size, smallMemory) }

// smallTree is what a tree may take however short its text is: documents of some hundred kilobytes take
// ten times as much.
const smallTree = 16 << 20

// treeFor is [memoryFor] where the answer is needed as a tree: for a patch, a jq program, XML, or a feed.
func treeFor(size int) int { return max(3*size, smallTree) }
