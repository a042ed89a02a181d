package redis

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func TestBadSettingsAreErrorsThatSayWhatToDo(t *testing.T) {
	folder := t.TempDir()
	noPEM := filepath.Join(folder, "no.pem")
	if err := os.WriteFile(noPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(folder, "missing.pem")
	for _, test := range []struct{ config, want string }{
		{`{}`, "servers: there is none: write a URL such as redis://10.0.0.7:6379"},
		{`{"servers": ["10.0.0.7:6379"]}`, "servers: URL 1 cannot be read: write one such as redis://10.0.0.7:6379; in its user and password, %40 is for @ and %2F for /"},
		{`{"servers": ["redis://ann:sec/ret@h"]}`, "servers: URL 1 cannot be read: write one such as redis://10.0.0.7:6379; in its user and password, %40 is for @ and %2F for /"},
		{`{"servers": ["http://h"]}`, "servers: URL 1 begins with neither redis:// nor rediss:// (with TLS): write one such as redis://10.0.0.7:6379"},
		{`{"servers": ["redis://:6379"]}`, "servers: URL 1 names no host: write one such as redis://10.0.0.7:6379"},
		{`{"servers": ["redis://h?db=1"]}`, "servers: URL 1 has something after a ? or a #: use the other settings; in its user and password, %3F is for ? and %23 for #"},
		{`{"servers": ["redis://ann:123#4@h"]}`, "servers: URL 1 has something after a ? or a #: use the other settings; in its user and password, %3F is for ? and %23 for #"},
		{`{"servers": ["redis://h/mine"]}`, "servers: URL 1 has a path that is not the number of a database: leave it out; in its user and password, %2F is for /"},
		{`{"servers": ["redis://h:65536"]}`, "servers: URL 1 has a port that is not one from 1 to 65535"},
		{`{"servers": ["redis://h:0"]}`, "servers: URL 1 has a port that is not one from 1 to 65535"},
		{`{"servers": ["redis://ann@h"]}`, "servers: URL 1 has a user without a password: write <user>:<password>@, or :<password>@ for a password alone"},
		{`{"servers": ["redis://h", "redis://i"]}`, "servers: there are several, and pub/sub needs one that all nodes share: name one, or Sentinels and `sentinel <name>`"},
		{`{"servers": ["redis://h", "rediss://i"], "sentinel": "s"}`, "servers: some URLs begin with redis:// and some with rediss://: with TLS, all are rediss://"},
		{`{"servers": ["redis://h", "redis://i:x"], "sentinel": "s"}`, "servers: URL 2 cannot be read: write one such as redis://10.0.0.7:6379; in its user and password, %40 is for @ and %2F for /"},
		{`{"servers": ["redis://h"], "user": "ann"}`, "user: it has no password: write `user <name> <password>`; a user without a password takes any"},
		{`{"servers": ["redis://ann:a@h"], "user": "ann", "password": "b"}`, "user: the URL has a user or a password, too: write them once"},
		{`{"servers": ["redis://h"], "prefix": "a b"}`, "prefix: \"a b\" cannot be one: use letters, digits, `.`, `:`, `-` and `_`, 64 at most"},
		{`{"servers": ["redis://h"], "prefix": "*"}`, "prefix: \"*\" cannot be one: use letters, digits, `.`, `:`, `-` and `_`, 64 at most"},
		{`{"servers": ["redis://h"], "tls": {}}`, "tls: the server's URL begins with redis://, which is without TLS: write rediss://"},
		{`{"servers": ["rediss://h"], "tls": {"client_key": "k"}}`, "tls client_key: its certificate is missing: write `client_certificate <certificate> <key>`"},
		{`{"servers": ["rediss://h"], "tls": {"client_certificate": "c"}}`, "tls client_certificate: its key is missing: write `client_certificate <certificate> <key>`"},
		{`{"servers": ["rediss://h"], "tls": {"ca": "` + missing + `"}}`, "tls ca: open " + missing + ": no such file or directory"},
		{`{"servers": ["rediss://h"], "tls": {"ca": "` + noPEM + `"}}`, "tls ca: " + noPEM + " holds no certificate in PEM: name the file of the authority's certificate"},
		{
			`{"servers": ["rediss://h"], "tls": {"client_certificate": "` + noPEM + `", "client_key": "` + noPEM + `"}}`,
			"tls client_certificate: reading " + noPEM + " and its key " + noPEM + ": tls: failed to find any PEM data in certificate input",
		},
		{`{"servers": ["redis://{env.REDIS_NOT_SET}"]}`, "servers: evaluated placeholder {env.REDIS_NOT_SET} is empty: set it, or write a value"},
		{`{"servers": ["redis://h"], "user": "ann", "password": "{file./does/not/exist}"}`, "password: evaluated placeholder {file./does/not/exist} is empty: set it, or write a value"},
	} {
		e := new(Engine)
		if err := json.Unmarshal([]byte(test.config), e); err != nil {
			t.Fatal(err)
		}
		if err := e.Provision(caddy.Context{}); err == nil || err.Error() != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", test.config, err, test.want)
		}
	}
}

