package ssebridge

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/tools/txtar"
)

// example returns the Caddyfile of an example with its backend at an address, ready for runCaddy.
func example(t *testing.T, name, backend string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(backend)
	if err != nil {
		t.Fatal(err)
	}
	return exampleWith(t, name, map[string]string{"PORT": port})
}

var relativeRoot = regexp.MustCompile(`(?m)^(\s*root )(\S+)$`)

// exampleWith returns the Caddyfile of an example with values for its variables, and with its roots where they
// are, ready for runCaddy: without the global options.
func exampleWith(t *testing.T, name string, values map[string]string) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("examples", name))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, site, ok := strings.Cut(string(text), "\n}\n")
	if !ok {
		t.Fatalf("examples/%s/Caddyfile has no global options", name)
	}
	replace := func(pattern, with string) {
		re := regexp.MustCompile(pattern)
		if !re.MatchString(site) {
			t.Fatalf("examples/%s/Caddyfile has no %s", name, pattern)
		}
		site = re.ReplaceAllLiteralString(site, with)
	}
	replace(`http://localhost:\{\$HTTP_PORT:\d+\}`, "{{site}}")
	for variable, value := range values {
		replace(`\{\$`+variable+`:[^}]*\}`, value)
	}
	return relativeRoot.ReplaceAllString(site, "${1}"+folder+"/$2")
}

// recipeSite returns a recipe of docs/upstreams.md as a site, with its backend at an address. Edits are pairs of what
// is there, and with what it is replaced.
func recipeSite(t *testing.T, name, backend string, edits ...string) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "upstreams", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseRecipe(name, archive)
	if err != nil {
		t.Fatal(err)
	}
	block := r.Caddyfile
	for edits = append([]string{r.upstreams[0].addr, backend}, edits...); len(edits) > 0; edits = edits[2:] {
		if !strings.Contains(block, edits[0]) {
			t.Fatalf("the recipe %s has no %q", name, edits[0])
		}
		block = strings.ReplaceAll(block, edits[0], edits[1])
	}
	return "{{site}} {\n" + block + "}"
}

// subscribeByName opens a stream of a site that has a name.
func subscribeByName(t *testing.T, caddyfile, path string, header ...string) *subscription {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	site := "http://site.test:" + port
	runCaddy(t, strings.Replace(caddyfile, "{{site}}", site, 1))
	return subscribeWith(t, roomTransport(t), site+path, header...)
}

var bridgeBlock = regexp.MustCompile(`(?m)^\t*sse_bridge .*\{$`)

// move has the site continue on another node: at another address, and with bridges that know
// nothing.
func (s *site) move(caddyfile string, generation int) {
	s.t.Helper()
	s.addr = freeAddr(s.t)
	s.url = "http://" + s.addr
	s.reload(bridgeBlock.ReplaceAllString(caddyfile, fmt.Sprintf("$0\n\t\tkeepalive %ds", 1000+generation)))
}

// post sends a request to a backend, which must succeed, and returns the answer. Header fields come in pairs.
func post(t *testing.T, method, url, contentType, body string, header ...string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s %v\n%s", method, url, resp.Status, err, text)
	}
	return string(text)
}

// cuts is a client that is cut off at every event, and resumes by its id.
type cuts struct {
	site    *site
	path    string
	name    string           // where the data say which event it is: "event 7"
	publish func(i int)      // event i, from 1 on
	live    func(i int) bool // whether event i comes only when the client is there
	absent  func(i int)      // is called when the client has gone with event i
}

// follow checks that n events come, none lost, none twice, in order.
func (c cuts) follow(t *testing.T, n int) {
	t.Helper()
	published, last := 0, ""
	publish := func(upTo int) {
		for ; published < upTo; published++ {
			c.publish(published + 1)
		}
	}
	for i := 1; i <= n+1; i++ { // one more, in whose place a repeat would come
		switch {
		case c.live(i):
		case i%4 == 1: // several at a time
			publish(i + 2)
		default:
			publish(i)
		}
		if i > 1 {
			c.absent(i - 1)
		}
		var header []string
		if last != "" {
			header = []string{"Last-Event-ID", last}
		}
		stream := subscribe(t, c.site.url+c.path, header...)
		publish(i)
		e := stream.next()
		stream.close()
		if got, want := gjson.Get(e.Data, c.name).Str, fmt.Sprintf("event %d", i); got != want || e.Type != "" {
			t.Fatalf("after the id %q: got %+v, want %s", last, e, want)
		}
		if e.ID == "" || e.ID == last {
			t.Fatalf("event %d has the id %q after %q", i, e.ID, last)
		}
		last = e.ID
	}
}

// cutAtEveryEvent has a client follow 100 events of a backend twice: on one node, whose log it
// often finds itself in, and with each of its streams on a node that knows nothing. source
// returns the path of a new sequence of events, and what publishes them.
func cutAtEveryEvent(t *testing.T, caddyfile, name string, source func(t *testing.T) (path string, publish func(i int))) {
	const events = 100
	t.Run("on one node", func(t *testing.T) {
		path, publish := source(t)
		s := runCaddy(t, caddyfile)
		live := func(i int) bool { return i >= 8 && i/4%2 == 0 }
		cuts{s, path, name, publish, live, func(int) {}}.follow(t, events)
	})
	t.Run("on a new node each time", func(t *testing.T) {
		path, publish := source(t)
		s := runCaddy(t, caddyfile)
		// a new feed lets its first client wait for an answer, so that few events are live
		live := func(i int) bool { return i%40 == 36 }
		cuts{s, path, name, publish, live, func(i int) { s.move(caddyfile, i) }}.follow(t, events)
	})
}

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

// checkDocument has a client come back to a document again and again, sometimes to a node that
// knows nothing. change makes a version of the document, from 2 on, and version says which one an
// event holds.
func checkDocument(t *testing.T, caddyfile, path string, change func(to int), version func(data string) int) {
	t.Helper()
	s := runCaddy(t, caddyfile)
	newcomer := subscribe(t, s.url+path)
	e := newcomer.next()
	if version(e.Data) != 1 || e.ID == "" {
		t.Fatalf("a newcomer got %+v", e)
	}
	newcomer.close()
	newest := 1
	for round := range 9 {
		if round%3 == 2 {
			s.move(caddyfile, round)
		}
		unchanged := subscribe(t, s.url+path, "Last-Event-ID", e.ID)
		change(newest + 1) // while it listens
		newest++
		last := newest - 1
		for last != newest {
			e = unchanged.next()
			if v := version(e.Data); v <= last || v > newest {
				t.Fatalf("round %d: after version %d of %d came %+v", round, last, newest, e)
			}
			last = version(e.Data)
		}
		unchanged.close()
		if round%3 == 1 {
			s.move(caddyfile, 100+round)
		}
		change(newest + 1) // while it is away, and twice
		change(newest + 2)
		newest += 2
		back := subscribe(t, s.url+path, "Last-Event-ID", e.ID)
		for last != newest {
			e = back.next()
			if v := version(e.Data); v <= last || v > newest {
				t.Fatalf("round %d: after version %d of %d came %+v", round, last, newest, e)
			}
			last = version(e.Data)
		}
		back.close()
	}
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
