package stream

import (
	"crypto/tls"
	"net"
	"syscall"
	"testing"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

func TestAConnectionThatIsDeclinedIsWatchedNoMore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	a := New(&config.Plan{}, zap.NewNop)
	secure := tls.Client(conn, nil) // whose socket has one descriptor, before and after
	stays, goes, again := &client{secure: secure}, &client{secure: secure}, &client{secure: secure}
	other, err := net.Dial("tcp", l.Addr().String()) // keeps the sender
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for c, of := range map[*client]net.Conn{stays: other, goes: conn} {
		if err := a.takeover.watch(c, of.(syscall.Conn)); err != nil {
			t.Fatal(err)
		}
	}
	a.takeover.decline(goes)
	if err := a.takeover.watch(again, conn.(syscall.Conn)); err != nil {
		t.Errorf("the socket is still watched: %v", err)
	} else {
		a.takeover.decline(again)
	}
	a.takeover.decline(stays)
}
