package stream

import (
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
	stays, goes := new(client), new(client)
	for _, c := range []*client{stays, goes} {
		if err := a.takeover.watch(c, conn.(syscall.Conn)); err != nil {
			t.Fatal(err)
		}
	}
	s := goes.owner.(*sender)
	socket := int(goes.socket)
	a.takeover.decline(goes)
	// a socket that is watched cannot be added again, by whichever of its descriptors has the number
	again := new(client)
	if err := a.takeover.watch(again, conn.(syscall.Conn)); err != nil {
		t.Fatal(err)
	}
	if int(again.socket) != socket {
		t.Skipf("the descriptor is %d, and was %d", again.socket, socket)
	}
	if s.size() != 2 {
		t.Errorf("the sender has %d clients", s.size())
	}
	a.takeover.decline(again)
	a.takeover.decline(stays)
}
