package suggest

import (
	"net/http"
	"regexp"
	"strings"
)

var (
	engineOpen  = regexp.MustCompile(`^(?:\d+:)?0\{"sid":"`)
	bayeuxPath  = regexp.MustCompile(`/(bayeux|cometd|faye)(/[^/]*)?$`)
	boshPath    = regexp.MustCompile(`/(http-bind|bosh)/?$`)
	signalrPath = regexp.MustCompile(`/negotiate$`)
	sockjsInfo  = regexp.MustCompile(`/info$|/xhr(_streaming|_send)?$`)
)

// sessions are the transports that open a session for each client: a document of each poll would be another session,
// and none of them would get an event.
var sessions = []protocol{
	{
		"Socket.IO (Engine.IO)",
		func(f *findings) bool {
			return f.URL.Query().Has("EIO") || strings.Contains(f.URL.Path, "/socket.io") || engineOpen.Match(f.first.Body)
		},
		func(f *findings, b *Block) {
			b.Path = strings.TrimSuffix(b.Path, "/") + "/"
			f.session(b, "events of the namespace /; for another, `session socketio /news`", "socketio")
			b.fixed(f.URL, "EIO", "transport", "sid", "t")
		},
	},
	{
		"SockJS",
		func(f *findings) bool {
			return f.has("websocket", "origins", "cookie_needed", "entropy") || strings.HasPrefix(string(f.first.Body), "Welcome to SockJS!") || sockjsInfo.MatchString(f.URL.Path) && f.first.Status == http.StatusMethodNotAllowed
		},
		func(f *findings, b *Block) {
			b.Path = strings.TrimSuffix(sockjsInfo.ReplaceAllString(b.Path, ""), "/")
			b.Path = sockjsServer.ReplaceAllString(b.Path, "")
			f.session(b, "its messages", "sockjs")
			b.fixed(f.URL, "t")
		},
	},
	{
		"SignalR",
		func(f *findings) bool {
			return f.has("connectionId", "availableTransports") || strings.HasPrefix(string(f.first.Body), "Connection ID required") || signalrPath.MatchString(f.URL.Path)
		},
		func(f *findings, b *Block) {
			b.Path = signalrPath.ReplaceAllString(b.Path, "")
			f.session(b, "what the hub calls on its clients", "signalr")
			b.fixed(f.URL, "id", "negotiateVersion")
		},
	},
	{
		"Bayeux (CometD, Faye)",
		func(f *findings) bool {
			return f.has("0.channel", "0.successful") || bayeuxPath.MatchString(f.URL.Path) && f.first.Status/100 != 2 && f.first.Status != http.StatusNotFound
		},
		func(f *findings, b *Block) {
			f.session(b, "all channels; name those that matter, as in `session bayeux /chat /news/*`", "bayeux", "/**")
			b.fixed(f.URL)
		},
	},
	{
		"BOSH (XMPP)",
		func(f *findings) bool {
			return f.has("body.-condition") || boshPath.MatchString(f.URL.Path) && (f.first.Status/100 == 2 && !f.found.JSON || f.first.Status/100 == 4 && f.first.Status != http.StatusNotFound)
		},
		func(f *findings, b *Block) {
			f.session(b, "Write the domain of anonymous users and the room here: they cannot be seen from outside, and these two are made up", "bosh", "example.com", "room@conference.example.com")
			b.fixed(f.URL)
		},
	},
	{
		"Phoenix channels",
		func(f *findings) bool { return f.has("status", "token") && strings.HasSuffix(f.URL.Path, "/longpoll") },
		func(f *findings, b *Block) {
			f.session(b, "Write the topic here: it cannot be seen from outside, and this one is made up", "phoenix", "room:lobby")
			b.fixed(f.URL, "vsn", "token")
		},
	},
}

// sockjsServer finds the server and the session in a path of SockJS.
var sockjsServer = regexp.MustCompile(`/\d{3}/[^/]+$`)

// session writes the line of a session transport.
func (f *findings) session(b *Block, why string, words ...string) {
	b.add("each client of it has a session, which the bridge opens, keeps and closes, one for all: docs/sessions.md has the block that this line stands for. "+why, append([]string{"session"}, words...)...)
}
