package quick

import (
	"strings"
	"testing"
)

const answered = `{"total": 3, "next": "c9", "chat": {"messages": [{"id": 1, "uid": "a", "type": "say", "user": {"name": "ann"}}, {"id": 2, "uid": "b", "type": "say", "user": {"name": "bob"}}]}, "tags": ["x"], "a.b": 1}`

// bare returns a block without its comments.
func bare(block string) string {
	var all []string
	for line := range strings.Lines(block) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			all = append(all, line)
		}
	}
	return strings.Join(all, "")
}

func TestAClickChangesTheBlock(t *testing.T) {
	t.Parallel()
	const document = "# a note\nsse_bridge /m 127.0.0.1:9 {\n\t# often\n\tinterval 2s 30s\n}\n"
	const list = "sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s\n\titems chat.messages\n\tid id\n\torder by_id\n}\n"
	const cursor = "sse_bridge /m 127.0.0.1:9 {\n\titems chat.messages\n\tid id\n\tquery room 4\n\tquery lastId {sse.cursor}\n}\n"
	for _, c := range []struct {
		name   string
		block  string
		choice Choice
		want   string
	}{
		{
			"a list", document,
			Choice{Role: Items, Path: "chat.messages"},
			"sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s 30s\n\titems chat.messages\n\tid id\n\tevent type\n\torder by_id\n}\n",
		},
		{"a list without ids", document, Choice{Role: Items, Path: "tags"}, "sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s 30s\n\titems tags\n}\n"},
		{
			"a list in a block without lines", "sse_bridge /m 127.0.0.1:9\n",
			Choice{Role: Items, Path: "tags"},
			"sse_bridge /m 127.0.0.1:9 {\n\titems tags\n}\n",
		},
		{"another id", list, Choice{Role: ID, Path: "uid", List: "chat.messages"}, strings.Replace(list, "id id", "id uid", 1)},
		{"a kind", list, Choice{Role: Event, Path: "type", List: "chat.messages"}, strings.Replace(list, "by_id\n", "by_id\n\tevent type\n", 1)},
		{"a part", list, Choice{Role: Data, Path: "user.name", List: "chat.messages"}, strings.Replace(list, "by_id\n", "by_id\n\tdata user.name\n", 1)},
		{
			"a kind in a list that was not chosen", document,
			Choice{Role: Data, Path: "user", List: "chat.messages"},
			"sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s 30s\n\titems chat.messages\n\tid id\n\tevent type\n\torder by_id\n\tdata user\n}\n",
		},
		{
			"an id that is the position", list,
			Choice{Role: Cursor, Path: "id", List: "chat.messages", Parameter: "lastId"},
			"sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s\n\titems chat.messages\n\tid id\n\tquery lastId {sse.cursor}\n}\n",
		},
		{
			"a position of the answer", list,
			Choice{Role: Cursor, Path: "next", Parameter: "since"},
			"sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s\n\titems chat.messages\n\tid id\n\tcursor next\n\tquery since {sse.cursor}\n}\n",
		},
		{
			"another position", cursor,
			Choice{Role: Cursor, Path: "next", Parameter: "since"},
			"sse_bridge /m 127.0.0.1:9 {\n\titems chat.messages\n\tid id\n\tquery room 4\n\tcursor next\n\tquery since {sse.cursor}\n}\n",
		},
		{"the whole of a set", strings.Replace(list, "order by_id", "diff items", 1), Choice{Role: Whole, Path: "@this"}, "sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s\n}\n"},
		{"another id of a set", strings.Replace(list, "order by_id", "diff items", 1), Choice{Role: ID, Path: "uid", List: "chat.messages"}, "sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s\n\titems chat.messages\n\tid uid\n\tdiff items\n}\n"},
		{"an id of a set that is the position", strings.Replace(list, "order by_id", "diff items", 1), Choice{Role: Cursor, Path: "id", List: "chat.messages", Parameter: "lastId"}, "sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s\n\titems chat.messages\n\tid id\n\tquery lastId {sse.cursor}\n}\n"},
		{"no kind", strings.Replace(list, "id id", "id id\n\tevent type", 1), Choice{Role: Event, List: "chat.messages"}, list},
		{"the whole", cursor, Choice{Role: Whole, Path: "@this"}, "sse_bridge /m 127.0.0.1:9 {\n\tquery room 4\n}\n"},
		{
			"a list instead of whole answers", "sse_bridge /m {\n\tupstream {\n\t\treverse_proxy 127.0.0.1:9 {\n\t\t}\n\t}\n\tformat message\n}\n",
			Choice{Role: Items, Path: "tags"},
			"sse_bridge /m {\n\tupstream {\n\t\treverse_proxy 127.0.0.1:9 {\n\t\t}\n\t}\n\titems tags\n}\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.choice.in(c.block, []byte(answered))
			if err != nil || bare(got) != c.want {
				t.Errorf("%v\n%s\ninstead of\n%s", err, got, c.want)
			}
		})
	}
}

