//go:build unix

// Package buttons answers the buttons of a page on this machine.
package buttons

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Handler answers GET /control/state with state, and calls what a button is for at POST /control/NAME; its error
// is the page's to show. It takes requests of the page itself, and no others: a page of another site cannot press
// the buttons (http.CrossOriginProtection), nor can one whose name has been pointed at this machine (the
// host in the patterns).
func Handler(state http.HandlerFunc, buttons map[string]func() error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET localhost/control/state", state)
	for name, press := range buttons {
		mux.HandleFunc("POST localhost/control/"+name, func(w http.ResponseWriter, _ *http.Request) {
			if err := press(); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// Server serves such a handler.
type Server struct {
	Addr string // "127.0.0.1:8084"

	server  *http.Server
	running sync.WaitGroup
}

// Serve listens on a free port of this machine until Close. What ends it before is told to failed.
func Serve(handler http.Handler, failed func(error)) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for /control/: %w", err)
	}
	s := &Server{Addr: listener.Addr().String(), server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
	s.running.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("serving /control/: %w", err))
		}
	})
	return s, nil
}

// Close ends it.
func (s *Server) Close() {
	s.server.Close()
	s.running.Wait()
}

// Answer answers with JSON, which is never cached.
func Answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.Printf("answering: %v", err)
	}
}
