package stream

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// What can happen at a socket. All are told once, at the edge.
const (
	readable = unix.EPOLLIN
	writable = unix.EPOLLOUT
	ended    = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR // the client has closed its side, or the connection is gone
)

// epoll tells what happens at sockets. Waiting for it takes no thread: it waits in Go's own poller, as connections do.
type epoll struct {
	file *os.File
	raw  syscall.RawConn
}

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("making an epoll: %w", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("making an epoll: %w", err)
	}
	return &epoll{file, raw}, nil
}

// add has a socket watched until it is closed. What happens to it comes with the given token.
func (e *epoll) add(socket int, token uint64) (err error) {
	event := unix.EpollEvent{Events: readable | writable | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(token), Pad: int32(token >> 32)}
	if failed := e.raw.Control(func(fd uintptr) { err = unix.EpollCtl(int(fd), unix.EPOLL_CTL_ADD, socket, &event) }); failed != nil {
		return failed
	}
	return err
}

// remove has a socket watched no more. Closing one of its descriptors would not do that while it has another.
func (e *epoll) remove(socket int) {
	_ = e.raw.Control(func(fd uintptr) { _ = unix.EpollCtl(int(fd), unix.EPOLL_CTL_DEL, socket, nil) }) // it is there
}

// wait waits until something happens at a socket, and fills the list. Its error says that the epoll is closed.
func (e *epoll) wait(list []unix.EpollEvent) (n int, err error) {
	var failed error
	err = e.raw.Read(func(fd uintptr) bool {
		n, failed = unix.EpollWait(int(fd), list, 0)
		return n > 0 || failed != nil && failed != unix.EINTR
	})
	if err != nil {
		return 0, err
	}
	return n, failed
}

// tokenOf returns the token of the socket at which something has happened.
func tokenOf(event unix.EpollEvent) uint64 {
	return uint64(uint32(event.Fd)) | uint64(uint32(event.Pad))<<32
}

func (e *epoll) close() { _ = e.file.Close() }
