package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/zapcore"
)

// The first number of a packed request or header is the sum of these flags.
const (
	flagCredentials = 1 << iota
	flagAddr        // the client's address is packed
	flagDirect      // it is the client's IP, too
	flagClientIP    // another one
	flagTransferEncoding
	flagTLS
	flagResumed
	flagECH
	flagPeer
)

// sharedFields are the header fields in which browsers of one kind say the same, by their canonical names.
var sharedFields = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true, "Connection": true,
	"Dnt": true, "Origin": true, "Pragma": true, "Priority": true, "Sec-Ch-Ua": true, "Sec-Ch-Ua-Mobile": true,
	"Sec-Ch-Ua-Platform": true, "Sec-Fetch-Dest": true, "Sec-Fetch-Mode": true, "Sec-Fetch-Site": true,
	"Sec-Gpc": true, "Te": true, "User-Agent": true, "X-Requested-With": true,
}

// packRequest appends what Caddy's LoggableHTTPRequest says of a request, and nothing that it redacts. Many clients have
// the same shared part, so it is worth interning.
func packRequest(r caddyhttp.LoggableHTTPRequest, shared, own *packer) {
	clientIP, hasClientIP := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	addr, isAddr := packAddr(r.RemoteAddr)
	flags := flagIf(flagCredentials, r.ShouldLogCredentials) | flagIf(flagTransferEncoding, r.TransferEncoding != nil) |
		flagIf(flagTLS, r.TLS != nil) | flagIf(flagAddr, isAddr)
	switch {
	case hasClientIP && clientIP == hostOf(r.RemoteAddr):
		flags |= flagDirect
	case hasClientIP:
		flags |= flagClientIP
	}
	if t := r.TLS; t != nil {
		flags |= flagIf(flagResumed, t.DidResume) | flagIf(flagECH, t.ECHAccepted) | flagIf(flagPeer, len(t.PeerCertificates) > 0)
	}
	shared.number(flags)
	if t := r.TLS; t != nil {
		shared.number(uint64(t.Version))
		shared.number(uint64(t.CipherSuite))
		shared.text(t.NegotiatedProtocol)
		shared.text(t.ServerName)
	}
	if flags&flagPeer != 0 {
		peer := r.TLS.PeerCertificates[0]
		own.text(peer.Subject.CommonName)
		own.text(peer.SerialNumber.String())
	}
	own.text(addr)
	if flags&flagClientIP != 0 {
		own.text(clientIP)
	}
	own.text(r.RequestURI)
	shared.text(r.Proto)
	shared.text(r.Method)
	shared.text(r.Host)
	shared.texts(r.TransferEncoding)
	shared.header(r.Header, r.ShouldLogCredentials, isShared, own)
}

// unpackRequest returns a request of which Caddy says the same as of the packed one.
func unpackRequest(packed string, own *unpacker) caddyhttp.LoggableHTTPRequest {
	shared := unpacker{packed}
	flags := shared.number()
	r := new(http.Request)
	if flags&flagTLS != 0 {
		r.TLS = &tls.ConnectionState{
			DidResume: flags&flagResumed != 0, ECHAccepted: flags&flagECH != 0,
			Version: uint16(shared.number()), CipherSuite: uint16(shared.number()),
			NegotiatedProtocol: shared.text(), ServerName: shared.text(),
		}
	}
	if flags&flagPeer != 0 {
		peer := &x509.Certificate{Subject: pkix.Name{CommonName: own.text()}, SerialNumber: new(big.Int)}
		peer.SerialNumber.SetString(own.text(), 10)
		r.TLS.PeerCertificates = []*x509.Certificate{peer}
	}
	if r.RemoteAddr = own.text(); flags&flagAddr != 0 {
		r.RemoteAddr = unpackAddr(r.RemoteAddr)
	}
	vars := make(map[string]any)
	switch {
	case flags&flagDirect != 0:
		vars[caddyhttp.ClientIPVarKey] = hostOf(r.RemoteAddr)
	case flags&flagClientIP != 0:
		vars[caddyhttp.ClientIPVarKey] = own.text()
	}
	r.RequestURI = own.text()
	r.Proto, r.Method, r.Host = shared.text(), shared.text(), shared.text()
	if encoding := shared.texts(); flags&flagTransferEncoding != 0 {
		r.TransferEncoding = encoding
	}
	r.Header = shared.header(isShared, own)
	return caddyhttp.LoggableHTTPRequest{
		Request:              r.WithContext(context.WithValue(context.Background(), caddyhttp.VarsCtxKey, vars)),
		ShouldLogCredentials: flags&flagCredentials != 0,
	}
}

