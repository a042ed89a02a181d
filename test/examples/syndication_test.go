package examples

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// writeRSS writes a feed with the newest entries up to an entry, newest first, as a generator of
// static sites does.
func writeRSS(t *testing.T, dir string, upTo, keep int) {
	t.Helper()
	type item struct {
		GUID  string `xml:"guid"`
		Title string `xml:"title"`
	}
	var rss struct {
		XMLName xml.Name `xml:"rss"`
		Version string   `xml:"version,attr"`
		Channel struct {
			Title string `xml:"title"`
			Items []item `xml:"item"`
		} `xml:"channel"`
	}
	rss.Version, rss.Channel.Title = "2.0", "News"
	for i := upTo; i > max(0, upTo-keep); i-- {
		rss.Channel.Items = append(rss.Channel.Items, item{fmt.Sprintf("tag:example.com,%d", i), fmt.Sprintf("event %d", i)})
	}
	text, err := xml.Marshal(rss)
	if err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(dir, "next")
	if err := os.WriteFile(next, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(dir, "feed.xml")); err != nil {
		t.Fatal(err)
	}
}

func rssSite(dir string) string {
	return fmt.Sprintf(`{{site}} {
	sse_bridge /feed.xml {
		interval 20ms
		format feed
		id guid
		order newest_first
		data title
		upstream {
			root %s
			file_server
		}
	}
}`, dir)
}

func TestAnRSSFileIsResumedAtEveryEntry(t *testing.T) {
	dir := t.TempDir()
	writeRSS(t, dir, 1, 20)
	caddyfile := rssSite(dir)
	s := testsite.Run(t, caddyfile)
	stream := testsite.Subscribe(t, s.URL+"/feed.xml")
	last := stream.Want("event 1").ID
	stream.Close()
	for i := 2; i < 40; i += 2 {
		writeRSS(t, dir, i, 20)
		if i%8 == 0 {
			s.Move(caddyfile, i)
		}
		stream := testsite.Subscribe(t, s.URL+"/feed.xml", "Last-Event-ID", last)
		stream.Want(fmt.Sprintf("event %d", i)) // while it was away
		writeRSS(t, dir, i+1, 20)
		last = stream.Want(fmt.Sprintf("event %d", i+1)).ID
		stream.Close()
	}
	if want := "tag:example.com%2C39"; last != want {
		t.Errorf("the last id is %q, want %q", last, want)
	}
}

func TestAnEntryThatHasLeftTheFeedIsAGap(t *testing.T) {
	dir := t.TempDir()
	writeRSS(t, dir, 100, 20)
	stream := testsite.Subscribe(t, testsite.Run(t, rssSite(dir)).URL+"/feed.xml", "Last-Event-ID", "tag:example.com%2C50")
	if got := stream.Next(); got.Type != "bridge.reset" || !strings.Contains(got.Data, "gap") {
		t.Fatalf("got %+v, want a gap to be announced", got)
	}
	stream.Want("event 81", "event 82")
}
