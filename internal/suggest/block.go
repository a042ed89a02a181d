package suggest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
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
		s.WriteString("# " + n + "\n")
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
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1 // it goes to a terminal, which an endpoint must not steer
		}
		return r
	}, s.String()+"}\n")
}

func (b *Block) add(why string, words ...string) {
	text := []string{words[0]}
	for _, w := range words[1:] {
		if w != "" {
			text = append(text, Quote(w))
		}
	}
	b.Lines = append(b.Lines, Line{Text: strings.Join(text, " "), Why: strings.Join(strings.Fields(why), " ")})
}

var (
	plainWord = regexp.MustCompile("^[^\\s\"`\\\\#{}]+$")
	openWord  = regexp.MustCompile("^[^\\s\"`\\\\#]*[^\\s\"`\\\\#{]$")
)

// Quote writes a text as one argument in a Caddyfile. Braces within a word are no block.
func Quote(text string) string {
	switch {
	case plainWord.MatchString(text), openWord.MatchString(text) && text != "}":
		return text
	case !strings.Contains(text, "`"):
		return "`" + text + "`"
	}
	return `"` + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`) + `"`
}

// newBlock returns the block of an endpoint, with nothing in it yet.
func newBlock(u *url.URL) *Block {
	b := &Block{Path: u.Path}
	host := u.Hostname()
	switch {
	case u.Scheme == "https":
		b.Upstream = []string{"https://" + u.Host} // reverse_proxy sets the Host for it
	case strings.Contains(host, ".") && strings.Trim(host, "0123456789.") != "":
		b.Upstream = []string{"upstream {", "\treverse_proxy " + u.Host + " {", "\t\theader_up Host {upstream_hostport}", "\t}", "}"}
	default:
		b.Upstream = []string{u.Host}
	}
	return b
}

// fixed adds the query of the endpoint's URL, but for the parameters that are none of the poll's own.
func (b *Block) fixed(u *url.URL, but ...string) {
	for name, value := range parameters(u.RawQuery) {
		switch {
		case slices.Contains(but, name), name == "" || strings.ContainsAny(name+value, "{}"):
		case trial.Secret(name):
			b.add("a secret of the URL: pass it to Caddy in its environment", "query", name, "{env."+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"}")
		case value == "":
			b.add("as in the URL", "query", name, `""`)
			b.Lines[len(b.Lines)-1].Text = "query " + Quote(name) + ` ""`
		default:
			b.add("as in the URL", "query", name, value)
		}
	}
}
