package bridge

import (
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestAPollThatPanicsEndsNeitherTheProcessNorTheStream(t *testing.T) {
	b := bridgeOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
	core, log := observer.New(zap.DebugLevel)
	b.current.Load().Logger = zap.New(core)
	p := requestOf(t, b.plan, testsite.ClientRequest("GET", "/", ""))
	p.Reader = nil // a mistake of ours
	reader, _, err := b.join(p)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	said, err := reader.Next()
	if err != nil || !strings.Contains(string(said), page.Unreadable) {
		t.Errorf("got %q, %v", said, err)
	}
	lines := log.FilterMessage("poll panicked").All()
	if len(lines) != 1 {
		t.Fatalf("logged %d times", len(lines))
	}
	want := b.about(p)
	if of := lines[0].ContextMap(); of["bridge"] != want.Bridge || of["feed"] != want.ID || of["host"] != want.Host || of["path"] != want.Path {
		t.Errorf("the line is of %v, want %+v", of, want)
	}
}
