package testsite

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var EndsWithRetry = regexp.MustCompile(`\nretry: (\d+)\n\n$`)

// OpenUnread opens a stream whose client reads its first bytes and then no more.
func OpenUnread(t *testing.T, url string) {
	t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if failed := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
		}); failed != nil {
			return failed
		}
		return err
	}}
	addr, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	c, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", path, addr)
	var got []byte
	for !bytes.Contains(got, []byte("data: ")) {
		buf := make([]byte, 256)
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("reading the first bytes: %v after %q", err, got)
		}
		got = append(got, buf[:n]...)
	}
}

// Crowd returns the most of the moments that lie within one second.
func Crowd(moments []time.Duration) (most int) {
	slices.Sort(moments)
	first := 0
	for i, m := range moments {
		for m-moments[first] >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
