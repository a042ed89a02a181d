package ssebridge

import (
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"
)

func TestAPollThatPanicsEndsNeitherTheProcessNorTheStream(t *testing.T) {
	b := bridgeOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
	log := &hints{}
	b.current.Load().own = zap.New(log)
	p := accept(t, b.plan, clientRequest("GET", "/", ""))
	p.reader = nil // a mistake of ours
	reader, err := b.join(p)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	said, err := reader.Next()
	if err != nil || !strings.Contains(string(said), commentUnreadable) {
		t.Errorf("got %q, %v", said, err)
	}
	if n := log.count("poll panicked"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}
