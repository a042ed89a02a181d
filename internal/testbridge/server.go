package testbridge

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
)

// Path is how a server writes its streams.
type Path struct {
	TLS     bool
	Handler bool // by their handlers: no connection is taken over
}

func (p Path) String() string {
	name := "taken over"
	if p.Handler {
		name = "by its handler"
	}
	if p.TLS {
		name += ", TLS"
	}
	return name
}

// Paths are all of them over HTTP/1.1.
var Paths = []Path{{}, {TLS: true}, {Handler: true}, {TLS: true, Handler: true}}

// Server is a bridge on a socket, without Caddy around it.
type Server struct {
	*httptest.Server
	Returned chan string // the path of each request whose handler has returned
}

// Listen serves a bridge until the test ends.
func Listen(t testing.TB, h *Standalone, p Path) *Server {
	t.Helper()
	s, of := &Server{Returned: make(chan string, 1<<10)}, new(caddyhttp.Server)
	if p.Handler {
		of.WriteTimeout = caddy.Duration(time.Hour) // which nobody keeps here
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serveIn(of, h, w, r); err != nil {
			t.Errorf("the handler of %s returned %v", r.URL, err)
		}
		s.Returned <- r.URL.Path
	}))
	s.Config.ConnContext = stream.WithConn
	if p.TLS {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		if err := h.Bridge.Destruct(); err != nil {
			t.Error(err)
		}
		s.CloseClientConnections()
		s.Close()
	})
	return s
}
