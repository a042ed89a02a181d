package decode

import (
	"bytes"
	"slices"
)

// WholeSocketIO makes the answer to a poll one for [SocketIO]. Engine.IO may give a packet in one answer, and the
// attachments that it announces in the next ones. So whole begins with what the answers before have left unfinished,
// and a packet at the end that lacks attachments is left unfinished instead. An answer that does not begin like a
// packet stays as it is, and so does what is unfinished. What is returned may share memory with the answer.
func WholeSocketIO(before, answer []byte) (whole, unfinished []byte) {
	if len(answer) == 0 || answer[0] != 'b' && (answer[0] < '0' || answer[0] > '6') {
		return answer, before
	}
	if len(before) > 0 {
		answer = slices.Concat(before, packetSeparator, answer)
	}
	whole, unfinished = cutUnfinished(answer)
	if _, other := cutUnfinished(whole); len(other) > 0 { // another packet has come in the place of attachments, which is an error
		return answer, nil
	}
	return whole, unfinished
}

// cutUnfinished cuts off a packet at the end that lacks attachments, with those that it has.
func cutUnfinished(text []byte) (whole, unfinished []byte) {
	for end, binary := len(text), 0; ; binary++ {
		at := bytes.LastIndex(text[:end], packetSeparator) + 1
		packet := text[at:end]
		if len(packet) > 0 && packet[0] == 'b' && at > 0 {
			end = at - 1
			continue
		}
		message, ok := bytes.CutPrefix(packet, []byte("4"))
		if m, known := parseSocketIO(message); !ok || !known || m.attachments <= binary {
			return text, nil
		}
		return text[:max(0, at-1)], text[at:]
	}
}
