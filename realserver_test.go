package ssebridge

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// startPHP runs PHP's own server on the scripts of the example. Requests are held for a short time
// only: a worker of this server may take a request that comes while it begins with another, and
// then lets it wait until the first is done.
func startPHP(t *testing.T, env ...string) *component {
	t.Helper()
	needPHP(t)
	env = append(env, "PHP_CLI_SERVER_WORKERS=8", "CHAT_HOLD=2", "DATA_HOLD=2")
	return startComponent(t, filepath.Join("examples", "php-chat"), env, "php", "-q", "-S", "{{addr}}")
}

func TestAPHPChatIsResumedAtEveryEvent(t *testing.T) {
	db := "CHAT_DB=" + filepath.Join(t.TempDir(), "chat.sqlite")
	php, mouth := startPHP(t, db), startPHP(t, db) // who speaks does not wait for who listens
	said := 0                                      // in this chat, which remembers
	cutAtEveryEvent(t, example(t, "php-chat", php.addr), "text", func(t *testing.T) (string, func(int)) {
		return "/chat.php?lastId=" + strconv.Itoa(said), func(i int) {
			post(t, http.MethodPost, "http://"+mouth.addr+"/chat.php", "application/x-www-form-urlencoded", fmt.Sprintf("user=ann&text=event+%d", i))
			said++
		}
	})
}

func TestCouchDBChangesAreResumedAtEveryEvent(t *testing.T) {
	folder := filepath.Join("examples", "couchdb")
	needNode(t, folder)
	couch := startComponent(t, folder, nil, "node", "server.js")
	itemCursors := example(t, "couchdb", couch.addr)
	pageCursors := strings.Replace(itemCursors, "id seq", "cursor last_seq", 1)
	if pageCursors == itemCursors {
		t.Fatal("the example has no `id seq`")
	}
	databases := 0
	newDatabase := func(t *testing.T) (string, func(int)) {
		databases++
		db := fmt.Sprintf("/db%d", databases)
		post(t, http.MethodPut, "http://"+couch.addr+db, "application/json", "")
		return db + "/_changes", func(i int) {
			post(t, http.MethodPut, fmt.Sprintf("http://%s%s/event%%20%d", couch.addr, db, i), "application/json", `{"n":1}`)
		}
	}
	t.Run("item cursors", func(t *testing.T) { cutAtEveryEvent(t, itemCursors, "id", newDatabase) })
	t.Run("page cursors", func(t *testing.T) { cutAtEveryEvent(t, pageCursors, "id", newDatabase) })
}

func TestAnExpressDocumentComesWhenItChanges(t *testing.T) {
	folder := filepath.Join("examples", "node-express")
	needNode(t, folder)
	node := startComponent(t, folder, []string{"EVERY=0"}, "node", "server.js")
	caddyfile := strings.Replace(example(t, "node-express", node.addr), "interval 1s", "interval 100ms", 1)
	checkDocument(t, caddyfile, "/status", func(int) {
		post(t, http.MethodPost, "http://"+node.addr+"/status", "application/json", `{"note":"changed"}`)
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
	checkDocument(t, example(t, "php-chat", php.addr), "/filemtime.php", change, func(data string) int {
		var v int
		fmt.Sscanf(data, "version\n%d", &v)
		return v
	})
}
