package stream

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// journal counts and logs one stream. It belongs to the stream's handler.
type journal struct {
	*Source
	counts *counters
	since  time.Duration // of the counters' clock
	events int
	bytes  int64
}

// newJournal begins the journal of a stream.
func newJournal(counts *counters, of *Source) journal {
	counts.opened.Add(1)
	if c := of.Logger.Check(zapcore.DebugLevel, "stream opened"); c != nil {
		c.Write(zap.String("bridge", of.Bridge), zap.String("feed", of.Feed))
	}
	return journal{Source: of, counts: counts, since: counts.clock()}
}

// wrote counts a written batch.
func (j *journal) wrote(events, bytes int) {
	j.events += events
	j.bytes += int64(bytes)
	if events > 0 {
		j.counts.deliveries.Add(int64(events))
	}
	j.counts.bytes.Add(int64(bytes))
}

// closed ends the journal. Streams that end normally are logged only for debugging; those that are cut off are
// logged for the operator.
func (j *journal) closed(reason feed.Reason, err error) {
	times := j.counts.ended.add(string(reason))
	level := zapcore.DebugLevel
	if reason == feed.Slow || reason == feed.Refused {
		level = zapcore.InfoLevel
	}
	c := j.Logger.Check(level, "stream ended")
	if c == nil {
		return
	}
	fields := []zap.Field{
		zap.String("bridge", j.Bridge), zap.String("feed", j.Feed), zap.String("reason", string(reason)),
		zap.Int("events", j.events), zap.Int64("bytes", j.bytes), zap.Duration("duration", j.counts.clock()-j.since), zap.Error(err),
	}
	if reason == feed.Slow {
		fields = append(fields, zap.Int64("slow_clients", times))
	}
	c.Write(fields...)
}

// noted returns the stream's fields in the access log.
func (j *journal) noted(reason feed.Reason) []zap.Field {
	return []zap.Field{zap.String("sse_feed", j.Feed), zap.Int("sse_events", j.events), zap.String("sse_reason", string(reason))}
}

// noteAccess adds fields to the request's line in the access log.
func noteAccess(r *http.Request, fields ...zap.Field) {
	extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields)
	if !ok {
		return
	}
	for _, field := range fields {
		extra.Set(field)
	}
}
