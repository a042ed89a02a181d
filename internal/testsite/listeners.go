package testsite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"runtime"
	"strings"
)

// AwaitOneListener waits until no two sockets listen on the same address with the port of addr, where the system tells. A reload
// returns before the servers of the earlier configuration have closed theirs, and what connects to those meanwhile gets no answer
// (findings/go-shutdown-no-answer.sh). Clients of event streams come back. A test's single request does not.
func AwaitOneListener(addr string) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return fmt.Errorf("waiting for one listener: %w", err)
	}
	var shared string
	Within(Patience, func() bool {
		shared, err = sharedListeners(fmt.Sprintf(":%04X", at.Port()))
		return err != nil || shared == ""
	})
	switch {
	case err != nil:
		return fmt.Errorf("waiting for one listener: %w", err)
	case shared != "":
		return fmt.Errorf("waiting for one listener: after %v there are several at %s", Patience, shared)
	}
	return nil
}

// sharedListeners returns an address with the given end that two sockets listen on, as the tables of proc_net_tcp in Linux's
// documentation have it, or nothing.
func sharedListeners(suffix string) (string, error) {
	const listening = "0A"
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return "", err
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(table)) {
			fields := strings.Fields(line) // number, local address, remote address, state
			if len(fields) < 4 || !strings.HasSuffix(fields[1], suffix) || fields[3] != listening {
				continue
			}
			if seen[fields[1]] {
				return fields[1], nil
			}
			seen[fields[1]] = true
		}
	}
	return "", nil
}
