package servers

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// prosody is a server of XMPP with BOSH at /http-bind. It takes anonymous users of anon.localhost, and has rooms at rooms.localhost.
type prosody struct {
	*testsite.Component
	t      *testing.T
	folder string // its own
	polled atomic.Int64
	front  string // the address that the bridge asks
	user   *boshUser
}

func startProsody(t *testing.T) *prosody {
	t.Helper()
	p := &prosody{t: t, folder: t.TempDir()}
	p.run(testport.Free(t))
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: p.Addr})
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // no answer is none behind it
	p.front = testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		p.polled.Add(1)
		proxy.ServeHTTP(w, r)
	})
	return p
}

// run runs the server, and has a user join the room. The server holds polls for 0.2s.
func (p *prosody) run(addr string) {
	p.t.Helper()
	config := fmt.Sprintf(`run_as_root = true
pidfile = %[1]q
data_path = %[2]q
storage = "memory" -- or the room would still have its occupants after a restart
interfaces = { "127.0.0.1" }
c2s_ports = {}
s2s_ports = {}
http_interfaces = { "127.0.0.1" }
http_ports = { %[3]s }
https_ports = {}
modules_enabled = { "bosh", "saslauth", "disco", "ping" }
modules_disabled = { "s2s", "tls", "s2s_auth_certs" }
c2s_require_encryption = false
consider_bosh_secure = true
bosh_max_wait = 0.2
log = { { levels = { min = "warn" }, to = "console" } }
VirtualHost "anon.localhost"
	authentication = "anonymous"
Component "rooms.localhost" "muc"
	muc_room_locking = false
`, filepath.Join(p.folder, "prosody.pid"), filepath.Join(p.folder, "data"), strings.TrimPrefix(addr, "127.0.0.1:"))
	file := filepath.Join(p.folder, "prosody.cfg.lua")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.Component = testsite.RunComponent(p.t, p.folder, nil, testsite.NeedServer(p.t, "prosody", "prosody"), "-F", "--config", file)
	p.Listens(p.t, addr)
	p.user = newBOSHUser(p.t, addr)
}

func (p *prosody) say(i int) {
	p.t.Helper()
	p.user.send(fmt.Sprintf(`<message xmlns="jabber:client" to="lobby@rooms.localhost" type="groupchat"><body>%d</body></message>`, i))
}

func (p *prosody) sessions() (open, all int) {
	p.t.Helper()
	p.user.sync()
	return p.user.others, p.user.joined
}

func (p *prosody) requests() int { return int(p.polled.Load()) }

func (p *prosody) restart() {
	p.t.Helper()
	addr := p.Addr
	p.Stop()
	p.run(addr)
}

// boshUser is a user in the room, who counts the others.
type boshUser struct {
	t              *testing.T
	url            string
	sid            string
	rid            int
	number         int
	others, joined int
}

var (
	boshSID      = regexp.MustCompile(` sid=['"]([^'"]+)`)
	boshPresence = regexp.MustCompile(`<presence [^>]*>`)
)

func newBOSHUser(t *testing.T, addr string) *boshUser {
	t.Helper()
	u := &boshUser{t: t, url: "http://" + addr + "/http-bind", rid: 1000}
	opened := u.ask(`to="anon.localhost" wait="1" hold="1" ver="1.6" xmlns:xmpp="urn:xmpp:xbosh" xmpp:version="1.0"`, "")
	m := boshSID.FindStringSubmatch(opened)
	if m == nil {
		t.Fatalf("no session was opened: %s", opened)
	}
	u.sid = m[1]
	u.ask("", `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>`)
	u.ask(`to="anon.localhost" xmlns:xmpp="urn:xmpp:xbosh" xmpp:restart="true"`, "")
	u.ask("", `<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	u.send(`<presence xmlns="jabber:client" to="lobby@rooms.localhost/speaker"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
	return u
}

// ask makes the next request of the session, and takes note of who comes and goes.
func (u *boshUser) ask(attributes, stanzas string) string {
	u.t.Helper()
	u.rid++
	sid := ""
	if u.sid != "" {
		sid = fmt.Sprintf(`sid=%q`, u.sid)
	}
	answer := testsite.Post(u.t, http.MethodPost, u.url, "text/xml", fmt.Sprintf(`<body xmlns="http://jabber.org/protocol/httpbind" rid="%d" %s %s>%s</body>`, u.rid, sid, attributes, stanzas))
	for _, tag := range boshPresence.FindAllString(answer, -1) {
		switch {
		case !strings.Contains(tag, "lobby@rooms.localhost/") || strings.Contains(tag, "/speaker"):
		case strings.Contains(tag, "unavailable"):
			u.others--
		default:
			u.others++
			u.joined++
		}
	}
	return answer
}

// send sends a stanza, and waits until the server has handled it.
func (u *boshUser) send(stanza string) {
	u.t.Helper()
	u.number++
	id := fmt.Sprintf("ping-%d-", u.number)
	answer := u.ask("", stanza+fmt.Sprintf(`<iq xmlns="jabber:client" type="get" id=%q to="anon.localhost"><ping xmlns="urn:xmpp:ping"/></iq>`, id))
	for !strings.Contains(answer, id) {
		answer = u.ask("", "")
	}
}

// sync takes note of all that has been.
func (u *boshUser) sync() { u.send("") }

func TestARoomOfAProsodyIsBridged(t *testing.T) {
	server := startProsody(t)
	follows(t, server, testsite.FormatSite("/http-bind "+server.front, "session bosh anon.localhost lobby@rooms.localhost", "interval 50ms", "data body", "replay 1000 100ms"), "/http-bind", "@this")
}
