package redis

import (
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"
)

// withoutSecrets looks for a password in all that was logged.
func withoutSecrets(t *testing.T, c *logged, password string) {
	t.Helper()
	for _, line := range c.said(zapcore.DebugLevel) {
		if strings.Contains(line, password) {
			t.Errorf("the log has the password: %s", line)
		}
	}
}

func TestAWrongPasswordIsWarnedOfOnce(t *testing.T) {
	p := newProcess(t)
	p.Start()
	p.tell("ACL", "SETUSER", "ann", "on", ">right", "&*", "+@all")
	for _, e := range []*Engine{
		{Servers: []string{p.url()}, User: "ann", Password: "s3cr3t"},
		{Servers: []string{"redis://ann:s3cr3t@" + p.address()}},
	} {
		c := connected(t, e)
		c.warnsOnce(t, "logging in: WRONGPASS invalid username-password pair or user is disabled.: check `user` and its password")
		withoutSecrets(t, c, "s3cr3t")
	}
}

func TestAPasswordThatTheServerRepeatsIsNotLogged(t *testing.T) {
	p := newProcess(t, "--port", "{port}", "--rename-command", "AUTH", "")
	p.Start()
	c := connected(t, &Engine{Servers: []string{p.url()}, User: "ann", Password: "s3cr3t"})
	c.warnsOnce(t, "unknown command 'AUTH', with args beginning with: 'ann' '***'")
	withoutSecrets(t, c, "s3cr3t")
}

func TestAMissingPasswordIsWarnedOfOnce(t *testing.T) {
	p := newProcess(t, "--port", "{port}", "--requirepass", "right")
	p.Start()
	connected(t, &Engine{Servers: []string{p.url()}}).warnsOnce(t, "NOAUTH Authentication required.: set `user`, with its password")
	c := connected(t, &Engine{Servers: []string{"redis://:right@" + p.address()}})
	eventually(t, "the bus to be up", c.isUp)
}

func TestAPasswordThatTheServerHasNotIsWarnedOfOnce(t *testing.T) {
	p := newProcess(t)
	p.Start()
	connected(t, &Engine{Servers: []string{"redis://:x@" + p.address()}}).warnsOnce(t, "leave out the password, or set one at the server")
}

// A user that is made without a word about channels may use none.
func TestAUserWithoutPermissionIsToldWhatToGrant(t *testing.T) {
	for name, rules := range map[string][]any{
		"no channels":     {"resetchannels", "+subscribe", "+unsubscribe", "+publish"},
		"other channels":  {"resetchannels", "&other:*", "+subscribe", "+unsubscribe", "+publish"},
		"no subscription": {"resetchannels", "&bridge:*", "+publish"},
		"no publishing":   {"resetchannels", "&bridge:*", "+subscribe", "+unsubscribe"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProcess(t)
			p.Start()
			p.tell("ACL", append([]any{"SETUSER", "ann", "on", ">secret"}, rules...)...)
			c := connected(t, &Engine{Servers: []string{p.url()}, User: "ann", Password: "secret"})
			c.warnsOnce(t, "grant it with `ACL SETUSER ann &bridge:* +subscribe +unsubscribe +publish`")

			p.tell("ACL", "SETUSER", "ann", "&bridge:*", "+subscribe", "+unsubscribe", "+publish")
			eventually(t, "the bus to be up once it is granted", c.isUp)
			if said := c.said(zapcore.InfoLevel); len(said) != 2 || said[1] != "connected to redis again: "+p.address() {
				t.Errorf("said: %q", said)
			}
		})
	}
}

func TestTheUserOfTheDocumentationMayDoAllThatIsNeeded(t *testing.T) {
	p := newProcess(t)
	p.Start()
	p.tell("ACL", "SETUSER", "bridge", "on", ">PASSWORD", "resetchannels", "&bridge:*", "+subscribe", "+unsubscribe", "+publish")
	c := connected(t, &Engine{Servers: []string{"redis://bridge:PASSWORD@" + p.address()}})
	eventually(t, "the bus to be up", c.isUp)
	s, err := c.Subscribe("topic", func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unsubscribe(); err != nil {
		t.Error(err)
	}
	// the permission for one topic may go while others stay
	p.tell("ACL", "SETUSER", "bridge", "resetchannels", "&bridge:.*", "&bridge:a*")
	eventually(t, "the bus to be up", func() bool {
		_, err = c.Subscribe("b", func([]byte) {})
		return err != nil && strings.Contains(err.Error(), "NOPERM")
	})
	if want := "grant it with `ACL SETUSER bridge &bridge:*"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, without %q", err, want)
	}
	if _, err := c.Subscribe("a", func([]byte) {}); err != nil || !c.isUp() {
		t.Errorf("another topic: %v", err)
	}
}
