package ssebridge

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
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

// ServeHTTP gives clients that ask for an event stream theirs. All others get what the upstream
// answers them, so that legacy clients keep the same URL.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if h.cors.preflight(w, r) {
		return nil
	}
	w.Header().Add("Vary", "Accept")
	if !wantsStream(r) {
		return h.Upstream.Compile(next).ServeHTTP(w, r)
	}
	h.cors.grant(w.Header(), r)
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	case http.MethodHead:
		streamHeader(w.Header())
		w.WriteHeader(http.StatusOK)
		return nil
	default:
		return notAllowed(w, r)
	}
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	leave, err := h.bridge.admit(ip)
	if err != nil {
		return h.turnAway(w, r, err)
	}
	defer leave()
	request, err := newPollRequest(h.bridge.plan, r)
	if err != nil {
		return err
	}
	h.bridge.hintCopied(r)
	if server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		h.bridge.server.Store(server)
	}
	reader, err := h.bridge.join(request)
	if err != nil {
		return h.turnAway(w, r, err)
	}
	defer reader.Close()
	switch end := reader.Answered(r.Context(), firstAnswer); {
	case end == nil:
	case end.Refusal != nil:
		h.bridge.streams.rejected.add(rejectedRefused)
		return refuse(w, end.Refusal)
	case end.Reason == feed.Ended && !reader.Pending():
		h.bridge.streams.rejected.add(rejectedEnded)
		w.WriteHeader(http.StatusNoContent) // by which EventSource stops
		return nil
	}
	return h.stream(w, r, reader, h.opened(h.bridge.feedID(request.key)))
}

// wantsStream reports whether a request asks for an event stream by name: `*/*` does not.
func wantsStream(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for entry := range strings.SplitSeq(line, ",") {
			kind, params, err := mime.ParseMediaType(entry)
			if err != nil || kind != "text/event-stream" {
				continue
			}
			if q, ok := params["q"]; !ok || strings.Trim(q, "0.") != "" {
				return true
			}
		}
	}
	return false
}

// notAllowed answers a method of which there is no stream. Polls would repeat it, and what a client
// means to do once must not be done at each interval (RFC 9110, section 9.2.1).
func notAllowed(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return caddyhttp.Error(http.StatusMethodNotAllowed, fmt.Errorf("opening the stream: there is none of a %s, which polls would repeat", r.Method))
}

func streamHeader(header http.Header) {
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no") // for an nginx in front
}

// stream writes what a reader brings until one of the two ends.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, reader *feed.Reader, j *journal) error {
	disarm(r)
	s := &stream{reader: reader, control: http.NewResponseController(innermost(w))}
	control := http.NewResponseController(w)
	h.bridge.watch.add(s)
	defer h.bridge.watch.remove(s)
	stop := context.AfterFunc(r.Context(), func() { reader.Stop(feed.Gone) })
	defer stop()

	streamHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	// the line is part of the first event, but need not wait for it
	batch := sse.AppendRetry(nil, h.bridge.back.usual())
	var err error
	for {
		if err = s.write(w, batch, control, !reader.Pending()); err != nil {
			break
		}
		j.wrote(reader.Took(), len(batch))
		if batch, err = reader.Next(); err != nil {
			break
		}
	}
	j.closed(r, h.finish(w, control, s, err), err)
	return nil
}

// finish ends a stream, and returns why: what the client can still read tells it when to come back.
func (h *Handler) finish(w http.ResponseWriter, control *http.ResponseController, s *stream, err error) feed.Reason {
	reason := feed.Gone
	if end := (*feed.End)(nil); errors.As(err, &end) {
		reason = end.Reason
	} else if s.hung.Load() {
		reason = feed.Slow
	}
	if wait := h.wait(s, reason); wait > 0 {
		// the client may be gone by now, which is no matter
		_ = s.write(w, append(sse.AppendRetry(nil, wait), '\n'), control, true)
	}
	return reason
}

// wait returns for how long the client of a stream that ended stays away; 0 leaves what it was
// told at the beginning.
func (h *Handler) wait(s *stream, reason feed.Reason) time.Duration {
	switch reason {
	case feed.Stopping:
		return max(time.Duration(s.wait.Load()), time.Millisecond)
	case feed.Refused, feed.Ended: // all of the feed at once
		return h.bridge.back.crowd(h.bridge.watch.count())
	case feed.Lifetime:
		return h.bridge.back.usual()
	}
	return 0
}

// turnAway tells a client to come back later. An error status would close its EventSource for good.
func (h *Handler) turnAway(w http.ResponseWriter, r *http.Request, why error) error {
	reason := string(feed.Stopping)
	if errors.Is(why, errBusy) {
		reason = rejectedLimit
		h.bridge.streams.rejected.add(reason)
	}
	noteAccess(r, zap.String("sse_reason", reason))
	if c := h.bridge.crowds.Check(zapcore.WarnLevel, "client turned away"); c != nil {
		c.Write(zap.String("bridge", h.bridge.name), zap.Error(why))
	}
	streamHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	wait := h.bridge.back.usual()
	if errors.Is(why, errBusy) {
		wait *= busyRetry
	}
	body := sse.AppendEvent(sse.AppendRetry(nil, wait), "bridge.busy", fmt.Appendf(nil, `{"reason":%q}`, reason), "")
	_, _ = w.Write(body) // a client that did not wait is away as well
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
