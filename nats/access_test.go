package nats

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// write writes a file, and returns its path.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// userKey returns a user's public key and its seed.
func userKey() (public, seed string) {
	pair := must(nkeys.CreateUser())
	return must(pair.PublicKey()), string(must(pair.Seed()))
}

// withJWTs makes a server that trusts an operator, and returns the credentials of a user.
func withJWTs(o *server.Options) (credentials string) {
	operator, account := must(nkeys.CreateOperator()), must(nkeys.CreateAccount())
	accountKey := must(account.PublicKey())
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(accountKey, must(jwt.NewAccountClaims(accountKey).Encode(operator))); err != nil {
		panic(err)
	}
	o.TrustedKeys, o.AccountResolver = []string{must(operator.PublicKey())}, resolver
	public, seed := userKey()
	return string(must(jwt.FormatUserConfig(must(jwt.NewUserClaims(public).Encode(account)), []byte(seed))))
}

// authority makes certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
	t           testing.TB
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	file := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return &authority{must(x509.ParseCertificate(der)), key, file, t}
}

// issue returns the files of a certificate and its key.
func (a *authority) issue() (certificate, key string) {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "somebody"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key))
	certificate = write(a.t, "certificate.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	key = write(a.t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(private))})))
	return certificate, key
}

// withTLS makes a server that wants clients' certificates.
func (a *authority) withTLS(o *server.Options) {
	certificate, key := a.issue()
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	o.TLS, o.TLSVerify, o.TLSTimeout = true, true, 5
	o.TLSConfig = &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{must(tls.LoadX509KeyPair(certificate, key))},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
	}
}

func withUser(o *server.Options) { o.Username, o.Password = "bridge", "secret" }

func TestNodesHearEachOtherWithEachKindOfCredentials(t *testing.T) {
	a := newAuthority(t)
	certificate, key := a.issue()
	public, seed := userKey()
	var credentials string
	t.Setenv("NATS_TEST_PASSWORD", "secret")
	for name, c := range map[string]struct {
		server func(*server.Options)
		engine func(*Engine)
	}{
		"user": {withUser, func(e *Engine) { e.User, e.Password = "bridge", "secret" }},
		"password by a placeholder": {withUser, func(e *Engine) {
			e.User, e.Password = "bridge", "{env.NATS_TEST_PASSWORD}"
		}},
		"token": {func(o *server.Options) { o.Authorization = "secret" }, func(e *Engine) { e.Token = "secret" }},
		"nkey": {func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} }, func(e *Engine) {
			e.NKey = write(t, "seed.nk", seed)
		}},
		"credentials": {func(o *server.Options) { credentials = withJWTs(o) }, func(e *Engine) {
			e.Credentials = write(t, "user.creds", credentials)
		}},
		"tls": {a.withTLS, func(e *Engine) {
			e.TLS = &TLS{CA: a.file, ClientCertificate: certificate, ClientKey: key}
		}},
		"tls by its scheme": {a.withTLS, func(e *Engine) {
			e.Servers[0] = strings.Replace(e.Servers[0], "nats:", "tls:", 1)
			e.TLS = &TLS{CA: a.file, ClientCertificate: certificate, ClientKey: key}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServers(t, 1, c.server)
			c.engine(&s.engine)
			s.Start()
			from, to := dial(t, s.Engine()), dial(t, s.Engine())
			from.awaitUp()
			to.awaitUp()
			talk(t, from, to)
			for _, b := range []*bus{from, to} {
				if got := b.warnings(); len(got) > 0 {
					t.Errorf("warnings: %q", got)
				}
			}
		})
	}
}

