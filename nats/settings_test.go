package nats

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
)

// $DIR stands for a folder with files in it.
func TestMistakesInSettingsAreErrors(t *testing.T) {
	dir := filepath.Dir(write(t, "empty", ""))
	_, seed := userKey()
	a := newAuthority(t)
	certificate, key := a.issue()
	_, otherKey := a.issue()
	seedOnly := write(t, "seed", seed)
	files := strings.NewReplacer("$DIR", dir, "$CERTIFICATE", certificate, "$KEY", key, "$OTHER", otherKey, "$SEED", seedOnly)
	for settings, want := range map[string]string{
		`{}`:                                                                                                   "servers: there are none; name at least one, such as nats://10.0.0.5:4222",
		`{"servers": ["http://10.0.0.5:4222"]}`:                                                                `servers: "http://10.0.0.5:4222" is no URL of a NATS server; write it like nats://10.0.0.5:4222 or tls://nats.example.com:4222`,
		`{"servers": ["10.0.0.5"]}`:                                                                            `servers: "10.0.0.5" is no URL of a NATS server; write it like nats://10.0.0.5:4222 or tls://nats.example.com:4222`,
		`{"servers": ["nats://10.0.0.5:99999"]}`:                                                               `servers: "nats://10.0.0.5:99999" has a port that is none; write it like nats://10.0.0.5:4222 or tls://nats.example.com:4222`,
		`{"servers": ["nats://10.0.0.5:x"]}`:                                                                   `servers: a URL cannot be read; write it like nats://10.0.0.5:4222 or tls://nats.example.com:4222`,
		`{"servers": ["nats://user:secret@10.0.0.5"]}`:                                                         `servers: the URL of 10.0.0.5 has a user in it; write credentials into user, token, nkey or credentials`,
		`{"servers": ["nats://h"], "prefix": "a.*"}`:                                                           `prefix "a.*": it is the beginning of subjects; write letters, digits, - and _, with dots between parts`,
		`{"servers": ["nats://h"], "token": "t", "nkey": "$SEED"}`:                                             "nkey and token: a connection has one kind of credentials; remove the others",
		`{"servers": ["nats://h"], "user": "u"}`:                                                               "user: there is no password; set both",
		`{"servers": ["nats://h"], "password": "p"}`:                                                           "password: there is no user; set both",
		`{"servers": ["nats://h"], "token": "{env.NATS_TEST_UNSET}"}`:                                          "token: replacing placeholders: evaluated placeholder {env.NATS_TEST_UNSET} is empty",
		`{"servers": ["nats://h"], "credentials": "$DIR/none"}`:                                                "credentials: open $DIR/none: no such file or directory",
		`{"servers": ["nats://h"], "credentials": "$DIR/empty"}`:                                               "credentials: $DIR/empty has no seed of a user; write what `nsc generate creds` prints into it",
		`{"servers": ["nats://h"], "credentials": "$SEED"}`:                                                    "credentials: $SEED has no JWT of a user; write what `nsc generate creds` prints into it",
		`{"servers": ["nats://h"], "nkey": "$DIR/none"}`:                                                       "nkey: open $DIR/none: no such file or directory",
		`{"servers": ["nats://h"], "nkey": "$DIR/empty"}`:                                                      "nkey: $DIR/empty has no seed of a user; write what `nk -gen user` prints into it",
		`{"servers": ["nats://h"], "tls": {"ca": "$DIR/none"}}`:                                                "tls: ca: open $DIR/none: no such file or directory",
		`{"servers": ["nats://h"], "tls": {"ca": "$DIR/empty"}}`:                                               "tls: ca: $DIR/empty has no certificate in the PEM format",
		`{"servers": ["nats://h"], "tls": {"client_key": "$KEY"}}`:                                             "tls: client_certificate and client_key belong together; set both",
		`{"servers": ["nats://h"], "tls": {"client_certificate": "$CERTIFICATE", "client_key": "$DIR/empty"}}`: "tls: client_certificate $CERTIFICATE with the key $DIR/empty: tls: failed to find any PEM data in key input",
		`{"servers": ["nats://h"], "tls": {"client_certificate": "$CERTIFICATE", "client_key": "$OTHER"}}`:     "tls: client_certificate $CERTIFICATE with the key $OTHER: tls: private key does not match public key",
	} {
		var e Engine
		if err := json.Unmarshal([]byte(files.Replace(settings)), &e); err != nil {
			t.Fatal(err)
		}
		err := e.Provision(caddy.Context{})
		if err == nil || err.Error() != files.Replace(want) {
			t.Errorf("%s\n got %v\nwant %s", settings, err, files.Replace(want))
		}
	}
}

