package redis

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// advised adds to an error what would be right, where that is known.
func (s *settings) advised(err error) error {
	if err == nil {
		return nil
	}
	user := s.login.user
	if user == "" {
		user = "default"
	}
	unknown := x509.UnknownAuthorityError{}
	text := err.Error()
	switch {
	case strings.Contains(text, "NOPERM"):
		return fmt.Errorf("%w: grant it with `ACL SETUSER %s &%s:* +subscribe +unsubscribe +publish`", err, user, s.prefix)
	case strings.Contains(text, "WRONGPASS"), strings.Contains(text, "ERR invalid password"):
		return fmt.Errorf("%w: check `user` and its password", err)
	case strings.Contains(text, "NOAUTH"):
		return fmt.Errorf("%w: set `user`, with its password", err)
	case strings.Contains(text, "wrong number of arguments for 'auth'"):
		return fmt.Errorf("%w: the server is older than Redis 6 and has no users: write redis://:<password>@<host>", err)
	case strings.Contains(text, "ERR AUTH"):
		return fmt.Errorf("%w: leave out the password, or set one at the server", err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: set `ca` in `tls` to the file of its authority's certificate", err)
	case strings.Contains(text, "certificate required"), strings.Contains(text, "bad certificate"), strings.Contains(text, "unknown certificate authority"):
		return fmt.Errorf("%w: if the server wants a certificate, set `client_certificate` in `tls` to one that it trusts", err)
	case strings.Contains(text, "TLS handshake: context deadline exceeded"), strings.Contains(text, "does not look like a TLS handshake"):
		return fmt.Errorf("%w: the server is without TLS there: write redis://, or the port that is with TLS", err)
	}
	return err
}
