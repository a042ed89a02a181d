package servers

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// transmission is a Transmission that speaks with nobody.
type transmission struct {
	*testsite.Component
	t       *testing.T
	program string
	home    string
	token   string
	added   int
}

func startTransmission(t *testing.T) *transmission {
	t.Helper()
	x := &transmission{t: t, program: testsite.NeedServer(t, "transmission-daemon", "transmission-daemon"), home: t.TempDir()}
	port := func(addr string) int {
		_, text, _ := net.SplitHostPort(addr)
		n, _ := strconv.Atoi(text)
		return n
	}
	addr := testport.Free(t)
	settings, err := json.Marshal(map[string]any{
		"rpc-bind-address": "127.0.0.1", "rpc-port": port(addr),
		"bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1", "peer-port": port(testport.Free(t)),
		"dht-enabled": false, "lpd-enabled": false, "pex-enabled": false, "utp-enabled": false, "port-forwarding-enabled": false,
		"download-dir": filepath.Join(x.home, "downloads"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(x.home, "settings.json"), settings, 0o600); err != nil {
		t.Fatal(err)
	}
	x.start(addr)
	return x
}

func (x *transmission) start(addr string) {
	x.t.Helper()
	x.Component = testsite.RunComponent(x.t, x.home, nil, x.program, "--foreground", "--config-dir", x.home)
	x.Listens(x.t, addr)
}

// add gives it a torrent that it does not start.
func (x *transmission) add(name string) {
	x.t.Helper()
	x.added++
	body := fmt.Sprintf(`{"method":"torrent-add","arguments":{"paused":true,"metainfo":%q}}`, base64.StdEncoding.EncodeToString([]byte(oneByteTorrent(name, x.added))))
	for range 2 { // the first answer of a run is the token
		r, err := http.NewRequestWithContext(x.t.Context(), http.MethodPost, "http://"+x.Addr+"/transmission/rpc", strings.NewReader(body))
		if err != nil {
			x.t.Fatal(err)
		}
		r.Header.Set("X-Transmission-Session-Id", x.token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			x.t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusConflict {
			x.token = resp.Header.Get("X-Transmission-Session-Id")
			continue
		}
		if said, err := io.ReadAll(resp.Body); err != nil || !gjson.GetBytes(said, "arguments.torrent-added").Exists() {
			x.t.Fatalf("adding %s: %s %v\n%s", name, resp.Status, err, said)
		}
		return
	}
	x.t.Fatal("Transmission does not take its own token")
}

// oneByteTorrent is a torrent of a file, which differs from those with other numbers.
func oneByteTorrent(name string, number int) string {
	hash := sha1.Sum([]byte(strconv.Itoa(number)))
	return fmt.Sprintf("d4:infod6:lengthi1e4:name%d:%s12:piece lengthi16384e6:pieces20:%s7:privatei1eee", len(name), name, hash)
}

// transmissionList is a site with the torrents as a list. Each sequence of polls gets a token of its own.
func transmissionList(upstream string) string {
	return testsite.FormatSite("/torrents "+upstream, "interval 50ms", "method POST", "rewrite /transmission/rpc",
		"open {\n method POST\n rewrite /transmission/rpc\n accept 409\n cursor token {sse.header.X-Transmission-Session-Id}\n}",
		"header_up X-Transmission-Session-Id {sse.cursor.token}",
		"body `{\"method\":\"torrent-get\",\"arguments\":{\"fields\":[\"id\",\"name\"]}}`",
		"items arguments.torrents", "id id", "order by_id", "reset {sse.status} 409")
}

func TestTorrentsThatAreAddedToATransmissionAreResumedAtEveryEvent(t *testing.T) {
	x := startTransmission(t)
	testsite.CutAtEveryEvent(t, transmissionList(x.Addr), "name", func(t *testing.T) (string, func(int)) {
		return "/torrents?lastEventId=" + strconv.Itoa(x.added), func(i int) { x.add(fmt.Sprint("event ", i)) }
	})
}

// Its ids are those of a run.
func TestATransmissionThatHasLostItsTorrentsResetsItsClients(t *testing.T) {
	x := startTransmission(t)
	s := testsite.Run(t, transmissionList(x.Addr))
	for i := range 3 {
		x.add(fmt.Sprint("event ", i+1))
	}
	stream := testsite.Subscribe(t, s.URL+"/torrents")
	for range 3 {
		stream.Next()
	}
	x.Stop()
	if err := os.RemoveAll(filepath.Join(x.home, "torrents")); err != nil {
		t.Fatal(err)
	}
	x.start(x.Addr)
	x.add("event 4")
	if e := stream.Next(); e.Type != "bridge.reset" {
		t.Fatalf("got %+v, want a reset", e)
	}
	if e := stream.Next(); e.Data != `{"id":1,"name":"event 4"}` {
		t.Errorf("got %+v", e)
	}
}

func TestTheTorrentsOfATransmissionComeAsTheyChange(t *testing.T) {
	x := startTransmission(t)
	x.add("first")
	add := func(name, want string) setChange { return setChange{func() { x.add(name) }, want} }
	show := func(item gjson.Result) string { return item.Get("name").Str + "=" + item.Get("status").Raw }
	followSet(t, recipeSite(t, "transmission-torrents", x.Addr, "interval 2s", "interval 50ms"), "/torrents", show, "first=0",
		add("second", "first=0 second=0"), add("third", "first=0 second=0 third=0"), add("fourth", "first=0 fourth=0 second=0 third=0"),
		add("fifth", "fifth=0 first=0 fourth=0 second=0 third=0"))
}

func TestATransmissionThatIsRestartedIsAskedWithItsNewToken(t *testing.T) {
	x := startTransmission(t)
	x.add("first")
	stream := testsite.SubscribeByName(t, recipeSite(t, "transmission-torrents", x.Addr, "interval 2s", "interval 50ms", `["id","name","status","percentDone"]`, `["id","name"]`), "/torrents")
	if e := stream.Next(); e.Data != `[{"id":1,"name":"first"}]` {
		t.Fatalf("got %+v", e)
	}
	x.Stop()
	x.start(x.Addr)
	x.add("second")
	// it answers before it has read its own torrents, which get their ids then
	torrents := map[string]string{"1": "first"}
	for both := []string{"first", "second"}; !slices.Equal(slices.Sorted(maps.Values(torrents)), both); {
		e := stream.Next()
		id, name := gjson.Get(e.Data, "id").Raw, gjson.Get(e.Data, "name").Str
		switch e.Type {
		case "added", "changed":
			torrents[id] = name
		case "removed":
			delete(torrents, id)
		default:
			t.Fatalf("got %+v", e)
		}
	}
}

func meetTransmission(t *testing.T) newcomer {
	x := startTransmission(t)
	var all []string
	change := func(i int) {
		name := fmt.Sprintf("event-%03d", i)
		x.add(name)
		all = append(all, name)
	}
	change(0)
	return newcomer{
		url: "http://" + x.Addr + "/transmission/rpc", change: change, want: func(int) string { return strings.Join(all, " ") },
		list: "arguments.torrents", show: at("name"),
	}
}
