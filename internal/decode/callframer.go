package decode

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// callFramer finds the calls in the scripts of a page that goes on.
type callFramer struct {
	scripts scriptFinder
	out     recordBuffer // of the arguments, as the JSON array of them that is not closed
	limit   int          // of a record
	spot    callSpot
	quote   byte   // of the string that is read
	run     int    // how much of "<!--" the code has come to
	name    []byte // the expression that the code ends with, such as parent.update; longer than maxCall if none
	gap     bool   // whether white space follows it
	created bool   // whether new stands before it
	call    string // the name of the call that is read
	count   int    // its arguments that are complete
	value   jsonScanner
	text    scriptString
}

// callSpot is where a [callFramer] is in a script.
type callSpot byte

const (
	inCode callSpot = iota
	inCodeString
	inCodeEscape // in a string
	afterSlash   // which may begin a comment
	inLineComment
	inBlockComment
	inBlockCommentStar
	atArgument
	inArgument       // JSON
	inArgumentString // of JavaScript
	afterArgument
)

// maxCall bounds the name of a call.
const maxCall = 256

// notCalls are the words that a parenthesis may follow without a call.
var notCalls = strings.Fields("await case catch delete do else for function if in instanceof new of return switch throw typeof void while with yield")

// NewCallFramer returns a framer for the infinite iframe: HTML that goes on, with calls in its scripts,
// such as <script>parent.update({"price": 1})</script>. The argument of a call is a record: JSON as it is
// written, a string of JavaScript as a JSON string, several arguments as a JSON array. A call without
// arguments, or with one that is neither, is no record, but calls in its arguments are. Header has the
// name as it is written, as Call. What is not in a call is dropped at once.
//
// It does not know regular expressions: a quote in one hides the calls after it, up to the end of the
// line.
func NewCallFramer(limit int) Framer {
	return &callFramer{limit: limit, out: recordBuffer{limit: limit + len("[") + len("]")}}
}

func (f *callFramer) Push(p []byte) ([]Record, error) {
	if f.out.err != nil {
		return nil, f.out.err
	}
	return f.out.end(f.read(p))
}

func (f *callFramer) Last() []Record { return nil }

func (f *callFramer) Partial() bool { return f.spot >= atArgument }

