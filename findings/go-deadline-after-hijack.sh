#!/usr/bin/env bash
# Go's http.ResponseController sets deadlines of a connection that has been hijacked (net/http, Go 1.26).
#
# Expected: after Hijack, the response is out of use: Write returns http.ErrHijacked. So does SetWriteDeadline, since the
#   connection belongs to somebody else.
# Seen: it returns no error, and the write of the new owner times out. Middleware that puts its deadlines back when the
#   handler returns cuts connections that were taken over meanwhile. Who takes a connection over must clear its
#   deadlines after the handlers have returned, or write to the socket itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"
)

func main() {
	hijacked, returned := make(chan net.Conn, 1), make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		defer close(returned)
		defer func() { // as middleware does
			fmt.Println("Write returns ErrHijacked:", errors.Is(write(w), http.ErrHijacked))
			fmt.Println("SetWriteDeadline:", control.SetWriteDeadline(time.Now().Add(-time.Second)))
		}()
		conn, _, err := control.Hijack()
		if err != nil {
			panic(err)
		}
		hijacked <- conn
	}))
	client, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		panic(err)
	}
	fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	conn := <-hijacked
	<-returned
	_, err = io.WriteString(conn, "x")
	fmt.Println("the new owner's write times out:", errors.Is(err, os.ErrDeadlineExceeded))
}

func write(w io.Writer) error {
	_, err := io.WriteString(w, "x")
	return err
}
GO
go mod init finding >/dev/null 2>&1
go mod edit -go=1.26
seen=$(go run . 2>/dev/null)
go version
printf '%s\n' "$seen"
[ "$seen" = 'Write returns ErrHijacked: true
SetWriteDeadline: <nil>
the new owner'"'"'s write times out: true' ] || { echo 'this has changed'; exit 1; }
