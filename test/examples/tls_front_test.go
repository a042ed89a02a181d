package examples

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// secured is a site behind a server that ends TLS and asks it by another name, and in front of a backend that sends all away to
// https, and knows one name alone.
type secured struct {
	chat  *testsite.Chat
	url   string // of the server in front
	front *http.Transport
}

// startSecured runs nginx or a Caddy in front of the site. Both tell it the scheme and the host that the client has asked for.
func startSecured(t *testing.T, front string, trusted bool) *secured {
	t.Helper()
	addr := testport.Free(t)
	x := &secured{chat: testsite.NewChat(0), url: "https://" + addr}
	upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-Proto") != "https" {
			http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusMovedPermanently)
			return
		}
		if r.Header.Get("X-Forwarded-Host") != addr {
			http.NotFound(w, r)
			return
		}
		x.chat.ServeHTTP(w, r)
	})
	cert, key, roots := selfSigned(t)
	x.front = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(x.front.CloseIdleConnections)

	servers := "servers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}"
	if !trusted {
		servers = ""
	}
	caddyfile := fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tauto_https disable_redirects\n\t%s\n}\n%s\n",
		servers, strings.Replace(testsite.ChatSite(upstream), "long_poll", "interval 50ms", 1))
	if front == "Caddy" {
		caddyfile += fmt.Sprintf("%s {\n\ttls %s %s\n\treverse_proxy {{site}} {\n\t\theader_up Host {upstream_hostport}\n\t}\n}\n", x.url, cert, key)
	}
	s := testsite.Run(t, caddyfile)
	if front == "nginx" {
		nginxExample{t: t, addr: addr, caddy: s}.nginx(
			"127.0.0.1:8000;", fmt.Sprintf("127.0.0.1:8000 ssl;\nssl_certificate %s;\nssl_certificate_key %s;", cert, key),
			"proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-Host $http_host;")
	}
	return x
}

// selfSigned makes a certificate of 127.0.0.1, in files, and a pool that has it.
func selfSigned(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(public)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(certificate)
	file := func(name, kind string, bytes []byte) string {
		path := filepath.Join(t.TempDir(), name)
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return file("cert.pem", "CERTIFICATE", public), file("key.pem", "PRIVATE KEY", secret), roots
}

// plain returns the status and the body of a request that is no stream.
func (x *secured) plain(t *testing.T) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.url+"/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := x.front.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestABackendThatForcesHTTPSBelievesNoProxyThatIsNotTrusted(t *testing.T) {
	for _, front := range []string{"nginx", "Caddy"} {
		t.Run(front, func(t *testing.T) {
			x := startSecured(t, front, false)
			if status, _ := x.plain(t); status != http.StatusMovedPermanently {
				t.Errorf("a plain request is answered %d", status)
			}
			stream := testsite.SubscribeWith(t, x.front, x.url+"/messages")
			if stream.Response.StatusCode != http.StatusMovedPermanently || !strings.HasPrefix(stream.Response.Header.Get("Location"), "https://") {
				t.Errorf("a stream is answered %s, to %q", stream.Response.Status, stream.Response.Header.Get("Location"))
			}
		})
	}
}

func TestABackendThatForcesHTTPSIsPolledThroughAProxyThatEndsTLS(t *testing.T) {
	for _, front := range []string{"nginx", "Caddy"} {
		t.Run(front, func(t *testing.T) {
			x := startSecured(t, front, true)
			x.chat.Say("one")
			if status, body := x.plain(t); status != http.StatusOK || !strings.Contains(body, "one") {
				t.Fatalf("a plain request is answered %d %s", status, body)
			}
			stream := testsite.SubscribeWith(t, x.front, x.url+"/messages")
			if stream.Response.StatusCode != http.StatusOK {
				t.Fatalf("the stream is answered %s, to %q", stream.Response.Status, stream.Response.Header.Get("Location"))
			}
			last := stream.Want("one")
			stream.Close()
			x.chat.Say("two")
			back := testsite.SubscribeWith(t, x.front, x.url+"/messages", "Last-Event-ID", last.ID)
			back.Want("two")
			x.chat.Say("three")
			back.Want("three")
		})
	}
}
