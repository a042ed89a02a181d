package testsite

import (
	"context"
	"net"
	"net/http"
	"testing"
)

// RoomTransport finds all rooms on loopback.
func RoomTransport(t *testing.T) *http.Transport {
	tr := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}
