package servers

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// mediawiki is a wiki of its own, in which everybody may do everything.
type mediawiki struct {
	*testsite.Component
	t *testing.T
}

func startMediaWiki(t *testing.T) mediawiki {
	t.Helper()
	testsite.NeedPHP(t)
	const program = "/usr/share/mediawiki"
	_, err := os.Stat(program)
	testsite.Need(t, "MediaWiki (Debian: mediawiki)", err)
	folder := t.TempDir()
	settings := filepath.Join(folder, "LocalSettings.php")
	env := []string{"MW_CONFIG_FILE=" + settings, "PHP_CLI_SERVER_WORKERS=4"}
	install := exec.Command("php", filepath.Join(program, "maintenance", "install.php"), "--dbtype", "sqlite", "--dbpath", folder,
		"--confpath", folder, "--server", "http://127.0.0.1", "--scriptpath", "", "--pass", "a long password", "Wiki", "Admin")
	install.Env = append(os.Environ(), env...)
	if said, err := install.CombinedOutput(); err != nil {
		t.Fatalf("installing MediaWiki: %v\n%s", err, said)
	}
	file, err := os.OpenFile(settings, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintf(file, `
$wgCacheDirectory = '%s';
$wgRateLimits = [];
$wgJobRunRate = 0;
$wgGroupPermissions['*']['block'] = true;
`, folder); err != nil {
		t.Fatal(err)
	}
	return mediawiki{testsite.StartComponent(t, program, env, "php", "-S", "{{addr}}"), t}
}

// do has the wiki do something. The token is that of everybody without an account.
func (w mediawiki) do(action string, parameters ...string) {
	w.t.Helper()
	form := url.Values{"action": {action}, "format": {"json"}, "token": {`+\`}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	if said := testsite.Post(w.t, http.MethodPost, "http://"+w.Addr+"/api.php", "application/x-www-form-urlencoded", form.Encode()); strings.Contains(said, `"error"`) {
		w.t.Fatalf("%s: %s", action, said)
	}
}

// change edits a page, or logs that an address is blocked, by turns.
func (w mediawiki) change(i int) {
	w.t.Helper()
	comment := fmt.Sprint("event ", i)
	if i%3 == 1 {
		w.do("edit", "title", "Page", "text", comment, "summary", comment)
	} else {
		w.do("block", "user", fmt.Sprint("10.0.0.", i), "reason", comment)
	}
}

func TestChangesOfAMediaWikiAreResumedAtEveryEvent(t *testing.T) {
	w := startMediaWiki(t)
	caddyfile := recipeSite(t, "mediawiki-recent-changes", w.Addr, "interval 5s", "interval 50ms", "/w/", "/", "\tevent type\n", "")
	s := testsite.Run(t, caddyfile)
	live := func(i int) bool { return i == 1 || i%4 == 2 }
	absent := func(i int) {
		if i%3 == 0 {
			s.Move(caddyfile, i)
		}
	}
	change := func(i int) {
		if i == 1 { // a newcomer gets what comes from where the list ended when it came
			testsite.Eventually(t, "the first poll", func() bool { return strings.Contains(w.Output.String(), "rccontinue=") })
		}
		w.change(i)
	}
	testsite.Cuts{Site: s, Path: "/recent-changes", Name: "comment", Publish: change, Live: live, Absent: absent}.Follow(t, 20)
}

// The number of a revision is 0 in all entries of logs, so that several stand in one answer.
func TestChangesOfAMediaWikiWithOneIDAreToldApart(t *testing.T) {
	w := startMediaWiki(t)
	caddyfile := testsite.FormatSite("/api.php "+w.Addr, "interval 50ms", "items query.recentchanges", "id revid", "order newest_first", "ignore !comment")
	s := testsite.Run(t, caddyfile)
	live := func(i int) bool { return i%4 == 2 }
	absent := func(i int) {
		if i%3 == 0 {
			s.Move(caddyfile, i)
		}
	}
	path := "/api.php?action=query&list=recentchanges&rcprop=ids%7Ccomment&rclimit=50&format=json&formatversion=2"
	testsite.Cuts{Site: s, Path: path, Name: "comment", Publish: w.change, Live: live, Absent: absent}.Follow(t, 20)
}

func meetMediaWiki(t *testing.T) newcomer {
	w := startMediaWiki(t)
	return newcomer{
		url:  "http://" + w.Addr + "/api.php?action=query&list=recentchanges&rcprop=ids%7Ctitle%7Ccomment%7Ctimestamp&rclimit=50&format=json&formatversion=2",
		show: at("comment"), say: func(text string) { w.do("edit", "title", "Page", "text", text, "summary", text) },
	}
}

func meetMediaWikiFeed(t *testing.T) newcomer {
	w := startMediaWiki(t)
	return newcomer{
		url: "http://" + w.Addr + "/api.php?action=feedrecentchanges&feedformat=atom", slow: true,
		show: func(data string) string { return strings.Replace(gjson.Get(data, "title").Str, "E", "e", 1) },
		say: func(text string) {
			nextSecond(t) // entries of one second stand in any order
			w.do("edit", "title", text, "text", text, "summary", text)
		},
	}
}

func meetMediaWikiLog(t *testing.T) newcomer {
	w := startMediaWiki(t)
	blocked := 0
	return newcomer{
		url: "http://" + w.Addr + "/api.php?action=query&list=logevents&letype=block&leprop=ids%7Ctitle%7Ccomment%7Ctype&format=json", show: at("comment"),
		say: func(text string) {
			blocked++
			w.do("block", "user", fmt.Sprintf("10.0.%d.%d", blocked/250, blocked%250), "reason", text)
		},
	}
}
