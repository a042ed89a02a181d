#!/usr/bin/env bash
# nats.go 1.55.0 ends a connection for ever after an error that it does not know, also with MaxReconnects(-1).
#
# Expected: "If negative, it will never stop trying to reconnect" (MaxReconnects). A server that ends a connection
#   with an error, be it a new kind of error, is one to reconnect to.
# Seen: after "Authorization Violation", which it knows, it goes on, up to the second time in a row, or for ever with
#   IgnoreAuthErrorAbort. After "Maximum Payload Violation", which nats-server 2.15.3 sends, or any text that is
#   not in its list, the connection is CLOSED and all subscriptions are gone. Who wants to be connected for ever
#   has to listen to ClosedHandler, connect anew and subscribe again.
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

// serve lets a client connect, and ends the connection with an error.
func serve(conn net.Conn, text string) {
	defer conn.Close()
	fmt.Fprint(conn, `INFO {"server_id":"x","version":"2.15.3","proto":1,"max_payload":1048576}`+"\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "PING") {
			fmt.Fprintf(conn, "PONG\r\n")
			time.Sleep(200 * time.Millisecond)
			fmt.Fprintf(conn, "-ERR '%s'\r\n", text)
			time.Sleep(200 * time.Millisecond)
			return
		}
	}
}

func main() {
	for _, text := range []string{"Authorization Violation", "Maximum Payload Violation", "Something New"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		again := make(chan bool, 100)
		go func() {
			for i := 0; ; i++ {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				if i > 0 {
					again <- true
				}
				go serve(conn, text)
			}
		}()
		closed := make(chan bool, 1)
		nc, err := nats.Connect("nats://"+listener.Addr().String(), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond),
			nats.IgnoreAuthErrorAbort(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
			nats.ClosedHandler(func(*nats.Conn) { closed <- true }))
		if err != nil {
			panic(err)
		}
		select {
		case <-again:
			fmt.Printf("%s: reconnects\n", text)
		case <-closed:
			fmt.Printf("%s: closed for ever\n", text)
		}
		listener.Close()
		nc.Close()
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/nats-io/nats.go@v1.55.0 >/dev/null 2>&1
seen=$(go run .)
printf '%s\n' "$seen"
[ "$seen" = 'Authorization Violation: reconnects
Maximum Payload Violation: closed for ever
Something New: closed for ever' ] || { echo 'this has changed'; exit 1; }
