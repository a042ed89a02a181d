package stream

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// streamed is the body of the streams of this test, in two parts.
var streamed = [2]string{"retry: 1\n\n", "data: one\n\n"}

// aList is a field that no number and no text can hold.
var aList = zap.Strings("list", []string{"a", "b"})

// stay writes a stream in its handler.
func stay(_ *probe, w http.ResponseWriter, r *http.Request) error {
	noteAccess(r, aList)
	SetHeader(w.Header())
	for _, part := range streamed {
		io.WriteString(w, part)
		http.NewResponseController(w).Flush()
	}
	noteAccess(r, zap.String("sse_feed", "f"), zap.Int("sse_events", 1))
	return nil
}

// handOver returns a handler that lets a sender write the rest of the stream. The line of the sender is written
// before the handler returns, or after Caddy's server is through with the request.
func handOver(t *testing.T, early bool, ended chan<- bool) func(*probe, http.ResponseWriter, *http.Request) error {
	return func(_ *probe, w http.ResponseWriter, r *http.Request) error {
		noteAccess(r, aList)
		SetHeader(w.Header())
		io.WriteString(w, streamed[0])
		http.NewResponseController(w).Flush()
		own, ok := unwrapped(w)
		if !ok || !defersAccess(r) {
			t.Error("the connection cannot be handed over")
			ended <- false
			return nil
		}
		conn, _, err := http.NewResponseController(own).Hijack()
		if err != nil {
			return err
		}
		line := deferAccess(r)
		lasted := time.Millisecond
		if early {
			lasted = time.Hour // which is not that of the line: Caddy says how long the handler took
		}
		send := func() {
			fmt.Fprintf(conn, "%x\r\n%s\r\n0\r\n\r\n", len(streamed[1]), streamed[1])
			conn.Close()
			line.write(newestLog, lasted, int64(len(streamed[1])), zap.String("sse_feed", "f"), zap.Int("sse_events", 1))
			ended <- true
		}
		if early {
			send()
			return nil
		}
		go func() {
			<-r.Context().Done() // net/http ends it once the server has returned
			send()
		}()
		return nil
	}
}

// accessLogs are the access logs in a folder, each read so far.
type accessLogs struct {
	folder string
	read   map[string]int
}

// next returns the new lines, by the file and the logger.
func (l *accessLogs) next(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob(l.folder + "/*.log")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]any)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content = content[l.read[file] : bytes.LastIndexByte(content, '\n')+1]
		l.read[file] += len(content)
		for line := range bytes.Lines(content) {
			var fields map[string]any
			if err := json.Unmarshal(line, &fields); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			logger, _ := fields["logger"].(string)
			if !strings.HasPrefix(logger, "http.log.access") {
				continue
			}
			key := filepath.Base(file) + " " + logger
			if all[key] != nil {
				t.Errorf("two lines of %s: %s", key, content)
			}
			all[key] = fields
		}
	}
	return all
}

// settled waits for the lines of a request, and takes out what differs between two requests.
func (l *accessLogs) settled(t *testing.T, n int) map[string]map[string]any {
	t.Helper()
	all := make(map[string]map[string]any)
	testsite.Eventually(t, "the lines", func() bool {
		maps.Copy(all, l.next(t))
		return len(all) >= n
	})
	for key, line := range all {
		if d, ok := line["duration"].(float64); !ok || d <= 0 || d > 10 {
			t.Errorf("%s: the duration is %v", key, line["duration"])
		}
		if line["size"] != float64(len(streamed[0]+streamed[1])) {
			t.Errorf("%s: the size is %v", key, line["size"])
		}
		delete(line, "duration")
		delete(line, "ts")
		delete(line["request"].(map[string]any), "remote_port")
	}
	return all
}

