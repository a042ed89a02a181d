package page

// maxExpanded bounds the JSON that an answer of size bytes in another format becomes. Names of
// columns are repeated in each row, so that a small table may grow by more than a large one may.
func maxExpanded(size int) int { return max(2*size, 8<<20) }

// appendString appends text as a JSON string (RFC 8259, section 7). Bytes that are no UTF-8 stay
// what they are.
func appendString[T string | []byte](dst []byte, text T) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
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
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}
