package feed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// version publishes a version of the document. b.mu is held.
func (b *modelUpstream) version(text string) {
	b.versions, b.changed = append(b.versions, text), time.Now().Add(b.clock)
	b.index++
}

// document answers with the newest version. b.mu is held.
func (b *modelUpstream) document(header http.Header) page.Response {
	if len(b.versions) == 0 {
		b.version(`{"n":0}`)
	}
	body, err := json.Marshal(map[string]any{"index": b.index, "is": json.RawMessage(b.versions[len(b.versions)-1])})
	if err != nil {
		panic(err)
	}
	return page.Response{Status: http.StatusOK, Header: header, Body: body}
}

// indexed holds a poll until its index is another one than that of the poll, or above it.
func indexed(b *modelUpstream, ask Ask) (page.Response, bool) {
	asked := -1
	if !ask.From.Cursor.IsZero() {
		asked, _ = strconv.Atoi(ask.From.Cursor[0])
	}
	return b.document(nil), asked < b.index
}

// tagged holds a poll while its validator is that of the document.
func tagged(b *modelUpstream, ask Ask) (page.Response, bool) {
	tag := fmt.Sprintf(`"%d"`, len(b.versions))
	if ask.Validators.ETag == tag {
		return page.Response{Status: http.StatusNotModified}, false
	}
	return b.document(http.Header{"Etag": {tag}}), true
}

// dated has the time of the last change as its validator. It may have been set back since.
func dated(b *modelUpstream, ask Ask) (page.Response, bool) {
	changed := b.changed.UTC().Format(http.TimeFormat)
	if ask.Validators.LastModified == changed {
		return page.Response{Status: http.StatusNotModified}, false
	}
	return b.document(http.Header{"Last-Modified": {changed}}), true
}

func plain(b *modelUpstream, _ Ask) (page.Response, bool) { return b.document(nil), true }

// documents are the kinds of upstreams whose whole answer is one event.
func documents() []kind {
	is := page.Config{Data: path("is")}
	index := page.Config{Data: path("is"), Cursors: []page.Cursor{{Values: []value.Value{path("index")}}}}
	var all []kind
	for _, k := range []kind{
		{name: "a document", config: is, reply: plain, polled: true},
		{name: "a document that comes back to what it was", config: is, reply: plain, polled: true, edits: true},
		{name: "a document with a tag", config: is, reply: tagged, edits: true},
		{name: "a document with a date", config: is, reply: dated, polled: true},
		{name: "a document with an index", config: index, reply: indexed, held: true},
		{name: "a document with an index that falls", config: index, reply: indexed, held: true, restarts: true},
		{name: "a document with an index that falls, polled", config: index, reply: indexed, polled: true, restarts: true},
	} {
		k.document = true
		all = append(all, k)
		k.name, k.diff = k.name+", as patches", page.Diff
		all = append(all, k)
	}
	return all
}

// takeDocument takes an event of a document.
func (c *modelClient) takeDocument(typ, data, id string) {
	b := c.m.modelUpstream
	switch {
	case id == "":
		b.blame("%s got a document without an id: %q", c.name, data)
		return
	case b.kind.diff == nil && typ != "", b.kind.diff != nil && typ != page.Snapshot && typ != page.Patch:
		b.blame("%s got a %q", c.name, typ)
		return
	case typ == page.Patch:
		patch, err := jsonpatch.DecodePatch([]byte(data))
		if err != nil {
			b.blame("%s got %q: %v", c.name, data, err)
			return
		}
		after, err := patch.Apply([]byte(c.document))
		if err != nil {
			b.blame("%s cannot apply %q to %q: %v", c.name, data, c.document, err)
			return
		}
		data = string(after)
	}
	b.mu.Lock()
	var versions []int
	for i, version := range b.versions {
		if jsonpatch.Equal([]byte(version), []byte(data)) && (len(c.versions) == 0 || i > c.versions[0]) {
			versions = append(versions, i)
		}
	}
	b.mu.Unlock()
	switch {
	case c.document != "" && jsonpatch.Equal([]byte(c.document), []byte(data)):
		b.blame("%s got %q again", c.name, data)
	case len(versions) == 0:
		b.blame("%s got %q after %q", c.name, data, c.document)
	}
	c.lastID, c.document, c.versions = id, data, versions
}
