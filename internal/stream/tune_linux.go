package stream

import (
	"net"
	"net/http"

	"golang.org/x/sys/unix"
)

// maxUnsent is how many bytes the kernel holds for a client that are not on their way yet. Otherwise it may hold 4 MiB, and tells
// that it takes more when a third of them is free: a client that reads slowly would seem not to read at all. Those that are on
// their way do not count, so this makes nothing slower.
const maxUnsent = 64 << 10

// tune prepares the connection of a request for a stream, if it is one that the stream has for itself: one of HTTP/2 has other
// requests too. Those that follow on it find nothing that they would mind. A kernel that does not know this goes on as it did.
func tune(r *http.Request) {
	socket, _ := socketOf(r)
	conn, ok := socket.(*net.TCPConn)
	if !ok || r.ProtoMajor != 1 {
		return
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return // it is closed, as the first write will say
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
	})
}
