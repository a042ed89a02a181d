package e2e

import (
	"os"
	"runtime"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestStreamsTakeThePathThatIsTested guards all others here, which run over both paths.
func TestStreamsTakeThePathThatIsTested(t *testing.T) {
	c := testsite.NewChat(testsite.LongHold)
	c.Say("hello")
	s := testsite.Run(t, testsite.ChatSite(testsite.Backend(t, c.ServeHTTP), ""))
	client := testsite.Subscribe(t, s.URL+"/messages")
	client.Want("hello")
	taken := runtime.GOOS == "linux" && os.Getenv("STREAMS") != "handlers"
	if closes := client.Response.Close; closes != taken {
		t.Errorf("the answer says that its connection will be closed: %t; it is taken over: %t", closes, taken)
	}
}
