package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

const defaultPrefix = "bridge"

var prefixes = regexp.MustCompile(`^[A-Za-z0-9.:_-]{1,64}$`)

// settings are those of an Engine, checked and without placeholders.
type settings struct {
	servers  []server
	sentinel string // the name of the server that Sentinels know; empty without
	login    login  // at the server itself
	secure   bool   // TLS
	tls      TLS
	prefix   string
}

// server is where a URL leads.
type server struct {
	address string // host and port
	secure  bool   // TLS
	login   login
}

// login is what AUTH says. Without a password, nothing is said.
type login struct{ user, password string }

func (s *settings) channel(topic string) string { return s.prefix + ":" + topic }

// check returns the settings, or what is wrong with them. It reads no files.
func (e *Engine) check() (*settings, error) {
	s := &settings{sentinel: e.Sentinel, prefix: defaultPrefix, login: login{e.User, e.Password}}
	if e.Prefix != "" {
		if err := checkPrefix(e.Prefix); err != nil {
			return nil, err
		}
		s.prefix = e.Prefix
	}
	port := "6379"
	if e.Sentinel != "" {
		port = "26379"
	}
	for i, text := range e.Servers {
		server, err := parseURL(text, port)
		if err != nil {
			return nil, fmt.Errorf("servers: URL %d %w", i+1, err)
		}
		s.servers = append(s.servers, server)
	}
	if err := s.checkServers(); err != nil {
		return nil, err
	}
	if e.User != "" && e.Password == "" {
		return nil, errors.New("user: it has no password: write `user <name> <password>`; a user without a password takes any")
	}
	if e.TLS != nil {
		s.tls = *e.TLS
	}
	switch {
	case e.TLS != nil && !s.secure:
		return nil, errors.New("tls: the server's URL begins with redis://, which is without TLS: write rediss://")
	case s.tls.ClientCertificate != "" && s.tls.ClientKey == "":
		return nil, errors.New("tls client_certificate: its key is missing: write `client_certificate <certificate> <key>`")
	case s.tls.ClientCertificate == "" && s.tls.ClientKey != "":
		return nil, errors.New("tls client_key: its certificate is missing: write `client_certificate <certificate> <key>`")
	}
	return s, nil
}

// checkServers checks what URLs say together, and takes over what they say of the server itself.
func (s *settings) checkServers() error {
	if len(s.servers) == 0 {
		return errors.New("servers: there is none: write a URL such as redis://10.0.0.7:6379")
	}
	s.secure = s.servers[0].secure
	for _, server := range s.servers[1:] {
		if server.secure != s.secure {
			return errors.New("servers: some URLs begin with redis:// and some with rediss://: with TLS, all are rediss://")
		}
	}
	if s.sentinel != "" {
		return nil
	}
	if len(s.servers) > 1 {
		return errors.New("servers: there are several, and pub/sub needs one that all nodes share: name one, or Sentinels and `sentinel <name>`")
	}
	if in := s.servers[0].login; in != (login{}) {
		if s.login != (login{}) {
			return errors.New("user: the URL has a user or a password, too: write them once")
		}
		s.login = in
	}
	return nil
}

func checkPrefix(text string) error {
	if !prefixes.MatchString(text) {
		return fmt.Errorf("prefix: %q cannot be one: use letters, digits, `.`, `:`, `-` and `_`, 64 at most", text)
	}
	return nil
}

// parseURL reads the URL of a server. Its errors hold nothing of the URL: where a password is not written as a URL wants
// it, any part of it may be one.
func parseURL(text, port string) (server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return server{}, errors.New("cannot be read: write one such as redis://10.0.0.7:6379; in its user and password, %40 is for @ and %2F for /")
	}
	switch {
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return server{}, errors.New("begins with neither redis:// nor rediss:// (with TLS): write one such as redis://10.0.0.7:6379")
	case u.Hostname() == "":
		return server{}, errors.New("names no host: write one such as redis://10.0.0.7:6379")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return server{}, errors.New("has something after a ? or a #: use the other settings; in its user and password, %3F is for ? and %23 for #")
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		if _, err := strconv.ParseUint(path, 10, 16); err != nil {
			return server{}, errors.New("has a path that is not the number of a database: leave it out; in its user and password, %2F is for /")
		}
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return server{}, errors.New("has a port that is not one from 1 to 65535")
	}
	s := server{address: net.JoinHostPort(u.Hostname(), port), secure: u.Scheme == "rediss"}
	s.login.user = u.User.Username()
	s.login.password, _ = u.User.Password()
	if s.login.user != "" && s.login.password == "" {
		return server{}, errors.New("has a user without a password: write <user>:<password>@, or :<password>@ for a password alone")
	}
	return s, nil
}

// tlsConfig reads the files. It returns nil without TLS.
func (s *settings) tlsConfig() (*tls.Config, error) {
	if !s.secure {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := s.tls.CA; file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("tls ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls ca: %s holds no certificate in PEM: name the file of the authority's certificate", file)
		}
	}
	if s.tls.ClientCertificate != "" {
		certificate, err := tls.LoadX509KeyPair(s.tls.ClientCertificate, s.tls.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("tls client_certificate: reading %s and its key %s: %w", s.tls.ClientCertificate, s.tls.ClientKey, err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}
