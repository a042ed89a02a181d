//go:build unix

// Package ports finds the ports of programs that run on this machine alone.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"time"
)

// Page is the port of a page as it is wished for, 8080 without a wish, or an error that says that it is
// taken. The error names the target of make that takes another one.
func Page(wish, target string) (string, error) {
	if wish == "" {
		wish = "8080"
	}
	if n, err := strconv.Atoi(wish); err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("PORT is %q: it should be a number from 1 to 65535", wish)
	}
	if err := Free(wish); err != nil {
		return "", fmt.Errorf("port %s cannot be used (%w): choose another one, as in `PORT=8090 make %s`", wish, err, target)
	}
	return wish, nil
}

// Free reports why a port of this machine cannot be listened on. Caddy shares its ports with other
// processes that do so too, and browsers try both addresses of localhost, so that listening alone
// would not tell: it also looks for someone who answers.
func Free(port string) error {
	for _, host := range []string{"127.0.0.1", "::1"} {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 200*time.Millisecond)
		if err == nil {
			conn.Close()
			return fmt.Errorf("another program listens on it")
		}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	return listener.Close()
}

// Another is the port that is wished for, or another one if that is taken or is not to be used.
func Another(wish string, not []string) (string, error) {
	if !slices.Contains(not, wish) && Free(wish) == nil {
		return wish, nil
	}
	return Any(not)
}

// Any is a free port that is none of those that are not to be used. It is below those that systems give to who
// asks for any, and to each connection: nobody takes it while the program does not listen on it.
func Any(not []string) (string, error) {
	const first, count = 10_000, 10_000
	err := errors.New("all are to be left alone")
	for range 100 {
		port := strconv.Itoa(first + rand.IntN(count))
		if slices.Contains(not, port) {
			continue
		}
		if err = Free(port); err == nil {
			return port, nil
		}
	}
	return "", fmt.Errorf("looking for a free port from %d to %d: %w", first, first+count-1, err)
}
