//go:build linux

package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestConnectionsAreTakenOverFromTheListenersOfCaddy knows by the header which path a stream has taken. It fails at a Caddy whose
// listeners have other connections.
func TestConnectionsAreTakenOverFromTheListenersOfCaddy(t *testing.T) {
	const proxied = "PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\n"
	for name, test := range map[string]struct {
		servers, site, header string
		tls                   bool
		taken                 bool
	}{
		"cleartext":               {taken: true},
		"only HTTP/1.1":           {servers: "protocols h1", taken: true},
		"with h2c":                {servers: "protocols h1 h2 h2c", taken: true},
		"TLS":                     {tls: true, taken: true},
		"TLS, only HTTP/1.1":      {servers: "protocols h1", tls: true, taken: true},
		"PROXY protocol":          {servers: "listener_wrappers {\nproxy_protocol\n}", header: proxied, taken: true},
		"PROXY protocol over TLS": {servers: "listener_wrappers {\nproxy_protocol\ntls\n}", header: proxied, tls: true, taken: true},
		"write_timeout":           {servers: "timeouts {\nwrite 1h\n}"},
		"without write_idle":      {servers: "timeouts {\nwrite_idle -1s\n}", taken: true},
		"encode":                  {site: "encode", taken: true},
		"log":                     {site: "log {\noutput discard\n}", taken: true},
		"metrics":                 {servers: "metrics", taken: true},
		"header":                  {site: "header >X-Frame-Options DENY", taken: true},
		"log_append":              {site: "log_append a b", taken: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := testsite.NewChat(testsite.LongHold)
			c.Say("hello")
			up := testsite.Backend(t, c.ServeHTTP)
			site := testsite.ChatSite(up, "")
			if test.site != "" {
				site = strings.Replace(site, "{{site}} {", "{{site}} {\n"+test.site, 1)
			}
			if test.tls {
				site = strings.Replace(site, "{{site}}", "https://localhost:{{port}}", 1)
				site = strings.Replace(site, "sse_bridge", "tls internal\nsse_bridge", 1)
			}
			s := testsite.Run(t, "{\nadmin off\npersist_config off\nauto_https disable_redirects\nskip_install_trust\nservers {\n"+test.servers+"\n}\n}\n"+site)
			var conn net.Conn
			testsite.Eventually(t, "a connection, with the site's certificate", func() bool {
				var err error
				if conn, err = net.Dial("tcp", s.Addr); err != nil {
					t.Fatal(err)
				}
				fmt.Fprint(conn, test.header)
				if !test.tls {
					return true
				}
				secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
				if err = secure.Handshake(); err != nil {
					conn.Close()
				}
				conn = secure
				return err == nil
			})
			defer conn.Close()
			host := s.Addr
			if test.tls {
				host = "localhost"
			}
			fmt.Fprintf(conn, "GET /messages HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", host)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Close != (test.taken && testsite.TakesOver()) {
				t.Errorf("the connection is taken over: %t, want %t (%s %v)", answer.Close, test.taken, answer.Status, answer.Header)
			}
			c.Say("on it goes")
			lines := bufio.NewScanner(answer.Body)
			for lines.Scan() {
				if lines.Text() == "data: on it goes" {
					return
				}
			}
			t.Errorf("the stream has ended: %v", lines.Err())
		})
	}
}
