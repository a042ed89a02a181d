//go:build linux

package stream_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// BenchmarkFanOut sends events of 200 bytes, one after another, each from a poll of its own. It counts the time of the site, and
// not that of the clients. The floor is one write for each client.
func BenchmarkFanOut(b *testing.B) {
	const clients = 1000
	text := strings.Repeat("x", 200)
	b.Run("floor", func(b *testing.B) {
		var pairs [clients][2]int
		for i := range pairs {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				b.Fatal(err)
			}
			pairs[i] = pair
			defer unix.Close(pair[0])
			defer unix.Close(pair[1])
		}
		event, read := []byte("data: "+text+"\nid: 1\n\n"), make([]byte, 1<<10)
		for b.Loop() {
			for i := range pairs {
				if _, err := unix.Write(pairs[i][0], event); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			for i := range pairs {
				if _, err := unix.Read(pairs[i][1], read); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients), "ns/delivery")
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
			read := make([]byte, 1<<10)
			for b.Loop() {
				before := h.Bridge.Tally().Deliveries
				c.Say(text)
				for h.Bridge.Tally().Deliveries < before+clients {
					runtime.Gosched()
				}
				b.StopTimer()
				for _, client := range all {
					if _, err := client.body.Read(read); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients), "ns/delivery")
		})
	}
}
