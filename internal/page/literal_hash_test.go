package page

import "testing"

// The id of a document is a hash of what it says: clients come back with the one that they have, and get the
// document again if it is another one. So it never changes, however JSON is read. These are of version 0.1.0.
func TestHashesOfDocumentsStay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, body, want string }{
		{"", `{"a":1}`, "bQ7ljneY7sa_bZEv"},
		{"event =price", `{"a":1}`, "AVQ3Oy7Tyc1O_LT2"},
		{"event kind; data d", `{"kind":"price","d":{"a":1}}`, "AVQ3Oy7Tyc1O_LT2"},
		{"", `{"b":[1,{"c":null}],"a":true}`, "rSBdGDJ9UlWXcR43"},
		{"", "{ \"a\": true,\n\"b\": [ 1, { \"c\": null } ] }", "rSBdGDJ9UlWXcR43"},
		{"", `{"a":1.10}`, "7xVLFeTQrqt9_0IY"},
		{"", `{"a":1.1}`, "cA0zaTSsqcYXR2zL"},
		{"", `{"a":1e3}`, "6xUUdrO5_dGbE0Iz"},
		{"", `{"a":-0}`, "VZ6oycuE6Rl3RtuB"},
		{"", "[9007199254740993,123456789012345678901234567890]", "vhCpr7HTM0FqxvO8"},
		{"", `"\u00e9\/\n\""`, "sso2k7Sq47G3_Ms8"},
		{"", `"é/\u000a\u0022"`, "sso2k7Sq47G3_Ms8"},
		{"", `"\ud83d\ude00"`, "VHAwHKyTBJwp45HA"},
		{"", `"😀"`, "VHAwHKyTBJwp45HA"},
		{"", `"\ud83d"`, "3VXI1Wl4cNrDwC3h"},
		{"", `{"\u0061":"<&>"}`, "EVaDLsFOqgIlKvSL"},
		{"", `{"a":1,"a":2}`, "Haq7dqD56Cp0o3rw"},
		{"", `{"a":2,"a":1}`, "Haq7dqD56Cp0o3rw"},
		{"", `{"a":1,"a":1}`, "roBZVBRtq3Hek7kH"},
		{"", "{}", "jVSppTbxeWNF3VXx"},
		{"", "[]", "oRPWOFKJBoiWlaGh"},
		{"", `[[],{},"",null,false]`, "TbycPCfpV8kUK03w"},
		{"", `{"a":{"b":{"c":[{"d":[]}]}}}`, "QE-GwqJd6A4WMrKu"},
		{"", "null", "_NiL4ohD5w_KZC8D"},
		{"", "0", "hk2mRGWkJ4njpGL3"},
		{"", `""`, "E8z9LIiaA_7HZZb5"},
		{"data a", `{"a":"text"}`, "s5TR7jDhQfFk0_pr"},
		{"data a", `{"a":"{\"b\":1}"}`, "jgy-oZsmlD9pt1D2"},
		{"", "hello", "3_EAjK-Rho8G0gQ_"},
		{"", "hello\n", "3_EAjK-Rho8G0gQ_"},
		{"", `{"a":1`, "jQcR-jJxD2ehI4ef"},
		{"format text", `{"a":1}`, "Fh3aJnvxnwGBKap_"},
		{"format text", `{"a": 1}`, "OwHsg5Z4De-Xjbek"},
		{"", "caf\xe9", "AAWKlavVb13eTjs0"},
		{"format jsonp", `cb({"a":1});`, "bQ7ljneY7sa_bZEv"},
		{"format xml", `<a b="1">x<c/></a>`, "g9c-0yM2nEH2wTCA"},
	} {
		if p := mustRead(t, reader(t, c.config), ok(c.body), at()); len(p.Events) != 1 || p.Events[0].Key != c.want {
			t.Errorf("%s of %q: the hash is %s, want %s", c.config, c.body, p.Events[0].Key, c.want)
		}
	}
}
