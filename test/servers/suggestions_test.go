package servers

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// What a suggested block is expected to be.
const (
	right = "right"                  // each change comes once, and nothing else
	says  = "says that it is unsure" // each change comes, and a comment of the block says why there is more
	wrong = "wrong"
)

// suggestions are backends as somebody meets them who has an URL of one.
var suggestions = []struct {
	name     string
	meet     func(t *testing.T) newcomer
	expected string
	why      string // it is not right
}{
	{"Alertmanager alerts", meetAlerts, right, ""},
	{"Alertmanager silences", meetSilences, right, ""},
	{"aria2 downloads", meetAria2, right, ""},
	{"CouchDB changes as a stream", meetChanges("?feed=continuous&since=0&heartbeat=1000"), right, ""},
	{"CouchDB changes", meetChanges(""), right, ""},
	{"CouchDB documents", meetCouchDocuments, right, ""},
	{"docker-registry catalog", meetCatalog, right, ""},
	{"etcd v2 watch", meetEtcdV2, right, ""},
	{"etcd v3 watch", meetEtcdV3, right, ""},
	{"Express document", meetExpress, right, ""},
	{"Fossil feed", meetFossil, right, ""},
	{"HAProxy servers", meetHAProxy, right, ""},
	{"Icecast status", meetIcecast, right, ""},
	{"InfluxDB query", meetInfluxDB, right, ""},
	{"JetStream figures", meetJetStream, right, ""},
	{"JSON Server posts", meetJSONServer, right, ""},
	{"MailDev mails", meetMailDev, right, ""},
	{"MediaWiki changes", meetMediaWiki, right, ""},
	{"MediaWiki feed", meetMediaWikiFeed, right, ""},
	{"MediaWiki log", meetMediaWikiLog, right, ""},
	{"Mercurial log", meetMercurial, right, ""},
	{"Monit services", meetMonit, right, ""},
	{"NATS connections", meetNATSConnections, right, ""},
	{"nchan channel", meetNchan, right, ""},
	{"Netdata alarm log", meetAlarms, right, ""},
	{"Netdata alarms", meetRaisedAlarms, right, ""},
	{"nginx folder", meetNginxFolder, right, ""},
	{"PHP chat", meetPHPChat, right, ""},
	{"PHP filemtime", meetFilemtime, right, ""},
	{"PowerDNS zones", meetPowerDNS, right, ""},
	{"Prometheus alerts", meetPrometheus, right, ""},
	{"Prometheus query", meetPrometheusQuery, right, ""},
	{"Pushgateway metrics", meetPushgateway, right, ""},
	{"qBittorrent state", meetQBittorrent("/sync/maindata", "torrents.@values"), right, ""},
	{"qBittorrent torrents", meetQBittorrent("/torrents/info", "@this"), right, ""},
	{"RabbitMQ queues", meetRabbitMQ, right, ""},
	{"Redis channel", meetRedisChannel, right, ""},
	{"Redis hash", meetRedisHash, right, ""},
	{"Redis list", meetRedisList, right, ""},
	{"Socket.IO", meetNode("socketio.js", "/socket.io/?EIO=4&transport=polling", "0.text"), right, ""},
	{"SockJS", meetNode("sockjs.js", "/sockjs", "text"), right, ""},
	{"Symfony list", meetSymfony, right, ""},
	{"Syncthing events", meetSyncthing, right, ""},
	{"Syncthing folder", meetSyncthingFolder, right, ""},
	{"Transmission torrents", meetTransmission, right, ""},
}

