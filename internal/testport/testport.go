// Package testport gives tests the ports of servers that are started, or started again, later than their ports must be known.
package testport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
	"time"
)

// Tests that ask for any port, and clients that connect, get those from 32768 on by Linux, and from 49152 on elsewhere.
const (
	first = 20_000
	count = 6_000 // behind which there are as many that hold these
)

// patience is how long a test waits for something on loopback.
const patience = 10 * time.Second

// Free returns an address of loopback, such as "127.0.0.1:20123", that nobody listens on. Until the test is over, the system gives its
// port to nobody who asks for any, and no other test gets it from Free, not even one of another process.
func Free(t testing.TB) string {
	t.Helper()
	err := errors.New("all of them are taken")
	for range 100 {
		var held net.Listener
		port := first + rand.N(count)
		if held, err = hold(port); err != nil {
			continue
		}
		t.Cleanup(func() { held.Close() })
		addr := addressOf(port)
		conn, refused := net.DialTimeout("tcp", addr, patience)
		if refused != nil { // a listener instead could still be there after its end, as Listen says
			return addr
		}
		conn.Close()
		err = fmt.Errorf("somebody listens on %s", addr)
	}
	t.Fatalf("looking for a free port from %d to %d: %v", first, first+count-1, err)
	return ""
}

// Listen listens on an address from Free, also again. A program that is being started has the listeners of its parent for a
// moment, so that one that was closed there may still be in the way.
func Listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	for late := time.After(patience); ; {
		l, err := net.Listen("tcp", addr)
		if err == nil {
			return l
		}
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			t.Fatalf("listening on a port that was free: %v", err)
		}
	}
}

// hold listens on the port that stands for another one, so that no other process can. The end of the process ends that, too.
func hold(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", addressOf(port+count))
	if err != nil {
		return nil, fmt.Errorf("holding port %d: %w", port, err)
	}
	return l, nil
}

func addressOf(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
