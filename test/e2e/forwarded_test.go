package e2e

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// secureBackend answers only what it takes for https, as many frameworks can be told to, and says whose
// request it was: `proto host X-Forwarded-Host X-Forwarded-For`.
func secureBackend(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Forwarded-Proto") != "https" {
		http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
		return
	}
	tenant := r.Header.Get("X-Forwarded-Host")
	if r.URL.Path == "/moves" {
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "of-" + tenant, Secure: true, Path: "/"})
		http.Redirect(w, r, "https://"+tenant+"/moved", http.StatusFound)
		return
	}
	fmt.Fprintf(w, "%s %s %s %s", r.Host, tenant, r.URL.Path, r.Header.Get("Cookie"))
}

// behind is a site whose clients come through a proxy at 127.0.0.1, which it trusts or not.
func behind(t *testing.T, trusts bool, block string) *testsite.Site {
	t.Helper()
	servers := ""
	if trusts {
		servers = "\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32\n\t}\n"
	}
	return testsite.Run(t, "{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n"+servers+"}\n{{site}} {\n\tsse_bridge "+block+"\n}")
}

// plainly returns what a request gets that asks for no event stream, with redirects as they are.
func plainly(t *testing.T, url string, header ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := testsite.Knock(http.DefaultTransport, r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(content)
}

func TestAPollSaysWhatATrustedProxySaysOfSchemeAndHost(t *testing.T) {
	addr := testsite.Backend(t, secureBackend)
	tenant := []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.example"}
	for _, c := range []struct {
		name   string
		trusts bool
		block  string
		header []string
		opens  bool
	}{
		{"from a trusted proxy", true, addr, tenant, true},
		{"the scheme alone", true, addr, tenant[:2], true},
		{"from anybody else", false, addr, tenant, false},
		{"of http", true, addr, []string{"X-Forwarded-Proto", "http"}, false},
		{"from a proxy that reverse_proxy trusts", false, "{\nupstream {\nreverse_proxy " + addr + " {\ntrusted_proxies 127.0.0.1\n}\n}\n}", tenant, true},
		{"from a proxy that reverse_proxy does not trust", false, "{\nupstream {\nreverse_proxy " + addr + " {\ntrusted_proxies 10.0.0.0/8\n}\n}\n}", tenant, false},
		{"from a proxy that one of two trusts", false, "{\nupstream {\nreverse_proxy /other " + addr + " {\ntrusted_proxies 127.0.0.1\n}\nreverse_proxy " + addr + "\n}\n}", tenant, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := behind(t, c.trusts, c.block)
			status, want := plainly(t, s.URL+"/a", c.header...)
			if (status == http.StatusOK) != c.opens {
				t.Fatalf("the plain request gets %d", status)
			}
			if !c.opens {
				if resp, _ := testsite.Do(t, "GET", s.URL+"/a", "", append([]string{"Accept", "text/event-stream"}, c.header...)...); resp.StatusCode != status {
					t.Errorf("the stream gets %s, the plain request %d", resp.Status, status)
				}
				return
			}
			if got := testsite.Subscribe(t, s.URL+"/a", c.header...).Next(); got.Data != want || !strings.HasPrefix(got.Data, s.Addr+" ") {
				t.Errorf("the poll brought %q, the plain request %q", got.Data, want)
			}
		})
	}
}

func TestTenantsBehindATrustedProxyShareNoFeed(t *testing.T) {
	s := behind(t, true, testsite.Backend(t, secureBackend))
	for _, host := range []string{"one.example", "two.example"} {
		header := []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", host}
		if got := testsite.Subscribe(t, s.URL+"/a", header...).Next(); !strings.Contains(got.Data, host) {
			t.Errorf("%s gets %s", host, got.Data)
		}
	}
}

