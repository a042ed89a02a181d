package servers

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// startQBittorrent starts a qBittorrent that speaks with nobody, and asks nobody of this machine for a password.
func startQBittorrent(t *testing.T) *testsite.Component {
	t.Helper()
	program, folder, addr := testsite.NeedServer(t, "qbittorrent-nox", "qbittorrent-nox"), t.TempDir(), testport.Free(t)
	port := func(addr string) string { return strings.TrimPrefix(addr, "127.0.0.1:") }
	config := fmt.Sprintf(`[LegalNotice]
Accepted=true
[BitTorrent]
Session\DHTEnabled=false
Session\LSDEnabled=false
Session\PeXEnabled=false
Session\Interface=lo
Session\InterfaceName=lo
Session\Port=%s
[Preferences]
WebUI\Address=127.0.0.1
WebUI\Port=%s
WebUI\LocalHostAuth=false
WebUI\UseUPnP=false
`, port(testport.Free(t)), port(addr))
	settings := filepath.Join(folder, "qBittorrent", "config")
	for _, err := range []error{os.MkdirAll(settings, 0o700), os.WriteFile(filepath.Join(settings, "qBittorrent.conf"), []byte(config), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := testsite.RunComponent(t, folder, []string{"HOME=" + folder}, program, "--profile="+folder)
	c.Listens(t, addr)
	return c
}

// The value of a row is the category of a torrent, none of which is begun.
func meetQBittorrent(path, list string) func(t *testing.T) newcomer {
	return func(t *testing.T) newcomer {
		n := meetTorrents(t)
		n.url, n.list = strings.Replace(n.url, "/torrents/info", path, 1), list
		return n
	}
}

func meetTorrents(t *testing.T) newcomer {
	t.Helper()
	c := startQBittorrent(t)
	api := "http://" + c.Addr + "/api/v2/torrents/"
	ask := func(method, form string) {
		testsite.Post(t, http.MethodPost, api+method, "application/x-www-form-urlencoded", form)
	}
	var all []string
	hashes := make(map[string]string)
	add := func(name string) {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		file, _ := w.CreateFormFile("torrents", name+".torrent")
		fmt.Fprint(file, oneByteTorrent(name, len(all)))
		_ = w.WriteField("paused", "true")
		w.Close()
		testsite.Post(t, http.MethodPost, api+"add", w.FormDataContentType(), form.String())
		testsite.Eventually(t, "the torrent "+name, func() bool {
			hashes[name] = gjson.Get(testsite.Fetch(t, api+"info"), fmt.Sprintf("#(name==%q).hash", name)).Str
			return hashes[name] != ""
		})
		all = append(all, name)
	}
	change, want := rows(func(name string, i int) {
		if hashes[name] == "" {
			add(name)
		}
		category := fmt.Sprint("c", i)
		if !slices.Contains(all, category) {
			ask("createCategory", "category="+category)
			all = append(all, category)
		}
		ask("setCategory", "hashes="+hashes[name]+"&category="+category)
	}, func(name string) {
		ask("delete", "deleteFiles=false&hashes="+hashes[name])
		delete(hashes, name)
	})
	category := row("name", "category")
	return newcomer{
		url: api + "info", change: change, want: want, list: "@this",
		show: func(data string) string { return strings.Replace(category(data), "=c", "=", 1) },
	}
}
