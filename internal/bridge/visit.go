package bridge

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// visit is the stay of a client, from when it is counted.
type visit struct {
	bridge *Bridge
	ip     string
	reader *feed.Reader // nil before it has joined a feed
}

// Leave implements [stream.Visit].
func (v *visit) Leave() {
	if v.reader != nil {
		v.reader.Close()
	}
	b := v.bridge
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clients--
	if b.perIP[v.ip]--; b.perIP[v.ip] == 0 {
		delete(b.perIP, v.ip)
	}
}
