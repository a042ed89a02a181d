package e2e

import (
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
	if closes, taken := client.Response.Close, testsite.TakesOver(); closes != taken {
		t.Errorf("the answer says that its connection will be closed: %t; it is taken over: %t", closes, taken)
	}
}
