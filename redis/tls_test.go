package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority issues certificates into a folder.
type authority struct {
	t           testing.TB
	folder      string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	a := &authority{t: t, folder: t.TempDir()}
	a.issue(name, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue writes NAME.pem and NAME.key. The first one is the authority's own.
func (a *authority) issue(name string, template *x509.Certificate) (certificate, key string) {
	a.t.Helper()
	must := func(err error) {
		if err != nil {
			a.t.Helper()
			a.t.Fatal(err)
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template.Subject = pkix.Name{CommonName: name}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
	must(err)
	if a.certificate == nil {
		a.key = private
		a.certificate, err = x509.ParseCertificate(der)
		must(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(err)
	certificate, key = filepath.Join(a.folder, name+".pem"), filepath.Join(a.folder, name+".key")
	must(os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certificate, key
}

func (a *authority) file() string {
	return filepath.Join(a.folder, a.certificate.Subject.CommonName+".pem")
}

func TestServersAndNodesShowTheirCertificates(t *testing.T) {
	ours := newAuthority(t, "ours")
	certificate, key := ours.issue("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	p := newProcess(t, "--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "yes",
		"--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", ours.file())
	p.Start()
	url := []string{"rediss://" + p.address()}
	certificate, key = ours.issue("node", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})

	c := connected(t, &Engine{Servers: url, TLS: &TLS{CA: ours.file(), ClientCertificate: certificate, ClientKey: key}})
	eventually(t, "the bus to be up", c.isUp)
	if _, err := c.Subscribe("topic", func([]byte) {}); err != nil {
		t.Error(err)
	}

	connected(t, &Engine{Servers: []string{"redis://" + p.address()}}).
		warnsOnce(t, "if the server is with TLS there, write rediss://")
	connected(t, &Engine{Servers: url}).warnsOnce(t, "certificate signed by unknown authority: set `ca` in `tls` to the file of its authority's certificate")
	connected(t, &Engine{Servers: url, TLS: &TLS{CA: ours.file()}}).
		warnsOnce(t, "if the server wants a certificate, set `client_certificate` in `tls` to one that it trusts")

	// The files are read at each attempt: what is mended is used without a reload.
	strange, strangeKey := newAuthority(t, "other").issue("node", &x509.Certificate{})
	good := make(map[string][]byte)
	for from, to := range map[string]string{strange: certificate, strangeKey: key} {
		var err error
		if good[to], err = os.ReadFile(to); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	late := connected(t, &Engine{Servers: url, TLS: &TLS{CA: ours.file(), ClientCertificate: certificate, ClientKey: key}})
	late.warnsOnce(t, "if the server wants a certificate, set `client_certificate` in `tls` to one that it trusts")
	for file, text := range good {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the bus to be up with the new certificate", late.isUp)
}

func TestAServerWithoutTLSIsSaidToBeSo(t *testing.T) {
	p := newProcess(t)
	p.Start()
	connected(t, &Engine{Servers: []string{"rediss://" + p.address()}}).
		warnsOnce(t, "the server is without TLS there: write redis://, or the port that is with TLS")
}
