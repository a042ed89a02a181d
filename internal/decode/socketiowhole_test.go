package decode

import (
	"bytes"
	"strings"
	"testing"
)

func TestAnswersOfSocketIOAreMadeWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, answer, whole, unfinished string }{
		{"", `42["a"]`, `42["a"]`, ""},
		{"", `451-["a"]`, "", `451-["a"]`},
		{"", `42["a"]|451-["b"]`, `42["a"]`, `451-["b"]`},
		{"", `451-["a"]|bAQID|452-["b"]|bAQID`, `451-["a"]|bAQID`, `452-["b"]|bAQID`},
		{`452-["a"]`, "bAQID", "", `452-["a"]|bAQID`},
		{`452-["a"]|bAQID`, `bBA==|2`, `452-["a"]|bAQID|bBA==|2`, ""},
		{`451-["a"]`, `bAQID|461-7["b"]`, `451-["a"]|bAQID`, `461-7["b"]`},
		{`451-["a"]`, "2", `451-["a"]|2`, ""},                                // which is an error
		{`451-["a"]`, `42["b"]|451-["c"]`, `451-["a"]|42["b"]`, `451-["c"]`}, // likewise
		{`451-["a"]`, `451-["b"]`, `451-["a"]|451-["b"]`, ""},                // likewise
		{`451-["a"]`, "", "", `451-["a"]`},
		{`451-["a"]`, "<html>", "<html>", `451-["a"]`},
		{`451-["a"]`, `{"code":1}`, `{"code":1}`, `451-["a"]`},
		{"", "bAQID|bAQID", "bAQID|bAQID", ""},
		{"", `450-["a"]`, `450-["a"]`, ""},
		{"", `51-["a"]`, `51-["a"]`, ""},
		{"", `451-["a"`, `451-["a"`, ""},
		{"", "2|", "2|", ""},
	} {
		packets := func(text string) []byte { return []byte(strings.ReplaceAll(text, "|", "\x1e")) }
		whole, unfinished := WholeSocketIO(packets(c.before), packets(c.answer))
		if !bytes.Equal(whole, packets(c.whole)) || !bytes.Equal(unfinished, packets(c.unfinished)) {
			t.Errorf("after %q, %q is %q and %q, want %q and %q", c.before, c.answer, whole, unfinished, c.whole, c.unfinished)
		}
	}
}

// FuzzWholeSocketIO checks that nothing is lost of packets that come in several answers, and that none ends unfinished.
func FuzzWholeSocketIO(f *testing.F) {
	f.Add(`42["a"]`+"\x1e"+`452-["b"]`+"\x1ebAQID\x1ebBA==\x1e2", uint(0b1010))
	f.Add(`451-["a"]`+"\x1ebAQID\x1e"+`451-["b"]`, uint(0b111))
	f.Add(`451-["a"]`+"\x1e"+`451-["b"]`, uint(0b1))
	f.Fuzz(func(t *testing.T, text string, cuts uint) {
		var got []string
		var unfinished []byte
		answer := ""
		packets := strings.Split(text, string(packetSeparator))
		for i, packet := range packets {
			if strings.Trim(packet[:min(1, len(packet))], "0123456b") != "" || packet == "" {
				return // no packet
			}
			if answer += packet; i < len(packets)-1 && cuts>>(i%64)&1 == 0 {
				answer += string(packetSeparator)
				continue
			}
			var whole []byte
			whole, unfinished = WholeSocketIO(unfinished, []byte(answer))
			if _, again := WholeSocketIO(nil, whole); len(again) > 0 {
				t.Fatalf("of %q, %q ends unfinished", text, whole)
			}
			if answer = ""; len(whole) > 0 {
				got = append(got, string(whole))
			}
		}
		if len(unfinished) > 0 {
			got = append(got, string(unfinished))
		}
		if joined := strings.Join(got, string(packetSeparator)); joined != text {
			t.Fatalf("%q has become %q", text, joined)
		}
	})
}
