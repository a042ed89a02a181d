package testsite

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/caddyserver/caddy/v2"
)

// TakesOver reports whether sites take over the connections of streams over HTTP/1.1. With STREAMS=handlers in the environment, the
// tests of sites run over the other path: all streams are written by their handlers.
func TakesOver() bool { return runtime.GOOS == "linux" && os.Getenv("STREAMS") != "handlers" }

// hideConns has all servers of a configuration hide which kind of connections they have.
func hideConns(config []byte) ([]byte, error) {
	var root map[string]any
	if err := json.Unmarshal(config, &root); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	apps, _ := root["apps"].(map[string]any)
	http, _ := apps["http"].(map[string]any)
	servers, _ := http["servers"].(map[string]any)
	for _, server := range servers {
		s := server.(map[string]any)
		wrappers, _ := s["listener_wrappers"].([]any)
		s["listener_wrappers"] = append([]any{map[string]any{"wrapper": "opaque"}}, wrappers...)
		if len(wrappers) == 0 {
			s["listener_wrappers"] = append(s["listener_wrappers"].([]any), map[string]any{"wrapper": "tls"})
		}
	}
	return json.Marshal(root)
}

func init() { caddy.RegisterModule(opaque{}) }

// opaque is a listener wrapper.
type opaque struct{}

// CaddyModule implements [caddy.Module].
func (opaque) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners.opaque", New: func() caddy.Module { return new(opaque) }}
}

// WrapListener implements [caddy.ListenerWrapper].
func (opaque) WrapListener(l net.Listener) net.Listener { return opaqueListener{l} }

type opaqueListener struct{ net.Listener }

func (l opaqueListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return opaqueConn{conn}, err
}

// opaqueConn is a connection of a kind that nobody knows.
type opaqueConn struct{ net.Conn }
