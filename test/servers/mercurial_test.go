package servers

import (
	"os"
	"os/exec"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// meetMercurial has Mercurial serve a repository, with its log as JSON.
func meetMercurial(t *testing.T) newcomer {
	program, folder := testsite.NeedServer(t, "hg", "mercurial"), t.TempDir()
	hg := func(args ...string) {
		command := exec.Command(program, append([]string{"--cwd", folder}, args...)...)
		command.Env = append(os.Environ(), "HGRCPATH=", "HGUSER=ann")
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("hg %q: %v\n%s", args, err, said)
		}
	}
	hg("init")
	commit := func(text string) { // the ETag stays as it is when another follows within the second
		hg("--config", "ui.allowemptycommit=1", "commit", "-m", text)
	}
	addr := testport.Free(t)
	c := testsite.RunComponent(t, folder, []string{"HGRCPATH="}, program, "serve", "--address", "127.0.0.1", "--port", addr[len("127.0.0.1:"):])
	c.Listens(t, addr)
	testsite.Fetch(t, "http://"+addr+"/json-log") // its first answer takes long
	return newcomer{url: "http://" + addr + "/json-log", say: commit, list: "changesets", show: at("desc")}
}
