package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestSecretsOfClientsAreLoggedAndToldNowhere goes through all that a bridge logs, at the level
// debug, and through metrics and errors, with clients whose requests hold secrets.
func TestSecretsOfClientsAreLoggedAndToldNowhere(t *testing.T) {
	const secret = "s3cr3t"
	var polls atomic.Int64
	answers := []http.HandlerFunc{
		writes("", `{"items":[{"id":1}]}`),
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		writes("", "<html>not JSON</html>"),
		hijacked("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"),
		func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example/?back="+r.URL.Query().Get("token"), http.StatusFound)
		},
		writes("Content-Encoding: br", "abc"),
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) },
	}
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization")+r.Header.Get("Cookie")+r.URL.RawQuery, secret) {
			t.Errorf("a poll came without its secret: %s %v", r.URL, r.Header)
		}
		answers[(polls.Add(1)-1)%int64(len(answers))](w, r)
	})
	log, options := global(t, "\tdebug", "\tmetrics")
	s := testsite.Run(t, strings.Replace(options, "format json", "format json\n\t\tlevel DEBUG", 1)+`{{site}} {
	metrics /metrics
	sse_bridge /feed/* `+addr+` {
		interval 10ms
		items items
		id id
		query since {sse.cursor}
		limits {
			clients_per_ip 30
		}
	}
	handle_errors {
		respond "{err.status_code} {err.message}"
	}
}`)
	var lines []string // of the log
	read := func() int {
		content, err := os.ReadFile(log.file)
		if err != nil {
			t.Fatal(err)
		}
		content = content[:bytes.LastIndexByte(content, '\n')+1] // the last line may not be whole yet
		lines = nil
		for scan := bufio.NewScanner(bytes.NewReader(content)); scan.Scan(); {
			lines = append(lines, scan.Text())
		}
		return len(lines)
	}
	for i := 0; i < 40 || read() < testsite.Soak(300, 1000); i++ {
		url, header := fmt.Sprint(s.URL, "/feed/", i), []string{}
		switch i % 4 {
		case 0:
			header = []string{"Authorization", "Bearer " + secret}
		case 1:
			header = []string{"Cookie", "sid=" + secret}
		case 2:
			url += "?token=" + secret
		default:
			url, header = url+"?token="+secret, []string{"Authorization", "Basic " + secret, "Cookie", "sid=" + secret}
		}
		stream := testsite.Subscribe(t, url, header...)
		if stream.Response.StatusCode != 200 {
			if body, _ := io.ReadAll(stream.Response.Body); strings.Contains(string(body), secret) {
				t.Errorf("an error said %s", body)
			}
		}
		if i%2 == 0 {
			stream.Close()
		}
	}
	resp, err := http.Get(s.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	metrics, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(metrics), "caddy_") || strings.Contains(string(metrics), secret) {
		t.Errorf("the metrics have the secret, or nothing: %v %d bytes", err, len(metrics))
	}
	read()
	own, levels := 0, make(map[string]int)
	for _, line := range lines {
		var entry struct {
			Level, Logger string
			Request       struct{ URI string }
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if strings.Contains(entry.Logger, "sse_bridge") {
			own++
			levels[entry.Level]++
			if strings.Contains(line, secret) {
				t.Errorf("the bridge has logged %s", line)
			}
		}
		// Caddy's own lines have the request's URI, and nothing else of it that is secret
		if rest := strings.ReplaceAll(line, "token="+secret, ""); strings.Contains(rest, secret) && !strings.Contains(rest, "login.example") {
			t.Errorf("Caddy has logged %s", line)
		}
	}
	t.Logf("%d lines, %d of the bridge: %v", len(lines), own, levels)
	if levels["warn"] == 0 || levels["debug"] == 0 {
		t.Errorf("the bridge has logged %v lines", levels)
	}
}
