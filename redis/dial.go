package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
)

// patience is how long a server may take to accept a connection, to take a command, and to answer it.
const patience = 2 * time.Second

// find returns the address of the server: the configured one, or the one that the first Sentinel names that answers.
func (s *settings) find(ctx context.Context) (string, error) {
	if s.sentinel == "" {
		return s.servers[0].address, nil
	}
	var all []error
	for _, sentinel := range s.servers {
		address, err := s.ask(ctx, sentinel)
		if err == nil {
			return address, nil
		}
		all = append(all, fmt.Errorf("asking the sentinel %s: %w", sentinel.address, err))
	}
	return "", errors.Join(all...)
}

func (s *settings) ask(ctx context.Context, sentinel server) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := s.dial(ctx, sentinel.address, sentinel.login)
	if err != nil {
		return "", err
	}
	found, err := redis.Strings(conn.Do("SENTINEL", "get-master-addr-by-name", s.sentinel))
	switch {
	case errors.Is(err, redis.ErrNil):
		return "", fmt.Errorf("it knows no server of the name %q: set `sentinel` to that of its configuration's `sentinel monitor`", s.sentinel)
	case err != nil:
		return "", err
	case len(found) != 2:
		return "", fmt.Errorf("it has answered %d words instead of a host and a port", len(found))
	}
	return net.JoinHostPort(found[0], found[1]), nil
}

// dial connects and logs in. The connection is closed when ctx ends.
func (s *settings) dial(ctx context.Context, address string, as login) (redis.Conn, error) {
	conn, err := s.open(ctx, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	client := redis.NewConn(conn, patience, patience)
	if err := greet(client, as); err != nil {
		return nil, s.ended(err)
	}
	return client, nil
}

// open makes the connection, with TLS if that is set.
func (s *settings) open(ctx context.Context, address string) (net.Conn, error) {
	config, err := s.tlsConfig()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil || config == nil {
		return conn, err
	}
	if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
		conn.Close()
		return nil, err
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secured, nil
}

// ended explains why a server may have ended a connection before it said anything: what it says of TLS is lost where it
// ends the connection on what it has not read.
func (s *settings) ended(err error) error {
	switch {
	case !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE):
		return err
	case s.secure:
		return fmt.Errorf("%w: if the server wants a certificate, set `client_certificate` in `tls` to one that it trusts", err)
	default:
		return fmt.Errorf("%w: if the server is with TLS there, write rediss://", err)
	}
}

// greet logs in, and hears an answer at once: a server that wants a certificate, or has too many clients, says so after
// the handshake and ends the connection. Who goes on to write may not read it.
func greet(client redis.Conn, as login) error {
	switch {
	case as.password == "":
		if _, err := client.Do("PING"); err != nil && !strings.Contains(err.Error(), "NOPERM") {
			return err
		}
		return nil
	case as.user == "":
		_, err := client.Do("AUTH", as.password)
		return loginError(err, as)
	default:
		_, err := client.Do("AUTH", as.user, as.password)
		return loginError(err, as)
	}
}

// loginError is without the password: a server that does not know the command repeats what it was told.
func loginError(err error, as login) error {
	if err == nil {
		return nil
	}
	if text := err.Error(); strings.Contains(text, as.password) {
		err = redis.Error(strings.ReplaceAll(text, as.password, "***"))
	}
	return fmt.Errorf("logging in: %w", err)
}
