#!/usr/bin/env bash
# A connection of Go's crypto/tls keeps the buffers of its handshake for as long as it lives (Go 1.26).
#
# Expected: when the handshake is over, a server's idle connection takes the same memory, however long the client's
#   first message was: that is read only once.
# Seen: a ClientHello that is 8 KB longer makes each idle connection over 16 KB larger, since the buffers of records and
#   of messages keep their size. With the key shares of today's clients (ML-KEM) this is 4 KB for each connection. Who
#   holds many idle streams over TLS pays it for each, and twice with the collector's reserve.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"runtime"
	"strings"
	"time"
)

const conns = 200

func main() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
	short, long := idle(server, 0), idle(server, 40)
	fmt.Printf("an idle connection takes %d bytes, and %d after a ClientHello that is 8 KB longer\n", short, long)
	fmt.Println("over 12 KB more:", long-short > 12<<10)
}

// idle returns the heap of a server's connection that waits, after a hello with so many further names of protocols.
func idle(server *tls.Config, names int) int64 {
	protocols := []string{"http/1.1"}
	for i := range names {
		protocols = append(protocols, fmt.Sprint(strings.Repeat("x", 200), i))
	}
	before := heap()
	var held []*tls.Conn
	for range conns {
		a, b := net.Pipe()
		conn := tls.Server(a, server)
		done := make(chan error)
		go func() {
			client := tls.Client(b, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
			err := client.Handshake()
			if err == nil {
				_, err = client.Write([]byte("x")) // behind what the server sends after the handshake
			}
			done <- err
		}()
		if err := conn.Handshake(); err != nil {
			panic(err)
		}
		go conn.Write([]byte("x"))
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			panic(err)
		}
		if err := <-done; err != nil {
			panic(err)
		}
		held = append(held, conn)
	}
	used := (heap() - before) / conns
	runtime.KeepAlive(held)
	return used
}

func heap() int64 {
	time.Sleep(100 * time.Millisecond)
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
GO
go mod init finding >/dev/null 2>&1
go mod edit -go=1.26
seen=$(timeout 60 go run .)
go version
printf '%s\n' "$seen"
[ "$(printf '%s\n' "$seen" | tail -1)" = 'over 12 KB more: true' ] || { echo 'this has changed'; exit 1; }
