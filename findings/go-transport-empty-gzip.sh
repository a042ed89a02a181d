#!/usr/bin/env bash
# Go's HTTP client takes an answer with Content-Encoding: gzip and no bytes for an empty body (net/http, Go 1.26).
#
# Expected: gzip has a header and a trailer, 18 bytes at least (RFC 1952, section 2.3). Where the Transport has
#   asked for gzip by itself and undoes it, a body of no bytes is an error, as any other cut gzip is.
# Seen: the body is empty, there is no error, and Content-Encoding is gone, so that nothing tells the answer
#   from an empty one. Whoever polls takes it for "no news", and the cursor in its header for good. A request
#   that sets Accept-Encoding itself gets to see the header.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("X-Next", "6")
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush() // chunked, and then nothing
		if r.URL.Path == "/cut" {
			w.Write([]byte{0x1f, 0x8b, 8})
		}
	}))
	defer server.Close()
	for _, path := range []string{"/none", "/cut"} {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Printf("%s: %d bytes, error: %v, Content-Encoding %q, X-Next %s\n", path, len(body), err, resp.Header.Get("Content-Encoding"), resp.Header.Get("X-Next"))
	}
}
GO
go mod init finding >/dev/null 2>&1
go mod edit -go=1.26
seen=$(go run .)
go version
printf '%s\n' "$seen"
[ "$seen" = '/none: 0 bytes, error: <nil>, Content-Encoding "", X-Next 6
/cut: 0 bytes, error: unexpected EOF, Content-Encoding "", X-Next 6' ] || { echo 'this has changed'; exit 1; }