func TestAnEngineThatWasNotProvisionedDoesNotConnect(t *testing.T) {
	if _, err := new(Engine).Connect(nil); err == nil {
		t.Error("no error")
	}
}

func TestURLsSayWhereAndWho(t *testing.T) {
	for _, test := range []struct {
		text string
		want server
	}{
		{"redis://10.0.0.7", server{"10.0.0.7:6379", false, login{}}},
		{"redis://10.0.0.7:7000/", server{"10.0.0.7:7000", false, login{}}},
		{"rediss://redis.example.com/3", server{"redis.example.com:6379", true, login{}}},
		{"redis://[::1]:7", server{"[::1]:7", false, login{}}},
		{"redis://:secret@h", server{"h:6379", false, login{"", "secret"}}},
		{"redis://ann:a%40%2F%3A@h", server{"h:6379", false, login{"ann", "a@/:"}}},
	} {
		if got, err := parseURL(test.text, "6379"); err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v; want %+v", test.text, got, err, test.want)
		}
	}
}

// A password may be put anywhere by mistake.
func FuzzErrorsHoldNothingOfAURL(f *testing.F) {
	for _, s := range []string{"redis://ann:%s@h", "redis://%s@h", "redis://%s?@h", "redis://ann:1%s#@h", "%s://h", "redis://h/%s", "redis://h:%s", "%%zz%s"} {
		f.Add(strings.SplitN(s, "%s", 2)[0], strings.SplitN(s, "%s", 2)[1])
	}
	const password = "Kq7w_8x"
	f.Fuzz(func(t *testing.T, before, after string) {
		got, err := parseURL(before+password+after, "6379")
		switch {
		case err != nil && strings.Contains(err.Error(), password):
			t.Errorf("%v", err)
		case err == nil && got.address == "":
			t.Error("neither an address nor an error")
		}
	})
}

func TestPlaceholdersAreReplaced(t *testing.T) {
	t.Setenv("REDIS_TEST_HOST", "10.0.0.9")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := provisioned(t, &Engine{Servers: []string{"redis://{env.REDIS_TEST_HOST}"}, User: "ann", Password: "{file." + file + "}"})
	if got := e.settings; got.servers[0].address != "10.0.0.9:6379" || got.login != (login{"ann", "from a file"}) || got.prefix != "bridge" {
		t.Errorf("got %+v", got)
	}
	if e.Password != "{file."+file+"}" {
		t.Errorf("the configuration holds %q", e.Password)
	}
	e = provisioned(t, &Engine{Servers: []string{"redis://h"}, Password: "br{ac}es"})
	if got := e.settings.login.password; got != "br{ac}es" {
		t.Errorf("a password with braces became %q", got)
	}
}
