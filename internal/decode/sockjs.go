package decode

import (
	"bytes"
	"errors"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// SockJS returns the answer to a poll of SockJS, which is one frame, as JSON
// (https://sockjs.github.io/sockjs-protocol/sockjs-protocol-0.3.3.html):
//
//	o                   {"type":"open"}
//	h                   {"type":"heartbeat"}
//	a["x","y"]          {"type":"message","messages":["x","y"]}
//	c[3000,"Go away!"]  {"type":"close","code":3000,"reason":"Go away!"}
//
// The error is any other text, more than [MaxItems] messages, or what would take more than memory.
func SockJS(text []byte, memory int) ([]byte, error) {
	text = bytes.TrimRight(text, Space)
	var kind byte
	if len(text) > 0 {
		kind, text = text[0], text[1:]
	}
	isArray := len(text) > 0 && text[0] == '[' && value.ValidJSON(text)
	switch {
	case kind == 'o' && len(text) == 0:
		return []byte(`{"type":"open"}`), nil
	case kind == 'h' && len(text) == 0:
		return []byte(`{"type":"heartbeat"}`), nil
	case kind == 'a' && isArray:
		out := newOutput(len(text)+len(`{"type":"message","messages":}`), memory)
		out.plain(`{"type":"message","messages":`)
		out.raw(text)
		out.plain("}")
		return out.text, out.failed("the frame of SockJS", memory)
	case kind == 'c' && isArray:
		reason := gjson.GetManyBytes(text, "0", "1")
		if reason[0].Type != gjson.Number || reason[1].Type != gjson.String {
			break
		}
		out := newOutput(len(text)+len(`{"type":"close","code":,"reason":}`), memory)
		out.plain(`{"type":"close","code":`, reason[0].Raw, `,"reason":`, reason[1].Raw, "}")
		return out.text, out.failed("the frame of SockJS", memory)
	}
	return nil, errors.New("a frame of SockJS was expected: o, h, a[...] or c[...]")
}