// TestSuggestionsRunUnedited has `caddy sse-bridge try --suggest` look at real backends, and follows what they do through the blocks
// that it prints.
//
//nolint:tparallel // there is one Caddy in a process, so that tests of sites do not run beside each other
func TestSuggestionsRunUnedited(t *testing.T) {
	site := testsite.Run(t, "{{site}} {\n\trespond 404\n}")
	starts := make(chan struct{}, 4) // some need the whole processor
	all := gathering{blocks: make(map[string]string)}
	var tally struct {
		sync.Mutex
		verdicts map[string][]string
	}
	tally.verdicts = make(map[string][]string)
	t.Cleanup(func() {
		t.Logf("right, unedited: %d of %d. In %d a comment says what is unknown: %q. Wrong: %q", len(tally.verdicts[right]),
			len(tally.verdicts[right])+len(tally.verdicts[says])+len(tally.verdicts[wrong]), len(tally.verdicts[says]), tally.verdicts[says], tally.verdicts[wrong])
	})
	for _, backend := range suggestions {
		t.Run(backend.name, func(t *testing.T) {
			all.expects()
			t.Parallel()
			here := sync.OnceFunc(all.missing)
			defer here()

			starts <- struct{}{}
			leave := sync.OnceFunc(func() { <-starts })
			defer leave()
			n := backend.meet(t)
			leave()
			block, err := n.suggested(t)
			if err == nil {
				err = all.add(backend.name, n.inItsEnvironment(block))
			}
			var problems []string
			if err != nil {
				problems = append(problems, err.Error())
			}
			here()
			urls, err := all.load(t, site)
			if err != nil {
				t.Fatalf("loading all blocks: %v", err)
			}
			if problems == nil {
				problems = n.follow(t, urls[backend.name])
			}
			verdict := right
			switch {
			case len(problems) > 0:
				verdict = wrong
			case unsure.MatchString(block):
				verdict = says
			case len(n.news) > 0:
				verdict, problems = wrong, []string{fmt.Sprintf("while nothing happened came %+v", n.news)}
			}
			tally.Lock()
			tally.verdicts[verdict] = append(tally.verdicts[verdict], backend.name)
			tally.Unlock()
			if verdict != backend.expected {
				t.Errorf("the suggestion for %s is %s, not %s:\n%s\n%s", n.url, verdict, backend.expected, strings.Join(problems, "\n"), block)
			} else {
				t.Logf("%s: %s %q %s\n%s", n.url, verdict, problems, backend.why, block)
			}
		})
	}
}

// suggested has the command print a block.
func (n *newcomer) suggested(t *testing.T) (string, error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"sse-bridge", "try", "--suggest", n.url}
	for pair := range slices.Chunk(n.header, 2) {
		args = append(args, "-H", pair[0]+": "+pair[1])
	}
	stop := n.talk(t)
	defer stop()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = append(os.Environ(), testsite.AsCaddy+"=1")
	var problem strings.Builder
	command.Stderr = &problem
	block, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("the command says %s%s", block, problem.String())
	}
	return string(block), nil
}

// inItsEnvironment has a block find what the command was given in variables of the environment, which those of other backends
// have too.
func (n *newcomer) inItsEnvironment(block string) string {
	for pair := range slices.Chunk(n.header, 2) {
		block = strings.ReplaceAll(block, "{env."+strings.ToUpper(strings.ReplaceAll(pair[0], "-", "_"))+"}", strconv.Quote(pair[1]))
	}
	return block
}

// gathering is the blocks of all backends, which run in one Caddy: it starts when all of them are known.
type gathering struct {
	coming sync.WaitGroup
	mu     sync.Mutex
	blocks map[string]string
	urls   map[string]string // of the sites that have them; nil before they run
	err    error
}

func (g *gathering) expects() { g.coming.Add(1) }

// missing says that one backend less is waited for.
func (g *gathering) missing() { g.coming.Done() }

// add adds a block, if a site can be loaded that has it.
func (g *gathering) add(name, block string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	config, err := testsite.AdaptSite("http://localhost:80 {\n" + block + "}\n")
	if err != nil {
		return fmt.Errorf("reading the block: %w", err)
	}
	var c caddy.Config
	if err := caddy.StrictUnmarshalJSON(config, &c); err != nil {
		return fmt.Errorf("reading the block's JSON: %w", err)
	}
	if err := caddy.Validate(&c); err != nil {
		return fmt.Errorf("checking the block: %w", err)
	}
	g.blocks[name] = block
	return nil
}

// load waits for all blocks, and loads a site for each. It returns their URLs.
func (g *gathering) load(t *testing.T, site *testsite.Site) (urls map[string]string, err error) {
	t.Helper()
	g.coming.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.urls != nil {
		return g.urls, g.err
	}
	g.urls = make(map[string]string)
	var caddyfile strings.Builder
	taken := make(map[string]bool)
	for name, block := range g.blocks {
		url := "http://" + testport.Free(t)
		for taken[url] {
			url = "http://" + testport.Free(t)
		}
		taken[url], g.urls[name] = true, url
		fmt.Fprintf(&caddyfile, "%s {\n%s}\n", url, block)
	}
	g.err = site.Load(caddyfile.String())
	return g.urls, g.err
}
