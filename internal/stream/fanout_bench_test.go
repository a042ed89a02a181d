//go:build linux

package stream_test

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// BenchmarkFanOut sends events of 200 bytes, one after another, each from a poll of its own. It counts the processor's time for the
// site, and not that of the clients. The floor is one write for each client.
func BenchmarkFanOut(b *testing.B) {
	const clients = 1000
	text := strings.Repeat("x", 200)
	b.Run("floor", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		var ends [clients][2]net.Conn
		for i := range ends {
			if ends[i][1], err = net.Dial("tcp", l.Addr().String()); err != nil {
				b.Fatal(err)
			}
			defer ends[i][1].Close()
			if ends[i][0], err = l.Accept(); err != nil {
				b.Fatal(err)
			}
			defer ends[i][0].Close()
		}
		event := []byte("data: " + text + "\nid: 1\n\n")
		measure(b, clients, func() {
			for _, pair := range ends {
				if _, err := pair[0].Write(event); err != nil {
					b.Fatal(err)
				}
			}
		}, func(i int, read []byte) error {
			_, err := ends[i][1].Read(read)
			return err
		})
	})
	for _, p := range testbridge.Paths {
		b.Run(p.String(), func(b *testing.B) {
			c := testsite.NewChat(time.Minute)
			c.Say("hello")
			h := testbridge.Chat(b, c)
			s := testbridge.Listen(b, h, p)
			all := make([]*socket, clients)
			for i := range all {
				all[i] = open(b, s, p, "/messages", 0)
				all[i].line(b, "data: hello")
			}
			measure(b, clients, func() {
				before := h.Bridge.Tally().Deliveries
				c.Say(text)
				for h.Bridge.Tally().Deliveries < before+clients {
					time.Sleep(100 * time.Microsecond)
				}
			}, func(i int, read []byte) error {
				_, err := all[i].body.Read(read)
				return err
			})
		})
	}
}

// measure sends events, and reads each at all clients. Only the sending is measured.
func measure(b *testing.B, clients int, send func(), read func(client int, into []byte) error) {
	b.Helper()
	var used time.Duration
	into := make([]byte, 1<<10)
	for b.Loop() {
		before := processorTime(b)
		send()
		used += processorTime(b) - before
		b.StopTimer()
		for i := range clients {
			if err := read(i, into); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*clients), "cpu-ns/delivery")
}

// processorTime returns how much of it the process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
