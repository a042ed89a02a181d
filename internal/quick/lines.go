package quick

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// lines are a block as lines of text, and the subdirectives in them.
type lines struct {
	text []string
	head int // the index of the line with the last word of the directive itself
	end  int // the index of the line with the brace that closes its block; 0: it opens none
	subs []subdirective
}

// subdirective is one of a block: its words, and the lines from its comment to its end.
type subdirective struct {
	words    []string
	from, to int // the index of its first line, and that of the first one behind it
}

// readLines reads a block.
func readLines(block string) (*lines, error) {
	tokens, err := caddyfile.Tokenize([]byte(block), "block")
	if err != nil {
		return nil, &BlockError{Err: fmt.Errorf("reading the block: %w", err)}
	}
	if len(tokens) == 0 {
		return nil, &BlockError{Line: 1, Err: errors.New("the block has no directive")}
	}
	l := &lines{text: strings.Split(strings.TrimRight(block, "\n"), "\n")}
	depth, line := 0, 0
	for _, t := range tokens {
		starts := t.Line != line
		line = t.Line
		opens, closes := t.Text == "{" && !t.Quoted(), t.Text == "}" && !t.Quoted()
		if depth == 1 && len(l.subs) == 0 && !closes && (opens || !starts) {
			return nil, &BlockError{Line: line, Err: fmt.Errorf("%q follows a brace: a line ends behind the brace that opens a block", t.Text)}
		}
		switch {
		case opens:
			depth++
		case closes:
			switch depth--; depth {
			case 1:
				l.subs[len(l.subs)-1].to = t.Line
			case 0:
				l.end = t.Line - 1
			}
		case depth == 0:
			l.head = t.Line + t.NumLineBreaks() - 1
		case depth == 1 && starts:
			l.subs = append(l.subs, subdirective{[]string{t.Text}, l.commentOf(t.Line - 1), t.Line})
		case depth == 1:
			last := &l.subs[len(l.subs)-1]
			last.words, last.to = append(last.words, t.Text), t.Line+t.NumLineBreaks()
		}
	}
	if depth != 0 {
		return nil, &BlockError{Line: len(l.text), Err: fmt.Errorf("the block has %d braces that are not closed", depth)}
	}
	return l, nil
}

// commentOf returns the index of the first line of the comment above a line; the line's own if there is none.
func (l *lines) commentOf(line int) int {
	for line > 0 && strings.HasPrefix(strings.TrimSpace(l.text[line-1]), "#") {
		line--
	}
	return line
}

// without returns the block without the subdirectives of which drop says so, and the line of the first of them;
// -1 if there was none.
func (l *lines) without(drop func(words []string) bool) (rest []string, at int) {
	rest, at = slices.Clone(l.text), -1
	for _, s := range slices.Backward(l.subs) {
		if drop(s.words) {
			rest, at = slices.Delete(rest, s.from, s.to), s.from
		}
	}
	return rest, at
}

// replace returns the block with other lines in the place of the subdirectives of which drop says so, or at its
// end.
func (l *lines) replace(with []string, drop func(words []string) bool) string {
	rest, at := l.without(drop)
	switch {
	case at >= 0:
	case l.end > 0:
		at = l.end
	default:
		rest = slices.Replace(rest, l.head, l.head+1, opened(rest[l.head])...)
		rest = append(rest, "}")
		at = len(rest) - 1
	}
	return strings.Join(slices.Insert(rest, at, with...), "\n") + "\n"
}

// opened returns a directive's line with a brace behind its words. A comment behind them goes above it.
func opened(line string) []string {
	for i := range line {
		if line[i] != '#' || i == 0 || !strings.ContainsRune(" \t", rune(line[i-1])) {
			continue
		}
		head := strings.TrimRight(line[:i], " \t") + " {"
		tokens, err := caddyfile.Tokenize([]byte(head), "block")
		if err == nil && tokens[len(tokens)-1].Text == "{" { // otherwise it is in quotes
			return []string{line[i:], head}
		}
	}
	return []string{line + " {"}
}

// chosen returns the first arguments of the subdirectives of a block, by their names. One without arguments has an
// empty one.
func chosen(block string) map[string][]string {
	all := make(map[string][]string)
	l, err := readLines(block)
	if err != nil {
		return all // it runs, so that its braces are right
	}
	for _, s := range l.subs {
		all[s.words[0]] = append(all[s.words[0]], append(s.words, "")[1])
	}
	return all
}
