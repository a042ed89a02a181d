package nats

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

const defaultPrefix = "bridge"

// prefixes are what a prefix may be: tokens of a subject, without wildcards.
var prefixes = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// replaced returns the settings without placeholders, and with their defaults. Those of the module stay as they were
// written: what a placeholder stands for may be secret.
func (e *Engine) replaced() (*Engine, error) {
	settings := &Engine{
		Servers: append([]string(nil), e.Servers...), Credentials: e.Credentials, NKey: e.NKey,
		User: e.User, Password: e.Password, Token: e.Token, Prefix: e.Prefix,
	}
	type setting struct {
		name string
		text *string
	}
	all := []setting{
		{"credentials", &settings.Credentials},
		{"nkey", &settings.NKey},
		{"user", &settings.User},
		{"password", &settings.Password},
		{"token", &settings.Token},
		{"prefix", &settings.Prefix},
	}
	for i := range settings.Servers {
		all = append(all, setting{"servers", &settings.Servers[i]})
	}
	if e.TLS != nil {
		copied := *e.TLS
		settings.TLS = &copied
		all = append(all, setting{"tls ca", &copied.CA}, setting{"tls client_certificate", &copied.ClientCertificate},
			setting{"tls client_key", &copied.ClientKey})
	}
	replacer := caddy.NewReplacer()
	for _, one := range all {
		text, err := replacer.ReplaceOrErr(*one.text, true, true)
		if err != nil {
			return nil, fmt.Errorf("%s: replacing placeholders: %w", one.name, err)
		}
		*one.text = text
	}
	if settings.Prefix == "" {
		settings.Prefix = defaultPrefix
	}
	return settings, nil
}

// check looks for mistakes that need no file. Placeholders have been replaced.
func (e *Engine) check() error {
	if len(e.Servers) == 0 {
		return errors.New("servers: there are none; name at least one, such as nats://10.0.0.5:4222")
	}
	for _, server := range e.Servers {
		if err := checkServer(server); err != nil {
			return err
		}
	}
	if err := checkPrefix(e.Prefix); err != nil {
		return err
	}
	if kinds := e.kindsOfCredentials(); len(kinds) > 1 {
		return fmt.Errorf("%s: a connection has one kind of credentials; remove the others", strings.Join(kinds, " and "))
	}
	switch {
	case e.User == "" && e.Password != "":
		return errors.New("password: there is no user; set both")
	case e.User != "" && e.Password == "":
		return errors.New("user: there is no password; set both")
	}
	if e.TLS != nil && (e.TLS.ClientCertificate == "") != (e.TLS.ClientKey == "") {
		return errors.New("tls: client_certificate and client_key belong together; set both")
	}
	return nil
}

// kindsOfCredentials are the settings that are set of those of which at most one may be.
func (e *Engine) kindsOfCredentials() (kinds []string) {
	for _, kind := range []struct{ name, text string }{
		{"credentials", e.Credentials},
		{"nkey", e.NKey},
		{"user", e.User},
		{"token", e.Token},
	} {
		if kind.text != "" {
			kinds = append(kinds, kind.name)
		}
	}
	return kinds
}

func checkPrefix(prefix string) error {
	if !prefixes.MatchString(prefix) {
		return fmt.Errorf("prefix %q: it is the beginning of subjects; write letters, digits, - and _, with dots between parts", prefix)
	}
	return nil
}

func checkServer(server string) error {
	const like = "write it like nats://10.0.0.5:4222 or tls://nats.example.com:4222"
	u, err := url.Parse(server)
	switch {
	case err != nil:
		return fmt.Errorf("servers: a URL cannot be read; %s", like) // it may hold a password, and so may err
	case u.User != nil:
		return fmt.Errorf("servers: the URL of %s has a user in it; write credentials into user, token, nkey or credentials", u.Host)
	case u.Scheme != "nats" && u.Scheme != "tls", u.Hostname() == "", u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return fmt.Errorf("servers: %q is no URL of a NATS server; %s", server, like)
	case u.Port() != "":
		if port, err := strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return fmt.Errorf("servers: %q has a port that is none; %s", server, like)
		}
	}
	return nil
}

// natsOptions reads the files once, so that mistakes in them are known at once, and returns what nats.go makes a
// connection with. It reads them again at each connection.
func (e *Engine) natsOptions() (natsgo.Options, error) {
	o := natsgo.GetDefaultOptions()
	o.Servers = e.Servers
	o.NoEcho = true
	o.ReconnectBufSize = -1 // nothing is kept over an outage
	o.MaxReconnect = -1
	o.IgnoreAuthErrorAbort = true // the same error twice ends the connection for ever
	o.CustomReconnectDelayCB = retryAfter
	o.PingInterval = time.Second // by default a server that has frozen is found after four minutes
	o.MaxPingsOut = 2
	o.Timeout = dialTimeout
	o.FlusherTimeout = writeTimeout // by default, a minute
	o.ReconnectOnFlusherError = true
	o.User, o.Password, o.Token = e.User, e.Password, e.Token
	var options []natsgo.Option
	if e.Credentials != "" {
		if err := checkCredentials(e.Credentials); err != nil {
			return o, fmt.Errorf("credentials: %w", err)
		}
		options = append(options, natsgo.UserCredentials(e.Credentials))
	}
	if e.NKey != "" {
		if _, err := os.ReadFile(e.NKey); err != nil {
			return o, fmt.Errorf("nkey: %w", err)
		}
		nkey, err := natsgo.NkeyOptionFromSeed(e.NKey)
		if err != nil {
			return o, fmt.Errorf("nkey: %s has no seed of a user; write what `nk -gen user` prints into it", e.NKey)
		}
		options = append(options, nkey)
	}
	if t := e.TLS; t != nil {
		o.Secure = true
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		if t.CA != "" {
			if err := checkAuthorities(t.CA); err != nil {
				return o, fmt.Errorf("tls: ca: %w", err)
			}
			options = append(options, natsgo.RootCAs(t.CA))
		}
		if t.ClientCertificate != "" {
			if _, err := tls.LoadX509KeyPair(t.ClientCertificate, t.ClientKey); err != nil {
				return o, fmt.Errorf("tls: client_certificate %s with the key %s: %w", t.ClientCertificate, t.ClientKey, err)
			}
			options = append(options, natsgo.ClientCert(t.ClientCertificate, t.ClientKey))
		}
	}
	for _, option := range options {
		if err := option(&o); err != nil {
			return o, fmt.Errorf("setting up the connection: %w", err)
		}
	}
	return o, nil
}

func checkCredentials(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	pair, err := nkeys.ParseDecoratedNKey(content)
	if err != nil {
		return fmt.Errorf("%s has no seed of a user; write what `nsc generate creds` prints into it", file)
	}
	pair.Wipe()
	if token, err := nkeys.ParseDecoratedJWT(content); err != nil || strings.Count(token, ".") != 2 {
		return fmt.Errorf("%s has no JWT of a user; write what `nsc generate creds` prints into it", file)
	}
	return nil
}

func checkAuthorities(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return fmt.Errorf("%s has no certificate in the PEM format", file)
	}
	return nil
}
