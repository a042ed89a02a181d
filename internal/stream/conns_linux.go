package stream

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"syscall"
)

// This file depends on internals of Caddy's listeners: their connections have no exported names.

// socketOf returns the socket of a request, if it is one that can be written to directly, and the TLS over it, if there is.
func socketOf(r *http.Request) (socket syscall.Conn, secure *tls.Conn) {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if secure, _ = conn.(*tls.Conn); secure != nil {
		conn = secure.NetConn()
	}
	for conn != nil {
		switch c := conn.(type) {
		case *net.TCPConn:
			return c, secure
		case *net.UnixConn:
			return c, secure
		}
		conn = wrapped(conn)
	}
	return nil, nil
}

// wrapped returns what is below a connection that writes what it is given; nil for any other.
func wrapped(conn net.Conn) net.Conn {
	switch fmt.Sprintf("%T", conn) {
	case "*caddyhttp.http2Conn": // looks at the first bytes that are read, if only one version of HTTP is served
		inner, _ := reflect.TypeAssert[net.Conn](reflect.ValueOf(conn).Elem().FieldByName("Conn"))
		return inner
	case "*proxyproto.Conn": // reads the header of the PROXY protocol
		if raw, ok := conn.(interface{ Raw() net.Conn }); ok {
			return raw.Raw()
		}
	}
	return nil
}