func TestTheAccessLogSaysOfAStreamThatIsHandedOverWhatCaddySays(t *testing.T) {
	insecure := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{selfSigned(t)}}
	for name, test := range map[string]struct {
		site   string // in it, FOLDER is that of the logs
		header []string
		lines  int
	}{
		"plain":       {site: "log {\n\t\toutput file FOLDER/a.log\n\t}", lines: 1},
		"no log":      {},
		"skipped":     {site: "log {\n\t\toutput file FOLDER/a.log\n\t}\n\tlog_skip"},
		"two logs":    {site: "log a {\n\t\toutput file FOLDER/a.log\n\t}\n\tlog b {\n\t\toutput file FOLDER/b.log\n\t}", lines: 2},
		"log_name":    {site: "log a {\n\t\toutput file FOLDER/a.log\n\t\tno_hostname\n\t}\n\tlog b {\n\t\toutput file FOLDER/b.log\n\t\tno_hostname\n\t}\n\tlog_name a b", lines: 2},
		"log_append":  {site: "log {\n\t\toutput file FOLDER/a.log\n\t}\n\tlog_append <early {http.request.uri}\n\tlog_append late {http.vars.x}\n\tlog_append n {http.request.duration_ms.x}\n\tvars x y", lines: 1},
		"filter":      {site: "log {\n\t\toutput file FOLDER/a.log\n\t\tformat filter {\n\t\t\trequest>headers>User-Agent delete\n\t\t\trequest>remote_ip ip_mask 8 32\n\t\t\trequest>uri query {\n\t\t\t\treplace token x\n\t\t\t}\n\t\t\trequest>headers>X-Mine hash\n\t\t\tresp_headers>Server delete\n\t\t}\n\t}", lines: 1},
		"log_level":   {site: "log {\n\t\toutput file FOLDER/a.log\n\t}\n\tvars log_level warn", lines: 1},
		"below level": {site: "log {\n\t\toutput file FOLDER/a.log\n\t\tlevel error\n\t}"},
		"user":        {site: "log {\n\t\toutput file FOLDER/a.log\n\t}\n\tbasic_auth {\n\t\ta $2a$04$lAFb7S4I5CoOEYtxueob7eUZAcWYFLlvhDdh5kvgE6633tMHW601u\n\t}", header: []string{"Authorization", "Basic YTph"}, lines: 1},
		"edited":      {site: "log {\n\t\toutput file FOLDER/a.log\n\t}\n\trequest_header X-Key s3cret\n\trequest_header -X-Mine\n\trewrite /b\n\theader Set-Cookie a=b\n\theader >X-Late {http.request.host}", lines: 1},
		"encode":      {site: "log {\n\t\toutput file FOLDER/a.log\n\t}\n\tencode", lines: 1},
	} {
		for _, credentials := range []bool{false, true} {
			for _, https := range []bool{false, true} {
				if credentials && name == "no log" {
					continue // that option begins one
				}
				if https && name != "plain" && name != "filter" {
					continue
				}
				t.Run(fmt.Sprintf("%s, credentials %t, TLS %t", name, credentials, https), func(t *testing.T) {
					folder := t.TempDir()
					logs := &accessLogs{folder, make(map[string]int)}
					global := "{\n\tadmin off\n\tpersist_config off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n\tstorage file_system " + t.TempDir() + "\n"
					if credentials {
						global += "\tservers {\n\t\tlog_credentials\n\t}\n"
					}
					global += "\tlog {\n\t\toutput file " + folder + "/default.log\n\t\tformat json\n\t}\n}\n"
					caddyfile := global + "{{site}} {\n\t" + strings.ReplaceAll(test.site, "FOLDER", folder) + "\n\tprobe\n}\n"
					if https {
						caddyfile = strings.Replace(caddyfile, "{{site}} {", "https://localhost:"+port(testport.Free(t))+" {\n\ttls {\n\t\tclient_auth {\n\t\t\tmode request\n\t\t}\n\t}", 1)
					}
					s := testsite.Run(t, caddyfile)
					url := s.URL
					if https {
						_, after, _ := strings.Cut(caddyfile, "https://")
						url = "https://" + strings.Fields(after)[0]
						testsite.Eventually(t, "the certificate", func() bool {
							conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), insecure)
							if err == nil {
								conn.Close()
							}
							return err == nil
						})
					}
					url += "/a?token=t"
					header := append([]string{"Cookie", "a=s3cret", "X-Mine", "mine", "X_Odd", "odd", "Accept", "text/event-stream", "Accept-Encoding", "gzip"}, test.header...)

					probeWith(stay)
					get(t, url, insecure, header)
					want := logs.settled(t, test.lines)
					if said := fmt.Sprint(want); len(want) != test.lines || https && !strings.Contains(said, "a client") || strings.Contains(said, "s3cret") != (credentials && len(want) > 0) {
						t.Fatalf("Caddy writes %s", said)
					}
					for _, early := range []bool{false, true} {
						ended := make(chan bool, 1)
						probeWith(handOver(t, early, ended))
						get(t, url, insecure, header)
						<-ended
						got := logs.settled(t, test.lines)
						if !reflect.DeepEqual(got, want) {
							t.Errorf("early %t\ngot  %v\nwant %v", early, got, want)
						}
					}
				})
			}
		}
	}
}

func port(addr string) string {
	_, port, _ := strings.Cut(addr, ":")
	return port
}

// get makes a request, and reads its whole answer.
func get(t *testing.T, url string, secure *tls.Config, header []string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header[header[i]] = []string{header[i+1]}
	}
	transport := &http.Transport{TLSClientConfig: secure}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := streamed[0] + streamed[1]; err != nil || string(body) != want {
		t.Fatalf("the client got %q, %v", body, err)
	}
}

// selfSigned returns a client's certificate.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	number, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	template := &x509.Certificate{SerialNumber: number, Subject: pkix.Name{CommonName: "a client"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: private}
}

// newestLog returns the logger of the newest configuration.
func newestLog() *zap.Logger {
	probing.Lock()
	defer probing.Unlock()
	return probing.newest.ctx.Logger(new(caddyhttp.App))
}

func TestTheLineOfAStreamThatOutlivesAReloadGoesToTheNewLog(t *testing.T) {
	folder := t.TempDir()
	site := func(file string) string {
		return "{{site}} {\n\tlog {\n\t\toutput file " + folder + "/" + file + "\n\t}\n\tprobe\n}\n"
	}
	open := make(chan *accessLine)
	probeWith(func(_ *probe, w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusOK)
		own, _ := unwrapped(w)
		conn, _, err := http.NewResponseController(own).Hijack()
		if err != nil {
			return err
		}
		line := deferAccess(r)
		context.AfterFunc(r.Context(), func() {
			conn.Close()
			open <- line
		})
		return nil
	})
	s := testsite.Run(t, site("a.log"))
	go http.Get(s.URL)
	line := <-open
	s.Reload(site("b.log"))
	line.write(newestLog, time.Minute, 7)
	all := (&accessLogs{folder, make(map[string]int)}).next(t)
	said := all["b.log http.log.access.log0"]
	if duration, ok := said["duration"].(float64); len(all) != 1 || said["size"] != 7.0 || !ok || duration <= 60 || duration > 70 {
		t.Errorf("the logs say %v", all)
	}
}

func TestAServerThatWasNotPreparedDefersNoLine(t *testing.T) {
	for name, test := range map[string]struct {
		server *caddyhttp.Server
		defers bool
	}{
		"no log":       {new(caddyhttp.Server), true},
		"not prepared": {&caddyhttp.Server{Logs: new(caddyhttp.ServerLogConfig)}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.ServerCtxKey, test.server))
		if defersAccess(r) != test.defers {
			t.Errorf("%s: %t", name, !test.defers)
		}
	}
}
