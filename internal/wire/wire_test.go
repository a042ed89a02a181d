package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func TestScannerReadsWhatWasAppended(t *testing.T) {
	t.Parallel()
	text := AppendString(AppendString(nil, "äb"), []byte(nil))
	text = binary.AppendUvarint(append(text, 7), 300)
	s := NewScanner(text)
	if a, b, c, d := string(s.Text()), s.Text(), s.Byte(), s.Uint(); a != "äb" || len(b) != 0 || c != 7 || d != 300 || s.Err() != nil {
		t.Errorf("%q %q %d %d %v", a, b, c, d, s.Err())
	}
}

func TestScannerFails(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*Scanner){
		"a string that is longer than the text": func(s *Scanner) { s.Text() },
		"more bytes than there are":             func(s *Scanner) { s.Bytes(4) },
		"fewer bytes than none":                 func(s *Scanner) { s.Bytes(-1) },
		"a count of more things than bytes":     func(s *Scanner) { s.Count() },
		"what is left over":                     func(s *Scanner) { s.Byte() },
		"a number without an end":               func(s *Scanner) { s.Byte(); s.Byte(); s.Uint() },
	} {
		s := NewScanner([]byte{100, 1, 0x80})
		read(s)
		if err := s.Err(); !errors.Is(err, ErrCut) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingComesAfterAnError(t *testing.T) {
	t.Parallel()
	s := NewScanner([]byte{9, 1, 1, 1})
	s.Text()
	if s.Byte() != 0 || s.Uint() != 0 || s.Count() != 0 || s.Len() != 0 || !bytes.Equal(s.Text(), nil) {
		t.Error("something came after the error")
	}
}
