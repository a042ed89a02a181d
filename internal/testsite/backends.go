package testsite

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// Hanging is a backend that holds every poll until the test ends, and notes it.
func Hanging(t *testing.T) (addr string, polls <-chan *http.Request) {
	noted := make(chan *http.Request, 64)
	return Backend(t, func(w http.ResponseWriter, r *http.Request) {
		noted <- r.Clone(context.Background())
		<-r.Context().Done()
	}), noted
}

// Backend serves a legacy backend and returns its address.
func Backend(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.Listener.Addr().String()
}

func QueryNumber(r *http.Request, name string, otherwise int) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
		return n
	}
	return otherwise
}

func WriteAs(w http.ResponseWriter, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	fmt.Fprint(w, body)
}
