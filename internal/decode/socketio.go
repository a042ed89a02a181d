package decode

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// packetSeparator stands between the packets of an answer of Engine.IO.
var packetSeparator = []byte("\x1e")

// SocketIO returns the answer to a poll of Engine.IO 4, as Socket.IO 3 and 4 use it, as a JSON array of its packets
// (https://socket.io/docs/v4/engine-io-protocol/ and https://socket.io/docs/v4/socket-io-protocol/). They are separated
// by the byte 0x1E. The members of a packet that has none are left out:
//
//	0{"sid":"x"}        {"type":"open","data":{"sid":"x"}}
//	2                   {"type":"ping"}; likewise close, pong, upgrade and noop
//	42/a,7["chat",1]    {"type":"message","packet":"event","namespace":"/a","id":"7","event":"chat","args":[1]}
//	451-["chat",{}]     the same, and the binary packets that follow it as "attachments":["AQID"]
//	40{"sid":"x"}       {"type":"message","packet":"connect","namespace":"/","data":{"sid":"x"}}; likewise disconnect, ack,
//	                    connect_error and binary_ack
//	4hello              {"type":"message","text":"hello"}, of an application without Socket.IO
//	bAQID               {"type":"binary","data":"AQID"}, where no packet before it has asked for it
//
// The error is a text that has another kind of packet, data that is not JSON, more than [MaxItems] packets, or what would
// take more than memory.
func SocketIO(text []byte, memory int) ([]byte, error) {
	if IsHTML(text) {
		return nil, unexpectedHTML("packets of Engine.IO were")
	}
	if bytes.Count(text, packetSeparator) >= MaxItems {
		return nil, ErrTooManyItems
	}
	out := newOutput(len(text)+len(text)/2, memory)
	out.plain("[")
	attachments, number := 0, 0 // that the event before still lacks; of packets
	for more := true; more; number++ {
		var packet []byte
		packet, text, more = bytes.Cut(text, packetSeparator)
		if attachments > 0 && len(packet) > 0 && packet[0] == 'b' {
			out.quoted(packet[1:])
			if attachments--; attachments == 0 || !more {
				attachments = 0
				out.plain("]}")
			} else {
				out.plain(",")
			}
			continue
		}
		if attachments > 0 {
			return nil, fmt.Errorf("packet %d of Engine.IO: the packet before lacks a binary packet", number+1)
		}
		if number > 0 {
			out.plain(",")
		}
		var err error
		if attachments, err = out.packet(packet); err != nil {
			return nil, fmt.Errorf("packet %d of Engine.IO: %w", number+1, err)
		}
		if attachments > 0 && !more {
			out.plain("]}")
		}
	}
	out.plain("]")
	return out.text, out.failed("the packets of Engine.IO", memory)
}

// engineIOKinds are the kinds of packets of Engine.IO, by their first character.
var engineIOKinds = [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}

// packet writes a packet of Engine.IO. If it announces attachments, its array of them is left open.
func (o *output) packet(packet []byte) (attachments int, err error) {
	if len(packet) == 0 {
		return 0, errors.New("it is empty")
	}
	kind, rest := packet[0], packet[1:]
	switch kind {
	case '0':
		o.plain(`{"type":"open"`)
		err = o.member("data", rest)
	case '1', '2', '3', '5', '6':
		o.plain(`{"type":"`, engineIOKinds[kind-'0'], `"`)
	case '4':
		o.plain(`{"type":"message"`)
		if m, ok := parseSocketIO(rest); ok {
			if o.socketIO(m); m.attachments > 0 {
				o.plain(`,"attachments":[`)
				return m.attachments, nil
			}
		} else {
			o.plain(`,"text":`)
			o.quoted(rest)
		}
	case 'b':
		o.plain(`{"type":"binary","data":`)
		o.quoted(rest)
	default:
		return 0, errors.New("it begins with none of 0 to 6 and b, so it is not of version 4: the client asks with EIO=4")
	}
	o.plain("}")
	return 0, err
}

// quoted writes text as a JSON string.
func (o *output) quoted(text []byte) {
	o.plain(`"`)
	o.escaped(text)
	o.plain(`"`)
}

// member writes a member that is JSON, if there is any.
func (o *output) member(name string, json []byte) error {
	if len(json) == 0 {
		return nil
	}
	if !value.ValidJSON(json) {
		return errors.New("its data is not JSON")
	}
	o.plain(`,"`, name, `":`)
	o.raw(json)
	return nil
}

// socketIOKinds are the kinds of packets of Socket.IO, by their first character.
var socketIOKinds = [...]string{"connect", "disconnect", "event", "ack", "connect_error", "event", "binary_ack"}

// socketIOPacket is a packet of Socket.IO.
type socketIOPacket struct {
	kind          string
	attachments   int // that follow it
	namespace, id []byte
	data          []byte // JSON; empty for none
}

// parseSocketIO reads `<kind>[<attachments>-][<namespace>,][<id>][<JSON>]`. A text of another form is no packet of
// Socket.IO.
func parseSocketIO(text []byte) (m socketIOPacket, ok bool) {
	if len(text) == 0 || text[0] < '0' || text[0] > '6' {
		return m, false
	}
	kind := text[0] - '0'
	m.kind, text = socketIOKinds[kind], text[1:]
	if kind >= 5 {
		count := digits(text)
		if len(count) == 0 || len(count) > 4 || len(text) == len(count) || text[len(count)] != '-' {
			return m, false
		}
		for _, c := range count {
			m.attachments = m.attachments*10 + int(c-'0')
		}
		text = text[len(count)+1:]
	}
	m.namespace = []byte("/")
	if len(text) > 0 && text[0] == '/' {
		if m.namespace, text, ok = bytes.Cut(text, []byte(",")); !ok {
			text = nil
		}
	}
	m.id = digits(text)
	m.data = text[len(m.id):]
	if len(m.data) > 0 && !value.ValidJSON(m.data) {
		return m, false
	}
	return m, m.kind != "event" || gjson.GetBytes(m.data, "0").Exists() && m.data[0] == '['
}

// digits returns the decimal digits at the start of text.
func digits(text []byte) []byte {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return text[:n]
}

// socketIO writes the members of a packet of Socket.IO.
func (o *output) socketIO(m socketIOPacket) {
	o.plain(`,"packet":"`, m.kind, `","namespace":`)
	o.quoted(m.namespace)
	if len(m.id) > 0 {
		o.plain(`,"id":"`)
		o.raw(m.id)
		o.plain(`"`)
	}
	if m.kind != "event" {
		if len(m.data) > 0 {
			o.plain(`,"data":`)
			o.raw(m.data)
		}
		return
	}
	name, args := splitFirst(m.data)
	o.plain(`,"event":`)
	o.raw(name)
	o.plain(`,"args":[`)
	o.raw(args)
}

// splitFirst returns the first element of a JSON array that has one, and what stands behind it, up to and with the
// bracket that closes the array.
func splitFirst(array []byte) (first, rest []byte) {
	element := gjson.GetBytes(array, "0")
	end := element.Index + len(element.Raw)
	rest = bytes.TrimLeft(array[end:], Space)
	rest, _ = bytes.CutPrefix(rest, []byte(","))
	return array[element.Index:end], bytes.TrimLeft(rest, Space)
}
