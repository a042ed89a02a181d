package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// meetFossil starts a Fossil, whose feed tells of pages of its wiki.
func meetFossil(t *testing.T) newcomer {
	program, folder := testsite.NeedServer(t, "fossil", "fossil"), t.TempDir()
	env := []string{"HOME=" + folder, "USER=ann"}
	fossil := func(input string, args ...string) {
		command := exec.Command(program, args...)
		command.Dir, command.Env, command.Stdin = folder, append(os.Environ(), env...), strings.NewReader(input)
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("fossil %q: %v\n%s", args, err, said)
		}
	}
	fossil("", "init", "-A", "ann", "repository")
	addr := testport.Free(t)
	c := testsite.RunComponent(t, folder, env, program, "server", "--port", strings.TrimPrefix(addr, "127.0.0.1:"), "--localhost", filepath.Join(folder, "repository"))
	c.Listens(t, addr)
	return newcomer{
		url: "http://" + addr + "/timeline.rss", slow: true,
		say: func(text string) { fossil(text, "wiki", "create", text, "-R", "repository") },
		show: func(data string) string {
			_, page, _ := strings.Cut(gjson.Get(data, "title").Str, "wiki page: ")
			return page
		},
	}
}
