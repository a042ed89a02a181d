//go:build unix

package wire

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/testdemo"
)

// kinds are the requests of a test: streams and others.
type kinds struct{ streams, others Traffic }

func (k *kinds) of(r *http.Request) *Traffic {
	switch {
	case r.Method != http.MethodGet:
		return nil
	case strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
		return &k.streams
	}
	return &k.others
}

// newTestWire is a wire before a server that holds streams until the test ends.
func newTestWire(t *testing.T, k *kinds) (w *Wire, url string) {
	t.Helper()
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("hello "))
		http.NewResponseController(w).Flush()
		if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			<-over
		}
	}))
	w, err := New("127.0.0.1:0", server.Listener.Addr().String(), k.of)
	if err != nil {
		t.Fatal(err)
	}
	w.addr = w.listener.Addr().String()
	t.Cleanup(func() {
		close(over)
		w.Close()
		server.Close()
	})
	return w, "http://" + w.addr + "/messages"
}

// get sends a request on a connection of its own, and returns the answer when it has begun.
func get(t *testing.T, url, accept string) (*http.Response, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	r.RequestURI = ""
	r.Header.Set("Accept", accept)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err == nil {
		t.Cleanup(func() { response.Body.Close() })
	}
	return response, err
}

func TestAWireCountsWhatGoesOverIt(t *testing.T) {
	t.Parallel()
	var k kinds
	w, url := newTestWire(t, &k)
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := "GET /messages?lastId=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
	other := "POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntext!"
	if _, err := io.WriteString(conn, request+request+other); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
	// all three may have been passed on, and answered, before the second one is counted
	testdemo.Eventually(t, "both polls to be counted", func() bool { return k.others.Requests.Load() == 2 })
	if response, err := get(t, url, "text/event-stream"); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("a stream got %v, %v", response, err)
	}
	if requests, bytes, open := k.streams.Requests.Load(), k.streams.Bytes.Load(), w.Open(&k.streams); requests != 1 || bytes < 100 || open != 1 {
		t.Errorf("counted %d requests and %d bytes of streams, and %d open ones", requests, bytes, open)
	}
}

func TestACutReachesTheStreamsAlone(t *testing.T) {
	t.Parallel()
	var k kinds
	w, url := newTestWire(t, &k)
	response, err := get(t, url, "text/event-stream")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w.Cut(&k.streams)
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("a stream that was cut ended as if it were over, with %q", body)
	}
	if _, err := io.WriteString(conn, "GET /messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(conn); err != nil || !strings.Contains(string(body), "hello") {
		t.Errorf("another connection got %q, %v", body, err)
	}
}

func TestAWireThatIsDownRefusesUntilItIsUp(t *testing.T) {
	t.Parallel()
	var k kinds
	w, url := newTestWire(t, &k)
	held, err := get(t, url, "text/event-stream")
	if err != nil {
		t.Fatal(err)
	}
	w.Down()
	if _, err := io.ReadAll(held.Body); err == nil {
		t.Error("a wire that went down let a request end well")
	}
	if _, err := get(t, url, "*/*"); err == nil {
		t.Error("a wire that is down took a request")
	}
	if err := w.Up(); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, url, "*/*"); err != nil {
		t.Errorf("a wire that is up again says %v", err)
	}
}
