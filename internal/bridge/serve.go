package bridge

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sse-bridge/caddy-sse-bridge/internal/aside"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

const (
	// FirstAnswer is how long the bridge waits for the feed's first answer before it sends a client's headers.
	FirstAnswer = time.Second
	// busyRetry is how many times longer than usual a client that was turned away waits.
	busyRetry = 10
	// notKept is the Cache-Control of answers to clients that get no stream. Caches may keep a 204, a 301, a 404 and a 410 that say
	// nothing (RFC 9110, section 15.1), and it is about one client and this moment.
	notKept = "no-store"
)

// Serve serves a client its stream, or answers why it gets none. Caddy answers the returned errors. A stream whose connection
// is taken over goes on afterwards.
func (b *Bridge) Serve(w http.ResponseWriter, r *http.Request) error {
	opened, err := b.receive(w, r)
	if opened != nil {
		opened.Follow(r)
	}
	return err
}

// receive lets a client in, and opens its stream. It returns none if there is nothing left for the handler to do.
func (b *Bridge) receive(w http.ResponseWriter, r *http.Request) (*stream.Handled, error) {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	visit, err := b.admit(ip)
	if err != nil {
		b.turnAway(w, r, err)
		return nil, nil
	}
	stays := false
	defer func() {
		if !stays {
			visit.Leave()
		}
	}()
	reader, source, err := b.enter(r)
	switch over := (*overLimit)(nil); {
	case errors.As(err, &over), errors.Is(err, errHalted):
		b.turnAway(w, r, err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	visit.reader = reader
	switch end := reader.Answered(r.Context(), FirstAnswer); {
	case end == nil:
	case end.Reason == feed.Busy:
		b.turnAway(w, r, &overLimit{stream.LimitStreams, b.plan.Limits.Streams, "streams of the upstream"})
		return nil, nil
	case end.Refusal != nil:
		b.Streams.Reject(stream.RejectedRefused)
		return nil, refuse(w, end.Refusal)
	case end.Reason == feed.Ended && !reader.Pending() && !(b.plan.Notices.End && reader.Unsaid() != ""):
		b.Streams.Reject(stream.RejectedEnded)
		w.Header().Set("Cache-Control", notKept)
		w.WriteHeader(http.StatusNoContent) // EventSource stops after this status
		return nil, nil
	}
	stays = true
	return b.Streams.Open(w, r, reader, source, visit), nil
}

// enter adds a client to the feed of its request.
func (b *Bridge) enter(r *http.Request) (reader *feed.Reader, source *stream.Source, err error) {
	aside.Run(func() {
		var request *upstream.Request
		if request, err = upstream.NewRequest(b.plan, r); err != nil {
			return
		}
		b.hintCopied(r)
		if server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
			b.server.Store(server)
		}
		reader, source, err = b.join(request)
	})
	return reader, source, err
}

// turnAway tells a client to come back later.
func (b *Bridge) turnAway(w http.ResponseWriter, r *http.Request, why error) {
	reason, times := string(feed.Stopping), 1
	if over := (*overLimit)(nil); errors.As(why, &over) {
		reason, times = stream.RejectedLimit, busyRetry
		b.Streams.RejectOver(over.limit)
	}
	if c := b.crowds.Check(zapcore.WarnLevel, "client turned away"); c != nil {
		c.Write(zap.String("bridge", b.Name), zap.Error(why))
	}
	b.Streams.TurnAway(w, r, upstream.LastEventID(r), reason, times)
}

// refuse answers with the upstream's own refusal, so that EventSource stops.
func refuse(w http.ResponseWriter, refusal *page.Refusal) error {
	for _, name := range []string{"Www-Authenticate", "Location"} {
		for _, text := range refusal.Header.Values(name) {
			w.Header().Add(name, text)
		}
	}
	w.Header().Set("Cache-Control", notKept)
	if refusal.Status < http.StatusBadRequest {
		w.WriteHeader(refusal.Status)
		return nil
	}
	return caddyhttp.Error(refusal.Status, fmt.Errorf("opening the stream: %w", refusal))
}

// errHalted means that the bridge has ended.
var errHalted = errors.New("the bridge has ended")

// admit counts a client, or returns which limit it exceeds.
func (b *Bridge) admit(ip string) (*visit, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	limits := b.plan.Limits
	switch {
	case b.halted:
		return nil, errHalted
	case limits.Clients > 0 && b.clients >= limits.Clients:
		return nil, &overLimit{stream.LimitClients, limits.Clients, "clients"}
	case limits.ClientsPerIP > 0 && b.perIP[ip] >= limits.ClientsPerIP:
		return nil, &overLimit{stream.LimitClientsPerIP, limits.ClientsPerIP, "clients of one address"}
	}
	b.clients++
	b.perIP[ip]++
	return &visit{bridge: b, ip: ip}, nil
}

// join adds a client to the feed of its poll request.
func (b *Bridge) join(p *upstream.Request) (*feed.Reader, *stream.Source, error) {
	poll := b.poller.Poll(p)
	if b.observer != nil {
		b.observer.Begin(p)
	}
	for {
		f, source, err := b.feed(p)
		if err != nil {
			return nil, nil, err
		}
		r := f.Join(p.LastID, feed.Start{Key: p.First.Key(), Poll: poll, Asks: p.Asks})
		switch {
		case r == nil:
		case r.Busy() && b.makeRoom(f):
			r.Close()
			continue
		default:
			return r, source, nil
		}
		b.forget(f) // it closed in between
	}
}

// makeRoom ends a feed without clients other than f, and reports whether there was one.
func (b *Bridge) makeRoom(f *feed.Feed) bool {
	b.mu.Lock()
	idle := b.feeds.dropIdle(f)
	b.mu.Unlock()
	if idle == nil {
		return false
	}
	idle.Halt()
	return true
}

func (b *Bridge) feed(p *upstream.Request) (*feed.Feed, *stream.Source, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.halted {
		return nil, nil, errHalted
	}
	if f, ok := b.feeds.byKey[p.Key]; ok {
		return f, b.feeds.polls[f].source, nil
	}
	if err := b.feeds.room(); err != nil {
		return nil, nil, err
	}
	about, logger := b.about(p), b.LoggerOf(p)
	f := feed.New(&b.config, logger)
	source := &stream.Source{Logger: b.logger, Bridge: b.Name, Feed: about.ID}
	b.feeds.add(f, p, about, logger, source)
	if b.member != nil {
		f.Share(b.peers(f, p.Key))
	}
	return f, source, nil
}

// hintCopied warns, once for each bridge, of header fields of a forward_auth in front that polls do not send.
func (b *Bridge) hintCopied(r *http.Request) {
	if b.copied.Load() != nil {
		return
	}
	names := upstream.CopiedFields(b.plan, r)
	if len(names) == 0 {
		return
	}
	w := Warning{
		ID: Anonymous, Text: "forward_auth in front sets header fields that polls do not send, so polls are anonymous",
		Remedy: "`header_up " + names[0] + " {header." + names[0] + "}` sends the field", Names: names,
	}
	if b.copied.CompareAndSwap(nil, &w) {
		b.logger.Warn(w.Text+": "+w.Remedy, zap.String("bridge", b.Name), zap.Strings("headers", names))
	}
}
