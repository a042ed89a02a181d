package e2e

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestRequestsThatAreNeverSentInFullHoldNobodyUp(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	c.Say("one")
	s := testsite.Run(t, testsite.ChatSite(testsite.Backend(t, c.ServeHTTP)))
	before := testsite.Subscribe(t, s.URL+"/messages")
	before.Want("one")
	conns := make([]net.Conn, 0, 300)
	for range testsite.Soak(50, 1000) {
		for _, part := range []string{
			"GE", "GET /messages HTTP/1.1\r\nHost: " + s.Addr + "\r\nAccept: text/ev",
			"POST /messages HTTP/1.1\r\nHost: " + s.Addr + "\r\nAccept: text/event-stream\r\nContent-Length: 100\r\n\r\na=1",
			"GET /messages HTTP/1.1\r\nHost: " + s.Addr + "\r\nAccept: text/event-stream\r\nContent-Length: 100\r\n\r\na=1",
		} {
			conn, err := net.Dial("tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
			fmt.Fprint(conn, part)
		}
	}
	polls := len(c.Polled())
	after := testsite.Subscribe(t, s.URL+"/messages")
	after.Want("one")
	for i := range 20 {
		c.Say(fmt.Sprint("line ", i))
		before.Want(fmt.Sprint("line ", i))
		after.Want(fmt.Sprint("line ", i))
	}
	if n := len(c.Polled()) - polls; n > 22 {
		t.Errorf("%d polls for 20 events", n)
	}
	for _, conn := range conns {
		conn.Close()
	}
	testsite.Eventually(t, "those to be gone", func() bool { return clientsOf(t) == 2 })
}
