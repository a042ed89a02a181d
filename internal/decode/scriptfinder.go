package decode

import "bytes"

// scriptFinder finds the scripts of a page (HTML standard, section 13.2.5), byte by byte.
type scriptFinder struct {
	state   pageState
	closing bool // whether the tag is an end tag
	name    []byte
	script  bool // whether the tag begins a script
	equals  bool // whether a value comes next in the tag
	quote   byte
	dashes  int // that a comment ends with up to here
	end     int // how much of "</script" a script ends with up to here
}

// pageState is where a [scriptFinder] is in a page.
type pageState byte

const (
	inPageText pageState = iota
	atTag                // after <
	inTagName
	inTag
	inAttribute   // in quotes
	atDeclaration // after <!
	atComment     // after <!-
	inComment
	inScriptElement
)

const (
	scriptName = "script"
	scriptEnd  = "</script"
)

// inScript reports whether the page has come to within a script.
func (s *scriptFinder) inScript() bool { return s.state == inScriptElement }

// skip returns how many bytes p begins with that change nothing.
func (s *scriptFinder) skip(p []byte) int {
	if s.state != inPageText {
		return 0
	}
	if i := bytes.IndexByte(p, '<'); i >= 0 {
		return i
	}
	return len(p)
}

// step reads a byte.
func (s *scriptFinder) step(c byte) {
	switch s.state {
	case inPageText:
		if c == '<' {
			s.state, s.closing = atTag, false
		}
	case atTag:
		s.atTag(c)
	case inTagName:
		if isTagEnd(c) {
			s.script = !s.closing && string(s.name) == scriptName
			s.state, s.equals = inTag, false
			s.inTag(c)
		} else if len(s.name) <= len(scriptName) {
			s.name = append(s.name, c|0x20)
		}
	case inTag:
		s.inTag(c)
	case inAttribute:
		if c == s.quote {
			s.state = inTag
		}
	case atDeclaration:
		s.state, s.script = inTag, false
		if c == '-' {
			s.state = atComment
		} else {
			s.inTag(c)
		}
	case atComment:
		s.state = inTag
		if c == '-' {
			s.state, s.dashes = inComment, len("--") // a comment may end at once: <!-->
		} else {
			s.inTag(c)
		}
	case inComment:
		switch {
		case c == '-':
			s.dashes++
		case c == '>' && s.dashes >= len("--"):
			s.state = inPageText
		default:
			s.dashes = 0
		}
	default:
		s.inCode(c)
	}
}

// atTag reads the byte after <.
func (s *scriptFinder) atTag(c byte) {
	switch {
	case 'a' <= c|0x20 && c|0x20 <= 'z':
		s.state, s.name = inTagName, append(s.name[:0], c|0x20)
	case c == '/' && !s.closing:
		s.closing = true
	case c == '!' && !s.closing:
		s.state = atDeclaration
	case c == '<':
		s.closing = false
	default:
		s.state = inPageText
	}
}

// inTag reads a byte of a tag after its name.
func (s *scriptFinder) inTag(c byte) {
	switch {
	case c == '>' && s.script:
		s.state, s.end = inScriptElement, 0
	case c == '>':
		s.state = inPageText
	case (c == '"' || c == '\'') && s.equals:
		s.state, s.quote, s.equals = inAttribute, c, false
	case c == '=':
		s.equals = true
	case !isSpace(c):
		s.equals = false
	}
}

// inCode reads a byte of a script, which ends at the end tag wherever that stands.
func (s *scriptFinder) inCode(c byte) {
	switch {
	case s.end == len(scriptEnd) && isTagEnd(c):
		s.state, s.script, s.equals = inTag, false, false
		s.inTag(c)
		return
	case s.end < len(scriptEnd) && (c == scriptEnd[s.end] || s.end > 1 && c|0x20 == scriptEnd[s.end]):
		s.end++
		return
	}
	if s.end = 0; c == '<' {
		s.end = 1
	}
}

func isTagEnd(c byte) bool {
	return c == '>' || c == '/' || c == '\f' || isSpace(c)
}