// packAddr returns the bytes of an address and a port. It reports whether those are shorter than the text, which is
// returned otherwise.
func packAddr(text string) (string, bool) {
	addr, err := netip.ParseAddrPort(text)
	if err != nil || addr.String() != text {
		return text, false
	}
	packed, err := addr.MarshalBinary()
	return string(packed), err == nil
}

func unpackAddr(packed string) string {
	var addr netip.AddrPort
	if err := addr.UnmarshalBinary([]byte(packed)); err != nil {
		return "" // packAddr makes none such
	}
	return addr.String()
}

// hostOf returns what a client's address is without its port.
func hostOf(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	return host
}

func flagIf(flag uint64, set bool) uint64 {
	if set {
		return flag
	}
	return 0
}

// packHeader appends what Caddy's LoggableHTTPHeader says of the header of a response.
func packHeader(h caddyhttp.LoggableHTTPHeader, shared, own *packer) {
	shared.number(flagIf(flagCredentials, h.ShouldLogCredentials))
	shared.header(h.Header, h.ShouldLogCredentials, isSharedAnswer, own)
}

func unpackHeader(packed string, own *unpacker) caddyhttp.LoggableHTTPHeader {
	shared := unpacker{packed}
	credentials := shared.number() == flagCredentials
	return caddyhttp.LoggableHTTPHeader{ShouldLogCredentials: credentials, Header: shared.header(isSharedAnswer, own)}
}

// isShared reports whether many clients say the same in a header field.
func isShared(name string) bool { return sharedFields[name] }

// isSharedAnswer reports whether many clients get the same in a header field, as in most of a site.
func isSharedAnswer(name string) bool {
	return !isCredential(name) && !strings.HasSuffix(name, "-Id") && name != "Traceparent" && name != "Date"
}

// isCredential reports whether Caddy logs no value of a header field, unless it is told to.
func isCredential(name string) bool {
	switch strings.ToLower(name) {
	case "cookie", "set-cookie", "authorization", "proxy-authorization":
		return true
	}
	return false
}

// packer appends texts and numbers.
type packer []byte

func (p *packer) number(n uint64) { *p = binary.AppendUvarint(*p, n) }

func (p *packer) text(s string) {
	p.number(uint64(len(s)))
	*p = append(*p, s...)
}

func (p *packer) texts(all []string) {
	p.number(uint64(len(all)))
	for _, s := range all {
		p.text(s)
	}
}

// header appends the fields, sorted, so that equal ones are packed equally. Values that are not shared are own.
func (p *packer) header(h http.Header, credentials bool, shared func(name string) bool, own *packer) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		values, into := h[name], p
		if !credentials && isCredential(name) {
			values = nil
		}
		if !shared(name) {
			into = own
		}
		p.text(name)
		p.number(uint64(len(values)))
		for _, value := range values {
			into.text(value)
		}
	}
}

// field appends what a field is.
func (p *packer) field(f zapcore.Field) {
	p.number(uint64(f.Type))
	p.text(f.Key)
}

// value appends the value of a field.
func (p *packer) value(f zapcore.Field) {
	p.number(uint64(f.Integer))
	p.text(f.String)
}

// unpacker reads what a packer has written.
type unpacker struct{ rest string }

func (u *unpacker) number() uint64 {
	n := uint64(0)
	for shift := 0; ; shift += 7 { // as binary.Uvarint, of a string
		b := u.rest[0]
		u.rest = u.rest[1:]
		if n |= uint64(b&0x7f) << shift; b < 0x80 {
			return n
		}
	}
}

func (u *unpacker) text() string {
	n := u.number()
	s := u.rest[:n]
	u.rest = u.rest[n:]
	return s
}

func (u *unpacker) texts() []string {
	all := make([]string, u.number())
	for i := range all {
		all[i] = u.text()
	}
	return all
}

// header reads fields until the end.
func (u *unpacker) header(shared func(name string) bool, own *unpacker) http.Header {
	h := make(http.Header)
	for u.rest != "" {
		name, from := u.text(), u
		if !shared(name) {
			from = own
		}
		values := make([]string, u.number())
		for i := range values {
			values[i] = from.text()
		}
		h[name] = values
	}
	return h
}

func (u *unpacker) field() zapcore.Field {
	return zapcore.Field{Type: zapcore.FieldType(u.number()), Key: u.text()}
}

func (u *unpacker) value(f zapcore.Field) zapcore.Field {
	f.Integer, f.String = int64(u.number()), u.text()
	return f
}
