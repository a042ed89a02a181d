package servers

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// startIcecast starts an Icecast with one source, /live, which is returned as well.
func startIcecast(t *testing.T) (*testsite.Component, net.Conn) {
	t.Helper()
	program, addr := testsite.NeedServer(t, "icecast2", "icecast2"), testport.Free(t)
	folder, err := os.MkdirTemp("", "icecast") // which who it becomes can enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	config := fmt.Sprintf(`<icecast>
	<authentication><source-password>secret</source-password><admin-user>admin</admin-user><admin-password>secret</admin-password></authentication>
	<hostname>localhost</hostname>
	<limits><source-timeout>3600</source-timeout></limits>
	<listen-socket><port>%s</port><bind-address>127.0.0.1</bind-address></listen-socket>
	<paths>
		<basedir>/usr/share/icecast2</basedir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
		<logdir>%s</logdir>
	</paths>
	<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
	<security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>
</icecast>
`, strings.TrimPrefix(addr, "127.0.0.1:"), folder)
	for _, err := range []error{
		os.WriteFile(filepath.Join(folder, "icecast.xml"), []byte(config), 0o644),
		os.Chmod(folder, 0o777),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := testsite.RunComponent(t, folder, nil, program, "-c", filepath.Join(folder, "icecast.xml"))
	c.Listens(t, addr)
	tells := func(text string) func() bool {
		return func() bool { // it may be gone again just after it has begun to listen
			resp, err := http.Get("http://" + addr + "/status-json.xsl")
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			status, err := io.ReadAll(resp.Body)
			return err == nil && strings.Contains(string(status), text)
		}
	}
	testsite.Eventually(t, "Icecast to answer", tells("icestats"))
	source, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	if _, err := fmt.Fprint(source, "SOURCE /live HTTP/1.0\r\nAuthorization: Basic c291cmNlOnNlY3JldA==\r\nContent-Type: audio/mpeg\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	testsite.Eventually(t, "Icecast to have the source", tells("/live"))
	return c, source
}

func meetIcecast(t *testing.T) newcomer {
	c, source := startIcecast(t)
	return newcomer{
		url: "http://" + c.Addr + "/status-json.xsl", show: at("icestats.source.title"),
		change: func(i int) {
			testsite.Post(t, http.MethodGet, "http://"+c.Addr+"/admin/metadata?mount=/live&mode=updinfo&song="+url.QueryEscape("Song No. "+strconv.Itoa(i)), "", "",
				"Authorization", "Basic YWRtaW46c2VjcmV0")
			if _, err := source.Write(make([]byte, 4096)); err != nil { // with which it takes the title over
				t.Fatal(err)
			}
		},
		want: func(i int) string { return "Song No. " + strconv.Itoa(i) },
	}
}