func TestAChoiceThatCannotBeSaysWhy(t *testing.T) {
	t.Parallel()
	const block = "sse_bridge /m 127.0.0.1:9\n"
	for _, c := range []struct {
		block, want string
		choice      Choice
	}{
		{block, "the newest answer has no list at total", Choice{Role: Items, Path: "total"}},
		{block, "the newest answer has no list at none", Choice{Role: Event, Path: "x", List: "none"}},
		{block, "name the parameter of the query in which the position goes back", Choice{Role: Cursor, Path: "next"}},
		{block, `"sum" is not the role of a value`, Choice{Role: "sum", Path: "next"}},
		{"sse_bridge /m {\n", "the block has 1 braces that are not closed", Choice{Role: Whole}},
		{"sse_bridge /m { items x\n}\n", `"items" follows a brace: a line ends behind the brace that opens a block`, Choice{Role: Whole}},
		{"# nothing\n", "the block has no directive", Choice{Role: Whole}},
	} {
		if _, err := c.choice.in(c.block, []byte(answered)); err == nil || err.Error() != c.want {
			t.Errorf("%v, not %q", err, c.want)
		}
	}
}

func TestTheCommentOfALineGoesWithIt(t *testing.T) {
	t.Parallel()
	const block = "# a note\nsse_bridge /m 127.0.0.1:9 {\n\t# often\n\tinterval 2s\n\t# these\n\t# two\n\titems x\n\t# stays\n\tname a\n}\n"
	got, err := Choice{Role: Whole}.in(block, nil)
	if want := strings.Replace(block, "\t# these\n\t# two\n\titems x\n", "", 1); err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestABlockThatIsYetToBeOpenedKeepsItsComments(t *testing.T) {
	t.Parallel()
	for block, head := range map[string]string{
		"sse_bridge /m 127.0.0.1:9":                  "sse_bridge /m 127.0.0.1:9 {\n",
		"sse_bridge /m 127.0.0.1:9 # mine":           "# mine\nsse_bridge /m 127.0.0.1:9 {\n",
		"sse_bridge /m 127.0.0.1:9\n# mine":          "sse_bridge /m 127.0.0.1:9 {\n# mine\n",
		"sse_bridge \"/a # b\" 127.0.0.1:9 # mine":   "# mine\nsse_bridge \"/a # b\" 127.0.0.1:9 {\n",
		"sse_bridge /m 127.0.0.1:9 {\n}\n# } mine\n": "sse_bridge /m 127.0.0.1:9 {\n",
	} {
		changed, err := Choice{Role: Data, Path: "text"}.in(block, []byte(answered))
		l, unreadable := readLines(changed)
		if err != nil || unreadable != nil || !strings.HasPrefix(changed, head) || first(l, "data") != "text" || !strings.Contains(changed, "# ") {
			t.Errorf("%q became %q: %v, %v", block, changed, err, unreadable)
		}
	}
}

func TestATreeHasTheValuesAndTheirPaths(t *testing.T) {
	t.Parallel()
	var all []string
	var walk func(*Node)
	walk = func(n *Node) {
		in := ""
		if n.List != nil {
			in = *n.List + "#"
		}
		all = append(all, in+n.Path)
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(Tree([]byte(answered)))
	want := `@this total next chat chat.messages chat.messages#@this chat.messages#id chat.messages#uid chat.messages#type chat.messages#user chat.messages#user.name tags a\.b`
	if got := strings.Join(all, " "); got != want {
		t.Errorf("%s\ninstead of\n%s", got, want)
	}
	all = nil
	walk(Tree([]byte(`[{"id": 1}]`)))
	if got := strings.Join(all, " "); got != "@this @this#@this @this#id" {
		t.Errorf("%s", got)
	}
	all = nil
	if walk(Tree([]byte(`7`))); len(all) != 1 {
		t.Errorf("%s", all)
	}
}

func FuzzAChoiceKeepsTheBlockReadable(f *testing.F) {
	f.Add("sse_bridge /m 127.0.0.1:9 {\n\t# often\n\tinterval 2s\n\topen {\n\t\tmethod POST\n\t}\n}\n", "chat.messages")
	f.Add("sse_bridge /m", "tags")
	f.Add("sse_bridge /m # a note", "tags")
	f.Add("sse_bridge /m { items x\n}", "tags")
	f.Fuzz(func(t *testing.T, block, path string) {
		for _, role := range []Role{Whole, Items, ID, Cursor} {
			changed, err := Choice{Role: role, Path: path, Parameter: "since"}.in(block, []byte(answered))
			if err != nil {
				continue
			}
			if _, err := readLines(changed); err != nil {
				t.Errorf("%s of %q: %q: %v", role, block, changed, err)
			}
		}
	})
}

func FuzzATreeOfAnything(f *testing.F) {
	f.Add([]byte(answered))
	f.Add([]byte(`{"a\\.b":{"":1,"\\":{"c":2}}}`))
	f.Fuzz(func(_ *testing.T, answer []byte) { Tree(answer) })
}
