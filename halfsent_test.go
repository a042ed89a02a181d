package ssebridge

import (
	"fmt"
	"net"
	"testing"
	"time"
)

func TestRequestsThatAreNeverSentInFullHoldNobodyUp(t *testing.T) {
	c := newChat(time.Minute)
	c.say("one")
	s := runCaddy(t, chatSite(backend(t, c.ServeHTTP)))
	before := subscribe(t, s.url+"/messages")
	before.want("one")
	conns := make([]net.Conn, 0, 300)
	for range soak(50, 1000) {
		for _, part := range []string{
			"GE", "GET /messages HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/ev",
			"POST /messages HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nContent-Length: 100\r\n\r\na=1",
			"GET /messages HTTP/1.1\r\nHost: " + s.addr + "\r\nAccept: text/event-stream\r\nContent-Length: 100\r\n\r\na=1",
		} {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
			fmt.Fprint(conn, part)
		}
	}
	polls := len(c.polled())
	after := subscribe(t, s.url+"/messages")
	after.want("one")
	for i := range 20 {
		c.say(fmt.Sprint("line ", i))
		before.want(fmt.Sprint("line ", i))
		after.want(fmt.Sprint("line ", i))
	}
	if n := len(c.polled()) - polls; n > 22 {
		t.Errorf("%d polls for 20 events", n)
	}
	for _, conn := range conns {
		conn.Close()
	}
	eventually(t, "those to be gone", func() bool { return clientsOf(t) == 2 })
}
