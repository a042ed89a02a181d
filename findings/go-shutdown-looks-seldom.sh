#!/usr/bin/env bash
# Go's Server.Shutdown returns up to half a second after the last connection has ended (net/http, Go 1.26).
#
# Expected: Shutdown waits for the connections, and returns when the last of them has ended.
# Seen: Shutdown looks at the connections after 1 ms, 2 ms, 4 ms, and so on, and then every 500 ms, give or take a tenth. The last
#   connection here ends 0.6 s after the start. Shutdown returns at about 1 s. Where it ends after 20 ms, Shutdown returns some 15 ms later.
#   Caddy's exit waits for Shutdown. An exit whose streams end in 0.6 s takes 1.1 s, and a limit for it has to allow for that.
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
	"time"
)

// late returns how long after the end of the last answer Shutdown has returned, if the answer ends some time after its start.
func late(takes time.Duration) time.Duration {
	began, end := make(chan bool), make(chan bool)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		began <- true
		<-end
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go server.Serve(listener)
	ended := make(chan time.Time)
	go func() {
		answer, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, answer.Body)
		ended <- time.Now()
	}()
	<-began
	time.AfterFunc(takes, func() { close(end) })
	if err := server.Shutdown(context.Background()); err != nil {
		panic(err)
	}
	returned := time.Now()
	return returned.Sub(<-ended)
}

func main() {
	for _, takes := range []time.Duration{20 * time.Millisecond, 600 * time.Millisecond} {
		d := late(takes)
		fmt.Printf("the last connection ended after %s, and Shutdown returned %s later\n", takes, d.Round(time.Millisecond))
		if slow := d > 200*time.Millisecond; slow != (takes > 500*time.Millisecond) {
			fmt.Println("this has changed")
		}
	}
}
GO
go mod init finding >/dev/null 2>&1
go mod edit -go=1.26
go version
seen=$(go run .)
printf '%s\n' "$seen"
! grep -q changed <<<"$seen"
