package suggest

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Block is an sse_bridge in a Caddyfile.
type Block struct {
	Path     string   // that it matches
	Upstream []string // the lines by which it names its upstream: the address alone, or a block
	Lines    []Line
	Notes    []string // what to know of the whole
}

// Line is one subdirective and why it is there.
type Line struct{ Text, Why string }

// String returns the block as it stands in a Caddyfile, each line under a comment that says why.
func (b *Block) String() string {
	var s strings.Builder
	for _, n := range b.Notes {
		s.WriteString("# " + strings.ReplaceAll(n, "\n", " ") + "\n") // a path may have one
	}
	s.WriteString("sse_bridge " + Quote(b.Path))
	if len(b.Upstream) == 1 {
		s.WriteString(" " + b.Upstream[0])
	}
	s.WriteString(" {\n")
	if len(b.Upstream) > 1 {
		s.WriteString("\t" + strings.Join(b.Upstream, "\n\t") + "\n")
	}
	for _, l := range b.Lines {
		s.WriteString("\t# " + l.Why + "\n\t" + l.Text + "\n")
	}
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return -1 // it goes to a terminal, which an endpoint must not steer
		}
		return r
	}, s.String()+"}\n")
}

// steers reports whether a terminal takes a character for an order, other than to begin a line or a column.
func steers(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }

// add adds a line. One that gives events a type says how a page gets them.
func (b *Block) add(why string, words ...string) {
	if words[0] == "event" {
		why += ". A page gets each by addEventListener with its name, and none by onmessage"
	}
	text := []string{words[0]}
	for _, w := range words[1:] {
		if w != "" {
			text = append(text, Quote(w))
		}
	}
	b.Lines = append(b.Lines, Line{Text: strings.Join(text, " "), Why: strings.Join(strings.Fields(why), " ")})
}

// inPlace adds the line for a list that changes in place. why says that it is one, and more what else is worth knowing.
func (b *Block) inPlace(why, more string) {
	b.add(why+": a client gets a snapshot, and then what is added, changed and removed"+more+
		". A page gets the events by addEventListener with snapshot, added, changed and removed, and none by onmessage", "diff", "items")
}

var (
	plainWord = regexp.MustCompile("^[^\\s\"`\\\\#{}]+$")
	openWord  = regexp.MustCompile("^[^\\s\"`\\\\#]*[^\\s\"`\\\\#{]$")
)

// Quote writes a text as one argument in a Caddyfile. Braces within a word are no block. In double quotes, a backslash is
// one but before a quote: a text that has a backtick and that, or ends with a backslash, cannot be written.
func Quote(text string) string {
	switch {
	case strings.HasPrefix(text, "<<") && !strings.Contains(text, "`"): // else a heredoc
		return "`" + text + "`"
	case plainWord.MatchString(text), openWord.MatchString(text) && text != "}":
		return text
	case !strings.Contains(text, "`"):
		return "`" + text + "`"
	}
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}

// has reports whether there is a line of a subdirective.
func (b *Block) has(name string) bool {
	return slices.ContainsFunc(b.Lines, func(l Line) bool { return l.Text == name || strings.HasPrefix(l.Text, name+" ") })
}
