package servers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// startPHP runs PHP's own server on the scripts of the example. Requests are held for a short time
// only: a worker of this server may take a request that comes while it begins with another, and
// then lets it wait until the first is done.
func startPHP(t *testing.T, env ...string) *testsite.Component {
	t.Helper()
	testsite.NeedPHP(t)
	env = append(env, "PHP_CLI_SERVER_WORKERS=8", "CHAT_HOLD=2", "DATA_HOLD=2")
	return testsite.StartComponent(t, filepath.Join("examples", "php-chat"), env, "php", "-q", "-S", "{{addr}}")
}

func TestAPHPChatIsResumedAtEveryEvent(t *testing.T) {
	db := "CHAT_DB=" + filepath.Join(t.TempDir(), "chat.sqlite")
	php, mouth := startPHP(t, db), startPHP(t, db) // who speaks does not wait for who listens
	said := 0                                      // in this chat, which remembers
	testsite.CutAtEveryEvent(t, testsite.Example(t, "php-chat", php.Addr), "text", func(t *testing.T) (string, func(int)) {
		return "/chat.php?lastId=" + strconv.Itoa(said), func(i int) {
			testsite.Post(t, http.MethodPost, "http://"+mouth.Addr+"/chat.php", "application/x-www-form-urlencoded", fmt.Sprintf("user=ann&text=event+%d", i))
			said++
		}
	})
}

func TestCouchDBChangesAreResumedAtEveryEvent(t *testing.T) {
	folder := filepath.Join("examples", "couchdb")
	testsite.NeedNode(t, folder)
	couch := testsite.StartComponent(t, folder, nil, "node", "server.js")
	itemCursors := testsite.Example(t, "couchdb", couch.Addr)
	pageCursors := strings.Replace(itemCursors, "id seq", "cursor last_seq", 1)
	if pageCursors == itemCursors {
		t.Fatal("the example has no `id seq`")
	}
	databases := 0
	newDatabase := func(t *testing.T) (string, func(int)) {
		databases++
		db := fmt.Sprintf("/db%d", databases)
		testsite.Post(t, http.MethodPut, "http://"+couch.Addr+db, "application/json", "")
		return db + "/_changes", func(i int) {
			testsite.Post(t, http.MethodPut, fmt.Sprintf("http://%s%s/event%%20%d", couch.Addr, db, i), "application/json", `{"n":1}`)
		}
	}
	t.Run("continuous", func(t *testing.T) {
		testsite.CutAtEveryEvent(t, recipeSite(t, "couchdb-continuous", couch.Addr, "heartbeat 10000", "heartbeat 500"), "id", newDatabase)
	})
	t.Run("item cursors", func(t *testing.T) { testsite.CutAtEveryEvent(t, itemCursors, "id", newDatabase) })
	t.Run("page cursors", func(t *testing.T) { testsite.CutAtEveryEvent(t, pageCursors, "id", newDatabase) })
}

func TestAnExpressDocumentComesWhenItChanges(t *testing.T) {
	folder := filepath.Join("examples", "node-express")
	testsite.NeedNode(t, folder)
	node := testsite.StartComponent(t, folder, []string{"EVERY=0"}, "node", "server.js")
	caddyfile := strings.Replace(testsite.Example(t, "node-express", node.Addr), "interval 1s", "interval 100ms", 1)
	testsite.CheckDocument(t, caddyfile, "/status", func(int) {
		testsite.Post(t, http.MethodPost, "http://"+node.Addr+"/status", "application/json", `{"note":"changed"}`)
	}, func(data string) int { return int(gjson.Get(data, "revision").Int()) })
}

func TestAFileOfTheFilemtimeTutorialComesWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "data.txt")
	php := startPHP(t, "DATA_FILE="+file)
	// the script compares times by the second
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	change := func(to int) {
		t.Helper()
		next := filepath.Join(dir, "next.txt")
		at := began.Add(time.Duration(to) * time.Second)
		for _, err := range []error{
			os.WriteFile(next, fmt.Appendf(nil, "version\n%d\n", to), 0o600),
			os.Chtimes(next, at, at),
			os.Rename(next, file),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	change(1)
	testsite.CheckDocument(t, testsite.Example(t, "php-chat", php.Addr), "/filemtime.php", change, func(data string) int {
		var v int
		fmt.Sscanf(data, "version\n%d", &v)
		return v
	})
}
