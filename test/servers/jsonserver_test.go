package servers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// meetJSONServer starts a JSON Server with a table of posts, whose ids are numbers.
func meetJSONServer(t *testing.T) newcomer {
	testsite.NeedNode(t, nodeFolder)
	file := filepath.Join(t.TempDir(), "db.json")
	if err := os.WriteFile(file, []byte(`{"posts":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := testport.Free(t)
	c := testsite.RunComponent(t, nodeFolder, nil, "node", "node_modules/json-server/lib/cli/bin.js", "--host", "127.0.0.1", "--port", strings.TrimPrefix(addr, "127.0.0.1:"), "--quiet", file)
	c.Listens(t, addr)
	return newcomer{
		url: "http://" + addr + "/posts", show: at("text"),
		say: func(text string) {
			testsite.Post(t, http.MethodPost, "http://"+addr+"/posts", "application/json", fmt.Sprintf(`{"text":%q}`, text))
		},
	}
}
