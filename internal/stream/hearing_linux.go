package stream

import (
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// earOf returns what hears of the client of a request whose handler writes its stream; nil: nothing does. Over HTTP/2 it is the
// connection of several streams, which are lost together.
func earOf(r *http.Request) ear {
	socket, _ := socketOf(r)
	conn, ok := socket.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil // it is closed, as the first write will say
	}
	return connEar{raw}
}

// connEar hears of the client of a connection.
type connEar struct{ raw syscall.RawConn }

func (e connEar) owes() (something bool, silent time.Duration) {
	_ = e.raw.Control(func(fd uintptr) { something, silent = owesAt(int(fd)) }) // a closed one owes nothing
	return something, silent
}

// owesAt says of a socket what an [ear] does. What a client has no room for counts only while it is asked whether it has: a
// client that reads nothing answers that.
//
// With TCP_USER_TIMEOUT the kernel would give clients up by itself. But Linux 6.18 then also gives up those that read 10 KB a second
// all the time, though they answer, and the requests that follow on a connection would have to do with it too.
func owesAt(fd int) (something bool, silent time.Duration) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return false, 0 // it is no connection of TCP
	}
	return info.Unacked > 0 || info.Probes > 0, time.Duration(info.Last_ack_recv) * time.Millisecond
}
