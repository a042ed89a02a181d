package ssebridge

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// hanging is a backend that holds every poll until the test ends, and notes it.
func hanging(t *testing.T) (addr string, polls <-chan *http.Request) {
	noted := make(chan *http.Request, 64)
	return backend(t, func(w http.ResponseWriter, r *http.Request) {
		noted <- r.Clone(context.Background())
		<-r.Context().Done()
	}), noted
}

// backend serves a legacy backend and returns its address.
func backend(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.Listener.Addr().String()
}

func queryNumber(r *http.Request, name string, otherwise int) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
		return n
	}
	return otherwise
}

func writeAs(w http.ResponseWriter, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	fmt.Fprint(w, body)
}
