package servers

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
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

func meetPHPChat(t *testing.T) newcomer {
	db := "CHAT_DB=" + filepath.Join(t.TempDir(), "chat.sqlite")
	php, mouth := startPHP(t, db), startPHP(t, db)
	return newcomer{
		url: "http://" + php.Addr + "/chat.php?lastId=0", show: at("text"),
		say: func(text string) {
			testsite.Post(t, http.MethodPost, "http://"+mouth.Addr+"/chat.php", "application/x-www-form-urlencoded", "user=ann&text="+url.QueryEscape(text))
		},
	}
}

func meetChanges(query string) func(t *testing.T) newcomer {
	return func(t *testing.T) newcomer { return meetCouch(t, query) }
}

func meetCouch(t *testing.T, query string) newcomer {
	t.Helper()
	folder := filepath.Join("examples", "couchdb")
	testsite.NeedNode(t, folder)
	couch := testsite.StartComponent(t, folder, nil, "node", "server.js")
	put := func(path, body string) {
		testsite.Post(t, http.MethodPut, "http://"+couch.Addr+"/db"+path, "application/json", body)
	}
	put("", "")
	return newcomer{
		url: "http://" + couch.Addr + "/db/_changes" + query, busy: true, show: at("id"),
		say: func(text string) { put("/"+url.PathEscape(text), `{"n":1}`) },
	}
}

func meetExpress(t *testing.T) newcomer {
	folder := filepath.Join("examples", "node-express")
	testsite.NeedNode(t, folder)
	node := testsite.StartComponent(t, folder, []string{"EVERY=0"}, "node", "server.js")
	return newcomer{
		url: "http://" + node.Addr + "/status", show: at("note"),
		change: func(i int) {
			testsite.Post(t, http.MethodPost, "http://"+node.Addr+"/status", "application/json", fmt.Sprintf(`{"note":"%d"}`, i))
		},
		want: strconv.Itoa,
	}
}

func meetFilemtime(t *testing.T) newcomer {
	folder := t.TempDir()
	file := filepath.Join(folder, "data.txt")
	php := startPHP(t, "DATA_FILE="+file)
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	change := func(i int) { // the script compares times by the second
		next, at := filepath.Join(folder, "next.txt"), began.Add(time.Duration(i)*time.Second)
		for _, err := range []error{os.WriteFile(next, fmt.Appendf(nil, "version %d.", i), 0o600), os.Chtimes(next, at, at), os.Rename(next, file)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	change(0)
	version := regexp.MustCompile(`version \d+\.`)
	return newcomer{
		url: "http://" + php.Addr + "/filemtime.php", change: change, show: version.FindString,
		want: func(i int) string { return fmt.Sprintf("version %d.", i) },
	}
}

func meetSymfony(t *testing.T) newcomer {
	testsite.NeedPHP(t)
	folder := filepath.Join("examples", "symfony")
	shop := testsite.StartComponent(t, folder, []string{"ORDERS=" + filepath.Join(t.TempDir(), "orders.json"), "PHP_CLI_SERVER_WORKERS=2"}, "php", "-q", "-S", "{{addr}}", "-t", "public")
	return newcomer{
		url: "http://" + shop.Addr + "/orders", list: "orders", show: at("item"),
		say: func(text string) {
			if resp, body := testsite.Do(t, http.MethodPost, "http://"+shop.Addr+"/orders", "item="+url.QueryEscape(text), "Content-Type", "application/x-www-form-urlencoded"); resp.StatusCode != http.StatusSeeOther {
				t.Fatalf("ordering: %s %s", resp.Status, body)
			}
		},
	}
}

// The documents of a database, in the order of their ids.
func meetCouchDocuments(t *testing.T) newcomer {
	folder := filepath.Join("examples", "couchdb")
	testsite.NeedNode(t, folder)
	couch := testsite.StartComponent(t, folder, nil, "node", "server.js")
	revisions := make(map[string]string)
	ask := func(method, path, body string) string {
		return gjson.Get(testsite.Post(t, method, "http://"+couch.Addr+"/db"+path, "application/json", body), "rev").Str
	}
	ask(http.MethodPut, "", "")
	change, want := rows(func(name string, i int) {
		body := fmt.Sprintf(`{"n":%d}`, i)
		if rev := revisions[name]; rev != "" {
			body = fmt.Sprintf(`{"n":%d,"_rev":%q}`, i, rev)
		}
		revisions[name] = ask(http.MethodPut, "/"+name, body)
	}, func(name string) {
		ask(http.MethodDelete, "/"+name+"?rev="+revisions[name], "")
		delete(revisions, name)
	})
	return newcomer{
		url: "http://" + couch.Addr + "/db/_all_docs?include_docs=true", change: change, want: want, list: "rows", show: row("id", "doc.n"),
	}
}
