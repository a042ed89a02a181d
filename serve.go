package ssebridge

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

const (
	// firstAnswer is how long a client's headers are held back for the feed's first answer.
	firstAnswer = time.Second
	// busyRetry is how many times longer than usual a client stays away that was turned away.
	busyRetry = 10
)

// serve gives a client its stream, or says why there is none. Errors are for Caddy to answer.
func (b *bridge) serve(w http.ResponseWriter, r *http.Request) error {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	leave, err := b.admit(ip)
	if err != nil {
		return b.turnAway(w, r, err)
	}
	defer leave()
	request, err := newPollRequest(b.plan, r)
	if err != nil {
		return err
	}
	b.hintCopied(r)
	if server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		b.server.Store(server)
	}
	reader, err := b.join(request)
	if err != nil {
		return b.turnAway(w, r, err)
	}
	defer reader.Close()
	switch end := reader.Answered(r.Context(), firstAnswer); {
	case end == nil:
	case end.Refusal != nil:
		b.streams.counts.rejected.add(rejectedRefused)
		return refuse(w, end.Refusal)
	case end.Reason == feed.Ended && !reader.Pending():
		b.streams.counts.rejected.add(rejectedEnded)
		w.WriteHeader(http.StatusNoContent) // by which EventSource stops
		return nil
	}
	b.streams.serve(w, r, reader, b.streams.opened(b.logger, b.name, b.feedID(request.key)))
	return nil
}

// turnAway tells a client to come back later. An error status would close its EventSource for good.
func (b *bridge) turnAway(w http.ResponseWriter, r *http.Request, why error) error {
	reason := string(feed.Stopping)
	if errors.Is(why, errBusy) {
		reason = rejectedLimit
		b.streams.counts.rejected.add(reason)
	}
	noteAccess(r, zap.String("sse_reason", reason))
	if c := b.crowds.Check(zapcore.WarnLevel, "client turned away"); c != nil {
		c.Write(zap.String("bridge", b.name), zap.Error(why))
	}
	streamHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	wait := b.streams.back.usual()
	if errors.Is(why, errBusy) {
		wait *= busyRetry
	}
	notice := sse.AppendEvent(sse.AppendRetry(nil, wait), "bridge.busy", fmt.Appendf(nil, `{"reason":%q}`, reason), "")
	_, _ = w.Write(notice) // a client that did not wait is away as well
	return nil
}

// refuse answers with the upstream's own refusal, so that EventSource stops.
func refuse(w http.ResponseWriter, refusal *page.Refusal) error {
	for _, name := range []string{"Www-Authenticate", "Location"} {
		for _, text := range refusal.Header.Values(name) {
			w.Header().Add(name, text)
		}
	}
	if refusal.Status < http.StatusBadRequest {
		w.WriteHeader(refusal.Status)
		return nil
	}
	return caddyhttp.Error(refusal.Status, fmt.Errorf("opening the stream: %w", refusal))
}
