#!/usr/bin/env bash
# nats.go 1.55.0 holds its lock while it reconnects, so that calls which need no network wait for it.
#
# Expected: with ReconnectBufSize(-1) nothing is kept for later, and Publish fails at once while there is no
#   connection. IsConnected says at once that there is none.
# Seen: so it is while a server refuses connections. A server that takes one and says nothing, as a frozen one
#   does, or a host that does not answer at all, costs each call up to Timeout, two seconds by default: Publish,
#   IsConnected and MaxPayload want the lock that the reconnect holds. Whoever must not wait asks a state of their
#   own first, which the callbacks set.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// greet says as much as a client wants to hear when it connects.
func greet(conn net.Conn) {
	fmt.Fprint(conn, `INFO {"server_id":"x","version":"2.15.3","proto":1,"max_payload":1048576}`+"\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "PING") {
			fmt.Fprint(conn, "PONG\r\n")
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	end, silent := make(chan bool), make(chan net.Conn)
	go func() {
		conn, _ := listener.Accept()
		greet(conn)
		<-end
		conn.Close()
		for {
			conn, _ := listener.Accept()
			silent <- conn
		}
	}()
	nc, err := nats.Connect("nats://"+listener.Addr().String(), nats.MaxReconnects(-1),
		nats.ReconnectWait(time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		panic(err)
	}
	end <- true
	took := func(call func() any) {
		conn := <-silent
		time.Sleep(200 * time.Millisecond) // now it waits for INFO
		began := time.Now()
		answer := call()
		fmt.Printf("%v, after more than a second: %t\n", answer, time.Since(began) > time.Second)
		conn.Close()
	}
	took(func() any { return nc.Publish("subject", nil) })
	took(func() any { return nc.IsConnected() })
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/nats-io/nats.go@v1.55.0 >/dev/null 2>&1
seen=$(go run .)
printf 'Publish, and IsConnected:\n%s\n' "$seen"
[ "$seen" = 'nats: outbound buffer limit exceeded, after more than a second: true
false, after more than a second: true' ] || { echo 'this has changed'; exit 1; }