// talk sends a message, and waits until it is heard.
func talk(t *testing.T, from, to *bus) {
	t.Helper()
	heard := make(chan string, 100)
	s, err := to.Subscribe("feed", func(message []byte) { heard <- string(message) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Unsubscribe()
	eventually(t, "a message is heard", func() bool {
		if err := from.Publish("feed", []byte("hello")); err != nil {
			return false
		}
		select {
		case <-heard:
			return true
		case <-time.After(100 * time.Millisecond):
			return false
		}
	})
}

// Whoever is refused is told why, and gets in as soon as the server lets them.
func TestWhatIsRefusedIsWarnedOfOnceAndTriedAgain(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	certificate, key := a.issue()
	for name, c := range map[string]struct {
		server func(*server.Options)
		engine func(*Engine)
		parts  []string
		mended func(*server.Options)
	}{
		"a wrong password": {
			withUser, func(e *Engine) { e.User, e.Password = "bridge", "wrong" },
			[]string{"NATS refuses the credentials", "set what the server wants", "Authorization Violation"},
			func(o *server.Options) { o.Password = "wrong" },
		},
		"no credentials": {
			withUser, func(*Engine) {},
			[]string{"NATS refuses the credentials", "credentials, nkey, user or token"},
			func(o *server.Options) { o.Username, o.Password = "", "" },
		},
		"another authority": {
			a.withTLS, func(e *Engine) { e.TLS = &TLS{CA: other.file, ClientCertificate: certificate, ClientKey: key} },
			[]string{"there is no connection to NATS", "certificate signed by unknown authority"},
			nil,
		},
		"no TLS": {
			func(*server.Options) {}, func(e *Engine) { e.TLS = &TLS{CA: other.file} },
			[]string{"there is no connection to NATS", "secure connection not available"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServers(t, 1, c.server)
			c.engine(&s.engine)
			s.Start()
			b := dial(t, s.Engine())
			b.warnedOnce(c.parts...)
			if c.mended == nil {
				return
			}
			s.Kill()
			c.mended(s.options[0])
			s.Start()
			b.awaitUp()
			if got := b.warnings(); len(got) != 1 {
				t.Errorf("warnings: %q", got)
			}
		})
	}
}

// The server ends the connection, too, which is no second reason.
func TestCredentialsThatAreRevokedAreWarnedOfOnce(t *testing.T) {
	t.Parallel()
	s := newServers(t, 1, withUser)
	s.engine.User, s.engine.Password = "bridge", "secret"
	s.Start()
	b := dial(t, s.Engine())
	b.awaitUp()
	changed := s.options[0].Clone()
	changed.Password = "another"
	if err := s.running[0].ReloadOptions(changed); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the bus is down", func() bool { return !b.isUp() })
	b.warnedOnce("NATS refuses the credentials")
}

func allow(publish, subscribe string) func(*server.Options) {
	return func(o *server.Options) {
		o.Users = []*server.User{{Username: "bridge", Password: "secret", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{publish}},
			Subscribe: &server.SubjectPermission{Allow: []string{subscribe}},
		}}}
	}
}

func TestAPermissionThatIsMissingIsNamedAndFoundOnceGranted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		missing func(*server.Options)
		parts   []string
	}{
		"publish":   {allow("other.>", "bridge.>"), []string{`Permissions Violation for Publish to "bridge.ping.`}},
		"subscribe": {allow("bridge.>", "other.>"), []string{`Permissions Violation for Subscription to "bridge.ping.`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServers(t, 1, c.missing)
			s.engine.User, s.engine.Password = "bridge", "secret"
			s.Start()
			b := dial(t, s.Engine())
			b.warnedOnce(append(c.parts, "a permission is missing at NATS", "publish=bridge.>", "subscribe=bridge.>")...)
			if err := b.Publish("feed", nil); err == nil {
				t.Error("Publish has succeeded without the permission")
			}
			granted := s.options[0].Clone()
			allow("bridge.>", "bridge.>")(granted)
			if err := s.running[0].ReloadOptions(granted); err != nil {
				t.Fatal(err)
			}
			b.awaitUp()
			if got := b.warnings(); len(got) != 1 {
				t.Errorf("warnings: %q", got)
			}
		})
	}
}

// The probe is allowed, and a topic is not.
func TestAPermissionForOneTopicIsMissing(t *testing.T) {
	t.Parallel()
	s := newServers(t, 1, func(o *server.Options) {
		allow("bridge.>", "bridge.>")(o)
		o.Users[0].Permissions.Subscribe.Deny = []string{"bridge.feed"}
	})
	s.engine.User, s.engine.Password = "bridge", "secret"
	s.Start()
	b := dial(t, s.Engine())
	b.awaitUp()
	_, err := b.Subscribe("feed", func([]byte) {})
	if want := `subscribing to bridge.feed: nats: permissions violation: Permissions Violation for Subscription to "bridge.feed"`; fmt.Sprint(err) != want {
		t.Errorf("Subscribe: %v\nwant: %s", err, want)
	}
	eventually(t, "the bus is down", func() bool { return !b.isUp() })
	eventually(t, "it is up again, for other topics", b.isUp)
}
