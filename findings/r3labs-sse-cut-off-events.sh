#!/usr/bin/env bash
# r3labs/sse v2.10.0 delivers the part of an event that came before the connection was lost.
#
# Expected: an event ends with an empty line. What has come of one when the stream ends is discarded, without an event (HTML
#   standard, section 9.2.6).
# Seen: what has come is an event, with the id that stands before the data. The client comes back with that id, so that the
#   server has no reason to send the event again. The rest of it is lost, and no error tells.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/r3labs/sse/v2"
)

func main() {
	back := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		back <- r.Header.Get("Last-Event-ID")
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "id: 1\ndata: the whole\ndata:  of")
		w.(http.Flusher).Flush()
		time.Sleep(time.Second)
		panic(http.ErrAbortHandler) // closes the connection, without the last chunk
	}))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	events := make(chan sse.Event, 8)
	go sse.NewClient(server.URL).SubscribeRawWithContext(ctx, func(e *sse.Event) { events <- *e })
	<-back
	e := <-events
	fmt.Printf("an event with the id %q and the data %q\n", e.ID, e.Data)
	fmt.Printf("the client comes back with the id %q\n", <-back)
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/r3labs/sse/v2@v2.10.0 >/dev/null 2>&1
seen=$(go run . 2>log)
echo "$seen"
[ "$seen" = 'an event with the id "1" and the data "the whole\n of"
the client comes back with the id "1"' ] || { echo 'this has changed'; exit 1; }