func TestAnEngineThatWasNotProvisionedDoesNotConnect(t *testing.T) {
	if _, err := new(Engine).Connect(zap.NewNop()); err == nil {
		t.Error("no error")
	}
}

// What a placeholder stands for is nowhere in the configuration that Caddy shows.
func TestPlaceholdersStayInTheConfiguration(t *testing.T) {
	t.Setenv("NATS_TEST_TOKEN", "secret")
	e := Engine{Servers: []string{"nats://10.0.0.5"}, Token: "{env.NATS_TEST_TOKEN}"}
	if err := e.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	if shown := string(must(json.Marshal(&e))); strings.Contains(shown, "secret") || e.options.Token != "secret" {
		t.Errorf("shown: %s; used: %s", shown, e.options.Token)
	}
}

func TestCaddyfilesAdapt(t *testing.T) {
	for caddyfile, want := range map[string]string{
		`nats nats://10.0.0.5:4222`: `{"servers":["nats://10.0.0.5:4222"]}`,
		`nats nats://10.0.0.5 tls://n.example.com:4222 {
			credentials /etc/caddy/bridge.creds
			prefix chat.nodes
		}`: `{"servers":["nats://10.0.0.5","tls://n.example.com:4222"],"credentials":"/etc/caddy/bridge.creds","prefix":"chat.nodes"}`,
		"nats nats://h {\n nkey /seed.nk\n}":                                                        `{"servers":["nats://h"],"nkey":"/seed.nk"}`,
		"nats nats://h {\n user bridge {env.PASSWORD}\n}":                                           `{"servers":["nats://h"],"user":"bridge","password":"{env.PASSWORD}"}`,
		"nats {env.NATS_URL} {\n token {file./run/token}\n}":                                        `{"servers":["{env.NATS_URL}"],"token":"{file./run/token}"}`,
		"nats nats://h {\n tls\n}":                                                                  `{"servers":["nats://h"],"tls":{}}`,
		"nats nats://h {\n tls {\n ca /ca.pem\n client_certificate /c.pem /k.pem\n }\n prefix b\n}": `{"servers":["nats://h"],"tls":{"ca":"/ca.pem","client_certificate":"/c.pem","client_key":"/k.pem"},"prefix":"b"}`,
	} {
		e, err := unmarshal(caddyfile)
		if err != nil {
			t.Errorf("%s: %v", caddyfile, err)
			continue
		}
		if got := string(must(json.Marshal(e))); got != want {
			t.Errorf("%s\n got %s\nwant %s", caddyfile, got, want)
		}
	}
}

// unmarshal reads the engine's part of a Caddyfile like Caddy does.
func unmarshal(text string) (caddyfile.Unmarshaler, error) {
	d := caddyfile.NewTestDispenser(text)
	d.Next()
	return caddyfile.UnmarshalModule(d, "sse_bridge.cluster."+d.Val())
}

func TestMistakesInCaddyfilesNameTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"nats":                                                    "nats needs a server, such as nats://10.0.0.5:4222, at Testfile:1",
		"nats http://h":                                           `servers: "http://h" is no URL of a NATS server; write it like nats://10.0.0.5:4222 or tls://nats.example.com:4222, at Testfile:1`,
		"nats nats://h {\n creds /x\n}":                           `unknown subdirective "creds" of nats; there are credentials, nkey, user, token, tls and prefix, at Testfile:2`,
		"nats nats://h {\n credentials\n}":                        "credentials has 0 arguments; write credentials <file>, at Testfile:2",
		"nats nats://h {\n nkey a b\n}":                           "nkey has 2 arguments; write nkey <file>, at Testfile:2",
		"nats nats://h {\n user bridge\n}":                        "user has 1 arguments; write user <name> <password>, at Testfile:2",
		"nats nats://h {\n token \"\"\n}":                         "token has an empty argument; write token <token>, at Testfile:2",
		"nats nats://h {\n token a\n token b\n}":                  "token is there twice, at Testfile:3",
		"nats nats://h {\n token a\n user b c\n}":                 "user and token: a connection has one kind of credentials; remove the others, at Testfile:3",
		"nats nats://h {\n prefix a.>\n}":                         `prefix "a.>": it is the beginning of subjects; write letters, digits, - and _, with dots between parts, at Testfile:2`,
		"nats nats://h {\n tls /ca.pem\n}":                        "tls has a block, and no arguments: tls { ca <file> }, at Testfile:2",
		"nats nats://h {\n tls {\n  cert /c\n }\n}":               `unknown subdirective "cert" of tls; there are ca and client_certificate, at Testfile:3`,
		"nats nats://h {\n tls {\n  client_certificate /c\n }\n}": "client_certificate has 1 arguments; write client_certificate <file> <key_file>, at Testfile:3",
	} {
		_, err := unmarshal(text)
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}
