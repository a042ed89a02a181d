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
	mu    sync.Mutex
	shape unique.Handle[lineShape] // zero: Caddy has written no line yet, and may never do so
	own   string                   // the values that differ between clients, in the shape's order
	took  time.Duration            // until the handler returned
	extra *lineExtra
}

// lineShape is what the lines of many clients share. Its parts are interned too: where one of them differs for each
// client, the others are still shared.
type lineShape struct {
	entry   unique.Handle[zapcore.Entry] // its time is zero
	request unique.Handle[string]
	header  unique.Handle[string] // of the response
	fields  unique.Handle[string] // where the request, the header and the client's own values belong, and all others
}

// lineExtra is what few lines have while their streams go on.
type lineExtra struct {
	entries []unique.Handle[zapcore.Entry] // for further loggers, to which Caddy gives the same fields
	rest    []zap.Field                    // that are more than a number and a text
	ended   *streamEnd
}

// streamEnd is what a sender says of a stream that has ended.
type streamEnd struct {
	at     time.Time
	newest func() *zap.Logger
	lasted time.Duration // since the handler returned
	sent   int64
	fields []zap.Field
}

// How a field is kept: what follows in the shape; what is next in own.
const (
	fieldRequest  = iota // nothing; the request's own
	fieldHeader          // nothing; the header's own
	fieldDuration        // nothing; nothing
	fieldSize            // nothing; the number of bytes so far
	fieldRest            // nothing; nothing: it is the next of rest
	fieldShared          // the type, the key, the number, the text; nothing
	fieldOwn             // the type, the key; the number, the text
)

// keep keeps a line that Caddy would write.
func (l *accessLine) keep(entry zapcore.Entry, fields []zapcore.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Time = time.Time{}
	kept := unique.Make(entry)
	if l.shape == (unique.Handle[lineShape]{}) {
		l.pack(kept, fields)
	} else {
		more := l.more()
		more.entries = append(more.entries, kept)
	}
	if l.extra != nil && l.extra.ended != nil {
		l.put(kept)
	}
}

// write ends a line, and writes it if the handler has returned. It goes to the logs of the newest configuration.
// Lasted is how long the stream has gone on since then; sent is how many bytes of the body the sender has written
// itself. The fields follow those of the handlers.
func (l *accessLine) write(newest func() *zap.Logger, lasted time.Duration, sent int64, fields ...zap.Field) {
	l.mu.Lock()
	defer l.mu.Unlock()
	more := l.more()
	more.ended = &streamEnd{at: time.Now(), newest: newest, lasted: lasted, sent: sent, fields: fields}
	if l.shape == (unique.Handle[lineShape]{}) {
		more.ended.lasted = 0 // the handler goes on for longer
		return
	}
	l.put(l.shape.Value().entry)
	for _, entry := range more.entries {
		l.put(entry)
	}
}

func (l *accessLine) more() *lineExtra {
	if l.extra == nil {
		l.extra = new(lineExtra)
	}
	return l.extra
}

// put writes the line of a stream that has ended to one logger.
func (l *accessLine) put(kept unique.Handle[zapcore.Entry]) {
	ended := l.extra.ended
	entry := kept.Value()
	entry.Time = ended.at
	checked := ended.newest().Core().Check(entry, nil)
	if checked == nil {
		return
	}
	checked.ErrorOutput = zapcore.Lock(os.Stderr) // as that of Caddy's loggers
	checked.Write(append(l.unpack(), ended.fields...)...)
}

// pack keeps the fields of a line that Caddy would write.
func (l *accessLine) pack(entry unique.Handle[zapcore.Entry], fields []zapcore.Field) {
	var request, header, shared, own packer
	for _, field := range fields {
		switch value := field.Interface.(type) {
		case caddyhttp.LoggableHTTPRequest:
			shared.number(fieldRequest)
			packRequest(value, &request, &own)
			continue
		case caddyhttp.LoggableHTTPHeader:
			if field.Key == "resp_headers" {
				shared.number(fieldHeader)
				packHeader(value, &header, &own)
				continue
			}
		}
		switch {
		case field.Interface != nil:
			shared.number(fieldRest)
			more := l.more()
			more.rest = append(more.rest, field)
		case field.Key == "duration" && field.Type == zapcore.DurationType:
			shared.number(fieldDuration)
			l.took = time.Duration(field.Integer)
		case field.Key == "size" && field.Type == zapcore.Int64Type:
			shared.number(fieldSize)
			own.number(uint64(field.Integer))
		case field.Key == "status", field.Key == "bytes_read", field.Integer == 0 && field.String == "":
			shared.number(fieldShared)
			shared.field(field)
			shared.value(field)
		default:
			shared.number(fieldOwn)
			shared.field(field)
			own.value(field)
		}
	}
	l.own = string(own)
	l.shape = unique.Make(lineShape{
		entry: entry, request: unique.Make(string(request)), header: unique.Make(string(header)), fields: unique.Make(string(shared)),
	})
}

// unpack returns the fields of a stream that has ended.
func (l *accessLine) unpack() (fields []zapcore.Field) {
	shape, rest := l.shape.Value(), l.extra.rest
	shared, own := unpacker{shape.fields.Value()}, unpacker{l.own}
	for shared.rest != "" {
		switch shared.number() {
		case fieldRequest:
			fields = append(fields, zap.Object("request", unpackRequest(shape.request.Value(), &own)))
		case fieldHeader:
			fields = append(fields, zap.Object("resp_headers", unpackHeader(shape.header.Value(), &own)))
		case fieldDuration:
			fields = append(fields, zap.Duration("duration", l.took+l.extra.ended.lasted))
		case fieldSize:
			fields = append(fields, zap.Int64("size", int64(own.number())+l.extra.ended.sent))
		case fieldRest:
			fields = append(fields, rest[0])
			rest = rest[1:]
		case fieldShared:
			fields = append(fields, shared.value(shared.field()))
		case fieldOwn:
			fields = append(fields, own.value(shared.field()))
		}
	}
	return fields
}
