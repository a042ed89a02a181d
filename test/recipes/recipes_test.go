package recipes

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// The recipes of docs/upstreams.md are files in test/recipes/testdata, in the txtar format. To add a
// backend, write NAME.txtar, run `go test -run 'Upstreams$/NAME' .`, compare what it prints with what
// that backend's clients should get, and let `go test -run DocumentOfUpstreams . -args -update` write
// the document. A file has:
//
//	# Title
//
//	Sentences for the document: what the backend does, what the cursor is, what resets it.
//	-- Caddyfile --
//	Directives of a site, as `caddy fmt` writes them and as the document shows them.
//	-- client --
//	GET /path?query
//	Authorization: Bearer x
//	-- upstream ADDRESS --
//	The exchanges of the backend that the Caddyfile names by this address, such as 127.0.0.1:5984
//	or https://api.example.com. There may be several backends.
//	-- events --
//	What a newcomer gets, in the wire format, without retry and comments. With `id: *` an event has any id:
//	those of a backend without positions are made anew each time.
//	-- reset --
//	What a client gets when the backend has lost its position. With a first line `Last-Event-ID: ID`
//	it comes with that id; without, it is a newcomer that has had all events. There may be several.
//	-- upstream ADDRESS after reset --
//	The exchanges from then on; without this section they stay the same.
//	-- end --
//	The streams end after the events, and who has them all gets 204. The section is empty.
//
// An exchange is a request and an answer:
//
//	> GET /messages?lastId=2
//	> Authorization: Bearer x
//	> !Cookie
//	< hold
//	< 200
//	< Content-Type: application/json
//	[{"id": 3}]
//
// Of the request, method, path and query (in any order) must be equal, the fields must be there, and those
// with a "!" must not. Other lines are its body, which is compared as JSON where it is. A * is any segment
// of the path, any value of a parameter, a field or a body, or any text without quotes in a body of XML. The first exchange that matches answers.
// Several with the same request answer one after the other, and the last of them goes on doing so;
// where a client resumes, the backend is what it is at the end, and only the last counts.
//
// `< hold` holds the poll a little before the answer, or for ever if there is no answer; behind the status
// it holds the end of the body. A body is what follows, each line with its newline; after `< quoted`,
// its lines are Go's strings instead, such as "a\r\n". After `< stream` the answer goes on: each of its lines is sent by
// itself, a little after the one before, and its end never comes; after `< stream end` it does. Retry-After and X-Poll-Interval are sent as 0,
// and each interval is [recipeInterval]. A poll that no exchange matches, and an exchange that no poll asks for, fail the test.

// TestUpstreams runs every recipe: for a newcomer, for a client that comes back at each of its events
// to a bridge that has never seen the feed, without news, and after a reset. All bridges are in one Caddy.
func TestUpstreams(t *testing.T) {
	recipes := Load(t)
	lives := make(map[*Recipe]*lives)
	var rooms []*room
	for _, r := range recipes {
		lives[r] = newLives(t, r)
		rooms = append(rooms, lives[r].all()...)
	}
	loadRooms(t, rooms)
	for _, r := range recipes {
		t.Run(r.Name, func(t *testing.T) { lives[r].run(t) })
	}
}

// lives are the rooms of one recipe.
type lives struct {
	recipe   *Recipe
	newcomer *room
	resumed  []*room // at each event; where the backend forgets, at the newcomer's bridge
	resets   []*room
}

func newLives(t *testing.T, r *Recipe) *lives {
	l := &lives{recipe: r, newcomer: newRoom(t, r, false)}
	for range r.events {
		if r.plan.Forgetful || r.placeless() {
			l.resumed = append(l.resumed, l.newcomer)
		} else {
			l.resumed = append(l.resumed, newRoom(t, r, true))
		}
	}
	for _, c := range r.resets {
		l.resets = append(l.resets, newRoom(t, r, c.lastID != ""))
	}
	return l
}

func (l *lives) all() []*room {
	all := append([]*room{l.newcomer}, l.resets...)
	if !l.recipe.plan.Forgetful && !l.recipe.placeless() {
		all = append(all, l.resumed...)
	}
	return all
}

