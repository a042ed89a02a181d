package page

// appendString appends text as a JSON string (RFC 8259, section 7). Bytes that are no UTF-8 stay
// what they are.
func appendString[T string | []byte](dst []byte, text T) []byte {
	return append(appendEscaped(append(dst, '"'), text), '"')
}

// appendEscaped is appendString without the quotes.
func appendEscaped[T string | []byte](dst []byte, text T) []byte {
	const digits = "0123456789abcdef"
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(dst, text[start:]...)
}

// string appends text as a JSON string.
func (o *output) string(text []byte) error {
	if err := o.reserve(len(text) + escapesOf(text) + len(`""`)); err != nil {
		return err
	}
	o.text = appendString(o.text, text)
	return nil
}

// escapesOf returns by how many bytes text is longer as a JSON string, without the quotes.
func escapesOf[T string | []byte](text T) (n int) {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			n++
		case c < ' ':
			n += len(`\u0000`) - 1
		}
	}
	return n
}
