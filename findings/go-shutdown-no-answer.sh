#!/usr/bin/env bash
# Go's Server.Shutdown leaves a request without an answer whose connection was accepted before (net/http, Go 1.26).
#
# Expected: Shutdown is graceful. A connection that is accepted, and has not sent its request yet, gets an answer with
#   `Connection: close`, as one does whose request came a moment earlier. Shutdown waits for it.
# Seen: Shutdown does wait for the connection. When the request has come, the server reads it whole, calls no handler, and closes
#   the connection. A client cannot know whether its request was handled. Each reload of Caddy ends the old servers in
#   this way, so a client that connects at that moment may see the end of the connection instead of a stream. An EventSource
#   comes back by itself. Other clients must try again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

func main() {
	var handled atomic.Int32
	accepted, closing := make(chan bool, 1), make(chan bool)
	server := &http.Server{
		Handler:   http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled.Add(1) }),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				accepted <- true
			}
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		server.Serve(listener) // it returns when Shutdown has begun
		close(closing)
	}()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	<-accepted
	ended := make(chan error)
	go func() { ended <- server.Shutdown(context.Background()) }()
	<-closing
	fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	answer, err := io.ReadAll(client)
	fmt.Printf("the answer: %q, %v\n", answer, err)
	fmt.Println("requests that were handled:", handled.Load())
	fmt.Println("Shutdown:", <-ended)
}
GO
go mod init finding >/dev/null 2>&1
go mod edit -go=1.26
seen=$(go run . 2>/dev/null)
go version
printf '%s\n' "$seen"
[ "$seen" = 'the answer: "", <nil>
requests that were handled: 0
Shutdown: <nil>' ] || { echo 'this has changed'; exit 1; }