func TestCookiesAndRedirectsGoByTheSchemeOfTheProxyInFront(t *testing.T) {
	s := behind(t, true, testsite.Backend(t, secureBackend)+" {\n\t\tinterval 20ms\n\t}")
	stream := testsite.Subscribe(t, s.URL+"/moves", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.example")
	if got := stream.Next(); got.Data != s.Addr+" shop.example /moved sid=of-shop.example" {
		t.Errorf("got %q", got.Data)
	}
}

func TestEditsOfWhatProxiesSayReachTheBackend(t *testing.T) {
	var mu sync.Mutex
	said := make(map[string]http.Header) // by the paths of the polls, of which each client has its own
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		said[r.URL.Path] = r.Header.Clone()
		io.WriteString(w, "{}")
	})
	clients := 0
	for _, c := range []struct {
		line, name string
		want       []string
	}{
		{"header_up X-Forwarded-Proto https", "X-Forwarded-Proto", []string{"https"}},
		{"header_up X-Forwarded-Host shop.example", "X-Forwarded-Host", []string{"shop.example"}},
		{"header_up X-Forwarded-For {client_ip}", "X-Forwarded-For", []string{"127.0.0.1, 0.0.0.0"}},
		{"header_up -X-Forwarded-Proto", "X-Forwarded-Proto", nil},
		{"header_up -X-Forwarded-For", "X-Forwarded-For", nil},
		{"header_up -X-Forwarded-Host", "X-Forwarded-Host", nil},
		{"header_up X-Other 1", "X-Forwarded-For", []string{"0.0.0.0"}},
		{"header_up X-Other 1", "X-Forwarded-Proto", []string{"http"}},
	} {
		for _, trusts := range []bool{false, true} {
			s := behind(t, trusts, addr+" {\n"+c.line+"\n}")
			var header []string
			if c.line != "header_up X-Other 1" {
				header = []string{"X-Forwarded-Proto", "canary", "X-Forwarded-Host", "canary", "X-Forwarded-For", "203.0.113.9"}
				if trusts {
					c.want = slices.Clone(c.want)
					for i := range c.want {
						c.want[i] = strings.Replace(c.want[i], "127.0.0.1", "203.0.113.9", 1)
					}
				}
			}
			clients++
			path := fmt.Sprint("/", clients)
			testsite.Subscribe(t, s.URL+path, header...).Next()
			mu.Lock()
			got := said[path].Values(c.name)
			mu.Unlock()
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, trusted %t: %s is %q, want %q", c.line, trusts, c.name, got, c.want)
			}
		}
	}
}

// TestAStreamOpensBehindAnNginxThatEndsTLS has the backend of TestAPollSaysWhatATrustedProxySaysOfSchemeAndHost.
func TestAStreamOpensBehindAnNginxThatEndsTLS(t *testing.T) {
	path, err := exec.LookPath("nginx")
	if err != nil { // not in the PATH of everybody
		path, err = exec.LookPath("/usr/sbin/nginx")
	}
	testsite.Need(t, "nginx (Debian: nginx-light)", err)
	s := behind(t, true, testsite.Backend(t, secureBackend))

	prefix, front := t.TempDir(), testport.Free(t)
	tls := httptest.NewTLSServer(nil)
	defer tls.Close()
	own := tls.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"nginx.conf": fmt.Appendf(nil, `daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen %s ssl;
		ssl_certificate cert.pem;
		ssl_certificate_key key.pem;
		location / {
			proxy_pass %s;
			proxy_http_version 1.1;
			proxy_set_header Connection '';
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header X-Forwarded-Host $host;
		}
	}
}
`, front, s.URL),
	} {
		if err := os.WriteFile(filepath.Join(prefix, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := testsite.RunComponent(t, prefix, nil, path, "-e", "stderr", "-p", prefix, "-c", "nginx.conf")
	client := tls.Client().Transport
	testsite.Eventually(t, "nginx to answer", func() bool {
		select {
		case <-n.Exited:
			t.Fatal("nginx has exited")
		default:
		}
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), "GET", "https://"+front+"/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.RoundTrip(r)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	if got := testsite.SubscribeWith(t, client, "https://"+front+"/a").Next(); got.Data != s.Addr+" 127.0.0.1 /a " {
		t.Errorf("got %q", got.Data)
	}
}
