package decode

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func TestPacketsOfSocketIOAreReadAsJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`0{"sid":"b_Up","pingInterval":25000}`, `{"type":"open","data":{"sid":"b_Up","pingInterval":25000}}`},
		{"1", `{"type":"close"}`},
		{"2", `{"type":"ping"}`},
		{"2probe", `{"type":"ping"}`},
		{"6", `{"type":"noop"}`},
		{`40{"sid":"DXVu"}` + "\x1e" + `42["hello",{"you":"DXVu"}]`, `{"type":"message","packet":"connect","namespace":"/","data":{"sid":"DXVu"}},{"type":"message","packet":"event","namespace":"/","event":"hello","args":[{"you":"DXVu"}]}`},
		{`42/admin,["chat",{"n":1},[2], "3"]`, `{"type":"message","packet":"event","namespace":"/admin","event":"chat","args":[{"n":1},[2], "3"]}`},
		{`42/admin,12["chat"]`, `{"type":"message","packet":"event","namespace":"/admin","id":"12","event":"chat","args":[]}`},
		{`42[ "a\"b" , 1.10 ]`, `{"type":"message","packet":"event","namespace":"/","event":"a\"b","args":[1.10 ]}`},
		{"41", `{"type":"message","packet":"disconnect","namespace":"/"}`},
		{"41/admin,", `{"type":"message","packet":"disconnect","namespace":"/admin"}`},
		{"40/admin", `{"type":"message","packet":"connect","namespace":"/admin"}`},
		{`44/deny,{"message":"not authorized"}`, `{"type":"message","packet":"connect_error","namespace":"/deny","data":{"message":"not authorized"}}`},
		{`431[true]`, `{"type":"message","packet":"ack","namespace":"/","id":"1","data":[true]}`},
		{`451-["bin",{"_placeholder":true,"num":0}]` + "\x1ebAQID\x1e2", `{"type":"message","packet":"event","namespace":"/","event":"bin","args":[{"_placeholder":true,"num":0}],"attachments":["AQID"]},{"type":"ping"}`},
		{`452-["bin"]` + "\x1ebAQID\x1ebBA==", `{"type":"message","packet":"event","namespace":"/","event":"bin","args":[],"attachments":["AQID","BA=="]}`},
		{`452-["bin"]` + "\x1ebAQID", `{"type":"message","packet":"event","namespace":"/","event":"bin","args":[],"attachments":["AQID"]}`},
		{`451-["bin"]`, `{"type":"message","packet":"event","namespace":"/","event":"bin","args":[],"attachments":[]}`},
		{"bAQID", `{"type":"binary","data":"AQID"}`},
		{`4hello "you"`, `{"type":"message","text":"hello \"you\""}`},
		{"42{}", `{"type":"message","text":"2{}"}`},
		{"42[]", `{"type":"message","text":"2[]"}`},
		{"4", `{"type":"message","text":""}`},
	} {
		got, err := SocketIO([]byte(c.text), testMemory)
		if err != nil || string(got) != "["+c.want+"]" {
			t.Errorf("%q is read as %s (%v), want [%s]", c.text, got, err, c.want)
		}
		if !value.ValidJSON(got) {
			t.Errorf("%q is read as %s, which is not JSON", c.text, got)
		}
	}
}

func TestFramesOfSockJSAreReadAsJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"o\n", `{"type":"open"}`},
		{"h\n", `{"type":"heartbeat"}`},
		{`a["{\"n\":1}","x"]` + "\n", `{"type":"message","messages":["{\"n\":1}","x"]}`},
		{"a[]", `{"type":"message","messages":[]}`},
		{`c[3000,"Go away!"]` + "\n", `{"type":"close","code":3000,"reason":"Go away!"}`},
	} {
		if got, err := SockJS([]byte(c.text), testMemory); err != nil || string(got) != c.want {
			t.Errorf("%q is read as %s (%v), want %s", c.text, got, err, c.want)
		}
	}
}

func TestWhatIsNoPacketAndNoFrame(t *testing.T) {
	t.Parallel()
	const elsewhere = "it begins with none of 0 to 6 and b, so it is not of version 4: the client asks with EIO=4"
	for text, want := range map[string]string{
		"<!DOCTYPE html>":                       "HTML where packets of Engine.IO were expected",
		`96:0{"sid":"x"}2:40`:                   "packet 1 of Engine.IO: " + elsewhere,
		`{"code":1}`:                            "packet 1 of Engine.IO: " + elsewhere,
		"2\x1e":                                 "packet 2 of Engine.IO: it is empty",
		"0{":                                    "packet 1 of Engine.IO: its data is not JSON",
		`451-["a"]` + "\x1e2":                   "packet 2 of Engine.IO: the packet before lacks a binary packet",
		strings.Repeat("2\x1e", MaxItems) + "2": ErrTooManyItems.Error(),
		"4" + strings.Repeat("\n", limitMemory): "the packets of Engine.IO: reading it takes more than 1048576 bytes: ask the upstream for less",
	} {
		if got, err := SocketIO([]byte(text), limitMemory); err == nil || err.Error() != want {
			t.Errorf("%.40q: %.40q, %v, want the error %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "ox", "hh", "a", `a["x"`, "a{}", `c["x"]`, `c[3000,1]`, "c[]", "<html>", `{"a":1}`} {
		if got, err := SockJS([]byte(text), limitMemory); err == nil || err.Error() != "a frame of SockJS was expected: o, h, a[...] or c[...]" {
			t.Errorf("%q is read as %s (%v)", text, got, err)
		}
	}
}

// FuzzSession checks that what is read of a session's packets and frames is JSON.
func FuzzSession(f *testing.F) {
	f.Add(`0{"sid":"x"}` + "\x1e40/a,{}\x1e" + `452-["a",1]` + "\x1ebAQID\x1ebAQID\x1e4x")
	f.Add("42/a,7[\"\x00\"]")
	f.Add(`a["x"]`)
	f.Add(`c[3000,"x"]`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func([]byte, int) ([]byte, error){SocketIO, SockJS} {
			out, err := read([]byte(text), fuzzMemory)
			if err == nil && (!json.Valid(out) || len(out) > fuzzMemory) {
				t.Fatalf("%.100q is read as %.100q", text, out)
			}
		}
	})
}
