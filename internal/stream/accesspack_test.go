package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"
)

// said returns what Caddy logs of a request.
func said(t *testing.T, r caddyhttp.LoggableHTTPRequest) string {
	t.Helper()
	m := zapcore.NewMapObjectEncoder()
	if err := r.MarshalLogObject(m); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%#v", m.Fields) // maps are printed sorted
}

func FuzzAPackedRequestSaysTheSame(f *testing.F) {
	f.Add("127.0.0.1:1", "10.0.0.1", "/a?b=c", "host:80", "Accept", "text/event-stream", "Cookie", "s3cret", "name", int64(7), uint16(0xff), false)
	f.Add("", "", "", "", "", "", "", "", "", int64(0), uint16(0), true)
	f.Add("@", "\xff", "*", "[::1]", "a", "\x00", "AUTHORIZATION", "s3cret", strings.Repeat("x", 300), int64(-1<<63), uint16(1), true)
	for _, addr := range [][2]string{
		{"203.0.113.9:443", "203.0.113.9"},
		{"[2001:db8::9]:65535", "2001:db8::9"},
		{"[fe80::1%eth0]:5", "fe80::1"},
		{"[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1"},
		{"[0:0::1]:080", "0:0::1"},
		{"host:80", "host"},
		{"/run/socket", ""},
	} {
		f.Add(addr[0], addr[1], "/", "host", "Accept", "*/*", "Referer", "here", "", int64(0), uint16(1), false)
	}
	f.Fuzz(func(t *testing.T, addr, ip, uri, host, name, value, name2, value2, peer string, serial int64, bits uint16, credentials bool) {
		vars := make(map[string]any)
		if bits&1 != 0 {
			vars[caddyhttp.ClientIPVarKey] = ip
		}
		r := (&http.Request{
			RemoteAddr: addr, RequestURI: uri, Host: host, Method: value, Proto: host,
			Header: http.Header{name: {value, value}, name2: {value2}},
		}).WithContext(context.WithValue(t.Context(), caddyhttp.VarsCtxKey, vars))
		if bits&2 != 0 {
			r.TransferEncoding = []string{value}[:bits>>2&1]
		}
		if bits&8 != 0 {
			r.TLS = &tls.ConnectionState{DidResume: bits&16 != 0, ECHAccepted: bits&32 != 0, Version: bits, CipherSuite: ^bits, NegotiatedProtocol: value, ServerName: host}
			if bits&64 != 0 {
				r.TLS.PeerCertificates = []*x509.Certificate{{Subject: pkix.Name{CommonName: peer}, SerialNumber: big.NewInt(serial)}}
			}
		}
		logged := caddyhttp.LoggableHTTPRequest{Request: r, ShouldLogCredentials: credentials}
		var shared, own packer
		packRequest(logged, &shared, &own)
		left := unpacker{string(own)}
		if got, want := said(t, unpackRequest(string(shared), &left)), said(t, logged); got != want || left.rest != "" {
			t.Errorf("got  %s\nwant %s\nleft %q", got, want, left.rest)
		}
		if isCredential(name2) && !credentials && strings.Contains(string(shared)+string(own), "s3cret") {
			t.Error("a credential is kept")
		}
	})
}
