package testsite

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Fetch returns the body of what an URL answers.
func Fetch(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := Knock(http.DefaultTransport, r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d: %s", url, resp.StatusCode, body)
	}
	return string(body)
}

// Do makes one request, and follows no redirects. It returns the response and its body. Header fields come in pairs.
func Do(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer to %s %s: %v", method, url, err)
	}
	return resp, string(text)
}

// HasMetrics waits until a site's metrics have these lines.
func (s *Site) HasMetrics(lines ...string) {
	s.t.Helper()
	var have []string
	missing := func(line string) bool { return !slices.Contains(have, line) }
	s.t.Cleanup(func() {
		if s.t.Failed() {
			for _, line := range have {
				if strings.HasPrefix(line, "sse_bridge_") {
					s.t.Log(line)
				}
			}
		}
	})
	Eventually(s.t, fmt.Sprintf("the metrics %q", lines), func() bool {
		have = strings.Split(Fetch(s.t, s.URL+"/metrics"), "\n")
		return !slices.ContainsFunc(lines, missing)
	})
}

// Post sends a request to a backend, which must succeed, and returns the answer. Header fields come in pairs.
func Post(t *testing.T, method, url, contentType, body string, header ...string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	// A server may close a connection that was idle just when the next request comes, and one that changes something is not made again.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s %v\n%s", method, url, resp.Status, err, text)
	}
	return string(text)
}
