#!/usr/bin/env bash
# A listener of Go that is closed still has its port while the process starts another program (net and os/exec, Go 1.26, Linux).
#
# Expected: after Close has returned, nobody listens on the address. The process can listen on it again, and a client's connection is
#   refused. Go marks its sockets close-on-exec, so that programs which it starts do not get them.
# Seen: that mark counts when the program begins. From fork until then the child has all sockets of its parent. A listener that is
#   closed meanwhile goes on: to listen again fails with "address already in use", in thousands of tries within a few seconds. A
#   server that moves between addresses, or a test that looks for a free port by listening, must try again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// inUse listens on one address again and again for some seconds, and counts how often it is in use.
func inUse(address string) (count, tries int) {
	for at := time.Now(); time.Since(at) < 4*time.Second; tries++ {
		l, err := net.Listen("tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			count++
			continue
		}
		if err != nil {
			panic(err)
		}
		l.Close()
	}
	return count, tries
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	address := l.Addr().String()
	l.Close()
	count, tries := inUse(address)
	fmt.Printf("alone: in use %d times of %d\n", count, tries)

	var stop atomic.Bool
	for range 2 {
		go func() {
			for !stop.Load() {
				exec.Command("true").Run()
			}
		}()
	}
	count, tries = inUse(address)
	stop.Store(true)
	fmt.Printf("while programs start: in use %d times of %d\n", count, tries)
}
GO
go mod init finding >/dev/null 2>&1
go mod edit -go=1.26
seen=$(go run .)
go version
printf '%s\n' "$seen"
grep -q '^alone: in use 0 times' <<<"$seen" && ! grep -q '^while programs start: in use 0 times' <<<"$seen" || { echo 'this has changed'; exit 1; }