func (f *callFramer) read(p []byte) error {
	for i := 0; i < len(p); i++ {
		i += f.scripts.skip(p[i:])
		plain := f.plain(p[i:])
		if err := f.out.add(p[i : i+plain]); err != nil {
			return err
		}
		if i += plain; i == len(p) {
			return nil
		}
		before := f.scripts.inScript()
		f.scripts.step(p[i])
		switch {
		case !f.scripts.inScript():
			if before {
				f.leave()
			}
		case before:
			if err := f.step(p[i], len(p)-i-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain returns how many bytes p begins with that only go on with the string that an argument is in.
func (f *callFramer) plain(p []byte) int {
	inJSON := f.spot == inArgument && f.value.state == jsonString
	inScript := f.spot == inArgumentString && f.text.state == inScriptText
	if !inJSON && !inScript || f.scripts.end > 0 {
		return 0
	}
	for i, c := range p {
		if c == '"' || c == '\'' || c == '\\' || c == '<' || c < ' ' {
			return i
		}
	}
	return len(p)
}

// leave forgets a script that has ended, whatever it was in the middle of.
func (f *callFramer) leave() {
	f.spot, f.run = inCode, 0
	f.forgetName()
	f.out.drop()
}

// step reads a byte of a script. rest is how much of the chunk is still to be read.
func (f *callFramer) step(c byte, rest int) error {
	space := isSpace(c)
	switch f.spot {
	case inCodeString:
		switch {
		case c == '\\':
			f.spot = inCodeEscape
		case c == f.quote || f.quote != '`' && (c == '\n' || c == '\r'):
			f.spot = inCode
		}
	case inCodeEscape:
		f.spot = inCodeString
	case inLineComment:
		if c == '\n' || c == '\r' {
			f.spot = inCode
		}
	case inBlockComment, inBlockCommentStar:
		switch {
		case c == '/' && f.spot == inBlockCommentStar:
			f.spot = inCode
		case c == '*':
			f.spot = inBlockCommentStar
		default:
			f.spot = inBlockComment
		}
	case afterSlash:
		switch f.spot = inCode; c {
		case '/':
			f.spot = inLineComment
		case '*':
			f.spot = inBlockComment
		default:
			return f.inCode(c)
		}
	case atArgument:
		return f.atArgument(c, space, rest)
	case inArgument:
		return f.inArgument(c, rest)
	case inArgumentString:
		return f.inArgumentString(c)
	case afterArgument:
		switch {
		case space:
		case c == ',':
			f.spot = atArgument
		case c == ')':
			return f.complete(rest)
		default:
			return f.abandon(c)
		}
	default:
		return f.inCode(c)
	}
	return nil
}

// inCode reads a byte of code that is in no call of interest.
func (f *callFramer) inCode(c byte) error {
	const comment = "<!--"
	if c != comment[f.run] {
		f.run = 0
	}
	if c == comment[f.run] {
		if f.run++; f.run == len(comment) {
			f.spot, f.run = inLineComment, 0
			f.forgetName()
			return nil
		}
	}
	switch {
	case isName(c):
		f.addName(c)
	case isSpace(c):
		f.gap = len(f.name) > 0
	case c == '(' && f.isCall():
		f.call = string(f.name)
		f.forgetName()
		f.count, f.spot = 0, atArgument
		return f.out.addByte('[')
	case c == '/':
		f.forgetName()
		f.spot = afterSlash
	case c == '"' || c == '\'' || c == '`':
		f.forgetName()
		f.spot, f.quote = inCodeString, c
	default:
		f.forgetName()
	}
	return nil
}

// addName reads a byte of a name.
func (f *callFramer) addName(c byte) {
	if f.gap && c != '.' && !bytes.HasSuffix(f.name, []byte(".")) {
		f.created = string(f.name) == "new"
		f.name = f.name[:0]
	}
	if f.gap = false; len(f.name) <= maxCall {
		f.name = append(f.name, c)
	}
}

func (f *callFramer) forgetName() { f.name, f.gap, f.created = f.name[:0], false, false }

// isCall reports whether a parenthesis after the name that has been read is a call.
func (f *callFramer) isCall() bool {
	name := bytes.TrimLeft(f.name, ".")
	if len(name) == 0 || len(f.name) > maxCall || f.created || slices.Contains(notCalls, string(name)) {
		return false
	}
	f.name = append(f.name[:0], name...)
	return true
}

// atArgument reads a byte where an argument may begin.
func (f *callFramer) atArgument(c byte, space bool, rest int) error {
	switch {
	case space:
		return nil
	case c == ')' && f.count == 0:
		f.spot = inCode
		f.out.drop()
		return nil
	case c == ')':
		return f.complete(rest)
	}
	if f.count > 0 {
		if err := f.out.addByte(','); err != nil {
			return err
		}
	}
	if c == '"' || c == '\'' {
		f.spot, f.text = inArgumentString, scriptString{quote: c}
		return f.out.addByte('"')
	}
	f.value.reset()
	if f.value.step(c) != jsonMore {
		return f.abandon(c)
	}
	f.spot = inArgument
	return f.out.addByte(c)
}

// inArgument reads a byte of an argument that is JSON.
func (f *callFramer) inArgument(c byte, rest int) error {
	switch f.value.step(c) {
	case jsonMore:
		return f.out.addByte(c)
	case jsonLast:
		f.spot = afterArgument
		f.count++
		return f.out.addByte(c)
	case jsonAfter:
		f.spot = afterArgument
		f.count++
		return f.step(c, rest)
	}
	return f.abandon(c)
}

// inArgumentString reads a byte of an argument that is a string of JavaScript.
func (f *callFramer) inArgumentString(c byte) error {
	text, step := f.text.step(c)
	switch step {
	case jsonLast:
		f.spot = afterArgument
		f.count++
	case jsonBroken:
		f.spot, f.quote = inCodeString, f.text.quote
		f.out.drop()
		return f.step(c, 0)
	}
	return f.out.add(text)
}

// abandon goes on in the code from the first byte that makes the arguments none of interest. There may be
// calls in them.
func (f *callFramer) abandon(c byte) error {
	if f.spot == inArgument && f.value.inString() {
		f.spot, f.quote = inCodeString, '"'
		f.out.drop()
		return f.step(c, 0)
	}
	arguments := f.out.bytes()
	start := len(arguments)
	for start > 0 && len(arguments)-start <= maxCall && isName(arguments[start-1]) {
		start--
	}
	f.spot = inCode
	f.forgetName()
	f.name = append(f.name, arguments[start:]...)
	f.out.drop()
	return f.inCode(c)
}

// complete makes a record of a call.
func (f *callFramer) complete(rest int) error {
	from := len("[")
	if f.count > 1 {
		from = 0
		if err := f.out.addByte(']'); err != nil {
			return err
		}
	}
	if f.out.len()-from > f.limit {
		return ErrRecordTooLarge
	}
	f.out.complete(from, f.out.len(), http.Header{"Call": {f.call}}, rest)
	f.spot = inCode
	return nil
}

// isName reports whether c may be in an expression such as parent.update.
func isName(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$' || c == '.' || c >= 0x80
}
