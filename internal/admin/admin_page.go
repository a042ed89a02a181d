package admin

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"text/template"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
)

const (
	// shown is how many feeds a snapshot lists by default.
	shown = 100
	// maxShown is the maximum of ?limit= for snapshots.
	maxShown = 1000
	// every is the time between two snapshots for the page.
	every = time.Second
	// pageRetry is how long the page waits before it reconnects. A reload of Caddy takes less.
	pageRetry = time.Second
)

// pageParts are the parts of the status page.
//
//go:embed statuspage
var pageParts embed.FS

var pageTemplate = template.Must(template.ParseFS(pageParts, "statuspage/*"))

// servePage serves the whole page in one answer: a browser may load nothing else from the admin endpoint.
func (a *adminAPI) servePage(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Path != "/sse_bridge/" {
		return apiError(http.StatusNotFound, "nothing is at %s: /sse_bridge/ is the status page, and /sse_bridge/feeds its data", r.URL.Path)
	}
	nonce := rand.Text()
	var page bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&page, "index.html", nonce); err != nil {
		return fmt.Errorf("making the page: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; style-src 'nonce-%[1]s'; script-src 'nonce-%[1]s'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", nonce))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin") // so that the admin endpoint recognizes its own page
	_, err := w.Write(page.Bytes())
	return err
}

// serveEvents sends a snapshot each second. The stream ends with its configuration and with the process, so
// neither waits for a browser.
func (a *adminAPI) serveEvents(w http.ResponseWriter, r *http.Request) error {
	v, err := newView(r.URL.Query(), shown, maxShown)
	if err != nil {
		return apiError(http.StatusBadRequest, "%w", err)
	}
	stream.SetHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil // or the connection's next request would wait for an end that never comes
	}
	defer a.shared.come()()
	control := http.NewResponseController(w)
	batch := sse.AppendRetry(nil, pageRetry)
	ticker := time.NewTicker(every / stream.ExitLooks)
	defer ticker.Stop()
	for n := 0; ; n++ {
		if n%stream.ExitLooks == 0 {
			snapshot, err := json.Marshal(a.shared.get().seen(v))
			if err != nil {
				return fmt.Errorf("writing a snapshot: %w", err)
			}
			batch = sse.AppendEvent(batch, "", snapshot, "")
			_ = control.SetWriteDeadline(time.Now().Add(stream.Hangs)) // a writer without deadlines has no peer that hangs
			if _, err := w.Write(batch); err != nil {
				return nil // the browser is gone
			}
			if err := control.Flush(); err != nil {
				return nil // as above
			}
			batch = batch[:0]
		}
		select {
		case <-ticker.C:
		case <-a.ctx.Done():
			return nil
		case <-r.Context().Done():
			return nil
		}
		if caddy.Exiting() {
			return nil
		}
	}
}
