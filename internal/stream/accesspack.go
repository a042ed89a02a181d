package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// packedRequest is what the access log says of a request, in few bytes. Many clients have the same common part,
// so it is worth interning.
type packedRequest struct{ common, own string }

// The first number of a packed request or header is the sum of these flags.
const (
	flagCredentials = 1 << iota
	flagClientIP
	flagTransferEncoding
	flagTLS
	flagResumed
	flagECH
	flagPeer
)

// commonFields are the header fields in which browsers of one kind say the same, by their canonical names.
var commonFields = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true, "Connection": true,
	"Dnt": true, "Origin": true, "Pragma": true, "Priority": true, "Sec-Ch-Ua": true, "Sec-Ch-Ua-Mobile": true,
	"Sec-Ch-Ua-Platform": true, "Sec-Fetch-Dest": true, "Sec-Fetch-Mode": true, "Sec-Fetch-Site": true,
	"Sec-Gpc": true, "Te": true, "User-Agent": true, "X-Requested-With": true,
}

// packRequest keeps what Caddy's LoggableHTTPRequest says of a request, and nothing that it redacts.
func packRequest(r caddyhttp.LoggableHTTPRequest) packedRequest {
	clientIP, hasClientIP := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	flags := flagIf(flagCredentials, r.ShouldLogCredentials) | flagIf(flagClientIP, hasClientIP) |
		flagIf(flagTransferEncoding, r.TransferEncoding != nil) | flagIf(flagTLS, r.TLS != nil)
	var common, own packer
	if t := r.TLS; t != nil {
		flags |= flagIf(flagResumed, t.DidResume) | flagIf(flagECH, t.ECHAccepted)
		common.number(uint64(t.Version))
		common.number(uint64(t.CipherSuite))
		common.text(t.NegotiatedProtocol)
		common.text(t.ServerName)
		if len(t.PeerCertificates) > 0 {
			flags |= flagPeer
			own.text(t.PeerCertificates[0].Subject.CommonName)
			own.text(t.PeerCertificates[0].SerialNumber.String())
		}
	}
	own.text(r.RemoteAddr)
	own.text(clientIP)
	own.text(r.RequestURI)
	common.text(r.Proto)
	common.text(r.Method)
	common.text(r.Host)
	common.texts(r.TransferEncoding)
	common.header(r.Header, r.ShouldLogCredentials, func(name string) bool { return commonFields[name] || isCredential(name) })
	own.header(r.Header, r.ShouldLogCredentials, func(name string) bool { return !commonFields[name] && !isCredential(name) })
	return packedRequest{common: string(binary.AppendUvarint(nil, flags)) + string(common), own: string(own)}
}

// unpack returns a request of which Caddy says the same as of the packed one.
func (p packedRequest) unpack() caddyhttp.LoggableHTTPRequest {
	common, own := unpacker{p.common}, unpacker{p.own}
	flags := common.number()
	r := new(http.Request)
	if flags&flagTLS != 0 {
		r.TLS = &tls.ConnectionState{
			DidResume: flags&flagResumed != 0, ECHAccepted: flags&flagECH != 0,
			Version: uint16(common.number()), CipherSuite: uint16(common.number()),
			NegotiatedProtocol: common.text(), ServerName: common.text(),
		}
	}
	if flags&flagPeer != 0 {
		peer := &x509.Certificate{Subject: pkix.Name{CommonName: own.text()}, SerialNumber: new(big.Int)}
		peer.SerialNumber.SetString(own.text(), 10)
		r.TLS.PeerCertificates = []*x509.Certificate{peer}
	}
	r.RemoteAddr = own.text()
	vars := make(map[string]any)
	if clientIP := own.text(); flags&flagClientIP != 0 {
		vars[caddyhttp.ClientIPVarKey] = clientIP
	}
	r.RequestURI = own.text()
	r.Proto, r.Method, r.Host = common.text(), common.text(), common.text()
	if encoding := common.texts(); flags&flagTransferEncoding != 0 {
		r.TransferEncoding = encoding
	}
	r.Header = make(http.Header)
	common.header(r.Header)
	own.header(r.Header)
	return caddyhttp.LoggableHTTPRequest{
		Request:              r.WithContext(context.WithValue(context.Background(), caddyhttp.VarsCtxKey, vars)),
		ShouldLogCredentials: flags&flagCredentials != 0,
	}
}

func flagIf(flag uint64, set bool) uint64 {
	if set {
		return flag
	}
	return 0
}

// packHeader keeps what Caddy's LoggableHTTPHeader says of a header.
func packHeader(h caddyhttp.LoggableHTTPHeader) string {
	var p packer
	p.number(flagIf(flagCredentials, h.ShouldLogCredentials))
	p.header(h.Header, h.ShouldLogCredentials, func(string) bool { return true })
	return string(p)
}

func unpackHeader(packed string) caddyhttp.LoggableHTTPHeader {
	u := unpacker{packed}
	h := caddyhttp.LoggableHTTPHeader{ShouldLogCredentials: u.number() == flagCredentials, Header: make(http.Header)}
	u.header(h.Header)
	return h
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

// header appends the fields that belong here, sorted, so that equal ones are packed equally.
func (p *packer) header(h http.Header, credentials bool, belongs func(name string) bool) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !belongs(name) {
			continue
		}
		p.text(name)
		if !credentials && isCredential(name) {
			p.texts(nil)
		} else {
			p.texts(h[name])
		}
	}
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
func (u *unpacker) header(into http.Header) {
	for u.rest != "" {
		name := u.text()
		into[name] = u.texts()
	}
}
