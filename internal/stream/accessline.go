package stream

import (
	"os"
	"sync"
	"time"
	"unique"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// accessLine is the line of a stream in the access log, from when its handler has returned until its end. The
// handler's side and the sender's may come in any order: the line is written by the later one. It holds no
// reference to the request.
type accessLine struct {
	mu      sync.Mutex
	entries []unique.Handle[zapcore.Entry] // one for each logger, which Caddy gives the same fields
	began   time.Time                      // the request; until keep: no later than now
	size    int64                          // of the body so far
	common  unique.Handle[string]          // of the request
	header  unique.Handle[string]          // of the response
	own     string                         // of the request; then the fields
	ownSize uint32                         // of the request in own
	rest    []zap.Field                    // that are more than a number and a text
	ended   *streamEnd
}

// streamEnd is what a sender says of a stream that has ended.
type streamEnd struct {
	at     time.Time
	newest func() *zap.Logger
	sent   int64
	fields []zap.Field
}

// How a field is kept: what follows in own.
const (
	fieldRequest  = iota // nothing
	fieldHeader          // nothing
	fieldDuration        // nothing
	fieldSize            // nothing
	fieldRest            // nothing: the next of rest
	fieldPlain           // the type, the key, the number, the text
)

// keep keeps a line that Caddy would write.
func (l *accessLine) keep(entry zapcore.Entry, fields []zapcore.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries == nil {
		l.pack(entry.Time, fields)
	}
	entry.Time = time.Time{}
	l.entries = append(l.entries, unique.Make(entry))
	if l.ended != nil {
		l.put(entry)
	}
}

// write ends a line, and writes it if the handler has returned. It goes to the logs of the newest configuration.
// Sent is how many bytes of the body the sender has written itself. The fields follow those of the handlers.
func (l *accessLine) write(newest func() *zap.Logger, sent int64, fields ...zap.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = &streamEnd{at: time.Now(), newest: newest, sent: sent, fields: fields}
	for _, entry := range l.entries {
		l.put(entry.Value())
	}
}

// put writes a line to one logger.
func (l *accessLine) put(entry zapcore.Entry) {
	entry.Time = l.ended.at
	checked := l.ended.newest().Core().Check(entry, nil)
	if checked == nil {
		return
	}
	checked.ErrorOutput = zapcore.Lock(os.Stderr) // as that of Caddy's loggers
	checked.Write(append(l.unpack(), l.ended.fields...)...)
}

// pack keeps the fields of a line that Caddy would write at a time.
func (l *accessLine) pack(at time.Time, fields []zapcore.Field) {
	var request packedRequest
	var kept packer
	for _, field := range fields {
		switch value := field.Interface.(type) {
		case caddyhttp.LoggableHTTPRequest:
			kept.number(fieldRequest)
			request = packRequest(value)
			continue
		case caddyhttp.LoggableHTTPHeader:
			if field.Key == "resp_headers" {
				kept.number(fieldHeader)
				l.header = unique.Make(packHeader(value))
				continue
			}
		}
		switch {
		case field.Interface != nil:
			kept.number(fieldRest)
			l.rest = append(l.rest, field)
		case field.Key == "duration" && field.Type == zapcore.DurationType:
			kept.number(fieldDuration)
			if began := at.Add(-time.Duration(field.Integer)); began.Before(l.began) {
				l.began = began // else Caddy was late to log
			}
		case field.Key == "size" && field.Type == zapcore.Int64Type:
			kept.number(fieldSize)
			l.size = field.Integer
		default:
			kept.number(fieldPlain)
			kept.number(uint64(field.Type))
			kept.text(field.Key)
			kept.number(uint64(field.Integer))
			kept.text(field.String)
		}
	}
	l.common, l.ownSize = unique.Make(request.common), uint32(len(request.own))
	l.own = request.own + string(kept)
}

// unpack returns the fields of a stream that has ended.
func (l *accessLine) unpack() (fields []zapcore.Field) {
	rest := l.rest
	for kept := (unpacker{l.own[l.ownSize:]}); kept.rest != ""; {
		switch kept.number() {
		case fieldRequest:
			packed := packedRequest{l.common.Value(), l.own[:l.ownSize]}
			fields = append(fields, zap.Object("request", packed.unpack()))
		case fieldHeader:
			fields = append(fields, zap.Object("resp_headers", unpackHeader(l.header.Value())))
		case fieldDuration:
			fields = append(fields, zap.Duration("duration", l.ended.at.Sub(l.began)))
		case fieldSize:
			fields = append(fields, zap.Int64("size", l.size+l.ended.sent))
		case fieldRest:
			fields = append(fields, rest[0])
			rest = rest[1:]
		case fieldPlain:
			fields = append(fields, zapcore.Field{
				Type: zapcore.FieldType(kept.number()), Key: kept.text(), Integer: int64(kept.number()), String: kept.text(),
			})
		}
	}
	return fields
}
