package redis

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func TestCaddyfilesBecomeJSON(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"redis redis://10.0.0.7:6379", `{"servers":["redis://10.0.0.7:6379"]}`},
		{"redis redis://{env.HOST} {\n}", `{"servers":["redis://{env.HOST}"]}`},
		{
			"redis rediss://10.0.0.7 {\n user ann {env.PASSWORD}\n tls {\n  ca a.pem\n  client_certificate c.pem k.pem\n }\n prefix chat\n}",
			`{"servers":["rediss://10.0.0.7"],"user":"ann","password":"{env.PASSWORD}","tls":{"ca":"a.pem","client_certificate":"c.pem","client_key":"k.pem"},"prefix":"chat"}`,
		},
		{
			"redis redis://10.0.0.5 redis://10.0.0.6 {\n sentinel main\n user ann secret\n}",
			`{"servers":["redis://10.0.0.5","redis://10.0.0.6"],"sentinel":"main","user":"ann","password":"secret"}`,
		},
	} {
		e := new(Engine)
		if err := e.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.text)); err != nil {
			t.Errorf("%s:\n%v", test.text, err)
			continue
		}
		if got, err := json.Marshal(e); err != nil || string(got) != test.want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", test.text, got, err, test.want)
		}
	}
}

func TestMistakesInCaddyfilesNameTheirLine(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"redis", "servers: there is none: write a URL such as redis://10.0.0.7:6379, at Testfile:1"},
		{"redis redis://h http://i", "servers: URL 2 begins with neither redis:// nor rediss:// (with TLS): write one such as redis://10.0.0.7:6379, at Testfile:1"},
		{"redis redis://h redis://i", "servers: there are several, and pub/sub needs one that all nodes share: name one, or Sentinels and `sentinel <name>`, at Testfile:1"},
		{"redis redis://h {\n sentinel\n}", "sentinel: wrong number of arguments: it takes <name>; quote an argument that has spaces, at Testfile:2"},
		{"redis redis://h {\n user ann\n}", "user: wrong number of arguments: it takes <name> <password>; quote an argument that has spaces, at Testfile:2"},
		{"redis redis://h {\n user ann \"\"\n}", "user: wrong number of arguments: it takes <name> <password>; quote an argument that has spaces, at Testfile:2"},
		{"redis redis://ann:a@h {\n user ann b\n}", "user: the URL has a user or a password, too: write them once, at Testfile:1"},
		{"redis redis://h {\n prefix a\n prefix b\n}", "prefix: it is given twice: write it once, at Testfile:3"},
		{"redis redis://h {\n prefix a*\n}", "prefix: \"a*\" cannot be one: use letters, digits, `.`, `:`, `-` and `_`, 64 at most, at Testfile:2"},
		{"redis redis://h {\n tls {\n }\n}", "tls: the server's URL begins with redis://, which is without TLS: write rediss://, at Testfile:1"},
		{"redis rediss://h {\n tls a.pem\n}", "tls: it takes a block: write `ca <file>` and `client_certificate <certificate> <key>` into it, at Testfile:2"},
		{"redis rediss://h {\n tls {\n  client_certificate c.pem\n }\n}", "client_certificate: wrong number of arguments: it takes <certificate> <key>; quote an argument that has spaces, at Testfile:3"},
		{"redis rediss://h {\n tls {\n  key k.pem\n }\n}", "tls: unrecognized subdirective 'key': the subdirectives are ca, client_certificate, at Testfile:3"},
		{"redis redis://h {\n password x\n}", "redis: unrecognized subdirective 'password': the subdirectives are sentinel, user, tls, prefix, at Testfile:2"},
	} {
		err := new(Engine).UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.text))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", test.text, err, test.want)
		}
	}
}