// loadRooms loads one Caddy with a site for each room.
func loadRooms(t *testing.T, rooms []*room) {
	t.Helper()
	_, port, err := net.SplitHostPort(testport.Free(t))
	if err != nil {
		t.Fatal(err)
	}
	var sites strings.Builder
	for i, room := range rooms {
		room.url = fmt.Sprintf("http://room-%d.test:%s", i, port)
		fmt.Fprintf(&sites, "%s {\n%s}\n", room.url, room.caddyfile())
	}
	adapted, err := testsite.AdaptSite(sites.String())
	if err != nil {
		t.Fatal(err)
	}
	var config any
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	quicken(config)
	if adapted, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatalf("loading the configuration: %v", err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
}

// quicken gives each bridge the interval of the tests.
func quicken(node any) {
	switch node := node.(type) {
	case []any:
		for _, v := range node {
			quicken(v)
		}
	case map[string]any:
		if _, streams := node["stream"]; node["handler"] == config.Directive && !streams {
			node["interval"] = map[string]any{"min": int64(recipeInterval)}
			return
		}
		for _, v := range node {
			quicken(v)
		}
	}
}

func (l *lives) run(t *testing.T) {
	r := l.recipe
	t.Cleanup(func() {
		for _, room := range l.all() {
			close(room.closed)
		}
	})
	first := l.newcomer.open(t, "")
	first.wants("a newcomer", r.events)

	// all at once, so that they are silent at once
	visits := []*visit{first}
	expected := [][]testsite.Received{nil}
	names := []string{"a newcomer"}
	for i, e := range r.events {
		if r.placeless() {
			e.ID = first.ids[i] // of which none is known beforehand
		}
		name := fmt.Sprintf("a client with the id %q, of event %d,", e.ID, i+1)
		if r.ends && i == len(r.events)-1 {
			l.resumed[i].endedFor(t, name, e.ID)
			continue
		}
		names = append(names, name)
		visits = append(visits, l.resumed[i].open(t, e.ID))
		expected = append(expected, r.after(i))
	}
	for i, v := range visits {
		v.wants(names[i], expected[i])
	}
	for i, v := range visits {
		if r.ends {
			v.stream.Ended()
		} else {
			v.silent(names[i])
		}
	}

	for i, c := range r.resets {
		l.reset(t, l.resets[i], c)
	}
	l.unasked(t)
}

// after returns what a client that has event i still gets: of a document, the newest version; of a set, from a bridge
// that has never seen it, the newest one, unless the client has that.
func (r *Recipe) after(i int) []testsite.Received {
	rest := r.events[i+1:]
	if r.plan.Reader.Set() {
		newest := r.events[len(r.events)-1].ID
		if r.events[i].ID == newest {
			return nil
		}
		return []testsite.Received{{Type: "snapshot", ID: newest}}
	}
	if r.plan.Reader.Document() && len(rest) > 0 {
		rest = rest[len(rest)-1:]
	}
	return rest
}

// patches reports whether clients get changes, and the whole only where these would not do.
func (r *Recipe) patches() bool { return r.plan.Diff || r.plan.Reader.Set() }

func (l *lives) reset(t *testing.T, room *room, c resetCase) {
	t.Helper()
	if c.lastID != "" {
		room.loseEverything()
	}
	v := room.open(t, c.lastID)
	if c.lastID == "" {
		v.wants("before the reset, a newcomer", l.recipe.events)
		room.loseEverything()
	}
	v.wants("after the reset, a client", c.events)
	if !l.recipe.ends {
		v.silent("after the reset, a client")
	}
}

// unasked fails the test for exchanges that were of no use.
func (l *lives) unasked(t *testing.T) {
	t.Helper()
	for _, u := range l.recipe.Upstreams {
		for _, e := range append(u.first, u.afterReset...) {
			if !e.asked.Load() {
				t.Errorf("%s: no poll had this answer:\n%s\n%d %v", u.Addr, e.request, e.status, e.text)
			}
		}
	}
}
