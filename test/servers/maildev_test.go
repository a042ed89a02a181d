package servers

import (
	"fmt"
	"net/smtp"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// meetMailDev starts a MailDev, which lists the mails that it gets.
func meetMailDev(t *testing.T) newcomer {
	testsite.NeedNode(t, nodeFolder)
	addr, mail := testport.Free(t), testport.Free(t)
	port := func(addr string) string { return strings.TrimPrefix(addr, "127.0.0.1:") }
	c := testsite.RunComponent(t, nodeFolder, []string{"TMPDIR=" + t.TempDir()}, "node", "node_modules/maildev/bin/maildev", "--ip", "127.0.0.1", "--smtp", port(mail),
		"--web-ip", "127.0.0.1", "--web", port(addr))
	c.Listens(t, mail)
	c.Listens(t, addr)
	return newcomer{
		url: "http://" + addr + "/email", show: at("subject"),
		say: func(text string) {
			message := fmt.Sprintf("Subject: %s\r\nFrom: ann@site.test\r\nTo: bob@site.test\r\n\r\nHello.\r\n", text)
			if err := smtp.SendMail(mail, nil, "ann@site.test", []string{"bob@site.test"}, []byte(message)); err != nil {
				t.Fatal(err)
			}
		},
	}
}
