package stream

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// This file depends on internals of Caddy's server: on its access logger, and on what that is given.

// accessLoggerField is where a server of Caddy has the logger of its access log.
var accessLoggerField, _ = reflect.TypeFor[caddyhttp.Server]().FieldByName("accessLogger")

// accessLogger returns the logger of a server's access log; nil if it has none, or has it elsewhere.
func accessLogger(server *caddyhttp.Server) *zap.Logger {
	if accessLoggerField.Type != reflect.TypeFor[*zap.Logger]() {
		return nil
	}
	return (*zap.Logger)(reflect.ValueOf(server).Elem().FieldByIndex(accessLoggerField.Index).UnsafePointer())
}

// deferLines prepares a server, which has no requests yet, for streams that go on after their handlers have
// returned. Caddy logs a request when its handler returns, so the line of such a stream is held back until its
// end. All other lines are written as before.
func deferLines(server *caddyhttp.Server) {
	logger := accessLogger(server)
	if logger == nil {
		return
	}
	if _, already := logger.Core().(deferringCore); already {
		return
	}
	*logger = *logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return deferringCore{Core: core} }))
}

// defersAccess reports whether the line of a request in the access log can be held back, or there is none.
func defersAccess(r *http.Request) bool {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server.Logs == nil {
		return true
	}
	logger := accessLogger(server)
	if logger == nil {
		return false
	}
	_, ok = logger.Core().(deferringCore)
	return ok
}

// accessLineVar is the variable of a request whose line is held back. Its value is the *accessLine.
const accessLineVar = "sse_bridge.access_line"

// deferAccess has the line of a request in the access log held back, from when Caddy would write it until the end
// of its stream.
func deferAccess(r *http.Request) *accessLine {
	line := new(accessLine)
	caddyhttp.SetVar(r.Context(), accessLineVar, line)
	return line
}

// deferringCore gives the lines of some requests to their accessLine instead of to the log.
type deferringCore struct {
	zapcore.Core
	with []zapcore.Field // of the line; the request is among them
}

// With implements zapcore.Core.
func (c deferringCore) With(fields []zapcore.Field) zapcore.Core {
	return deferringCore{Core: zapcore.NewLazyWith(c.Core, fields), with: append(slices.Clip(c.with), fields...)}
}

// Check implements zapcore.Core.
func (c deferringCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	for _, field := range c.with {
		r, ok := field.Interface.(caddyhttp.LoggableHTTPRequest)
		if !ok {
			continue
		}
		if line, ok := caddyhttp.GetVar(r.Context(), accessLineVar).(*accessLine); ok && c.Enabled(entry.Level) {
			return checked.AddCore(entry, heldCore{deferringCore: c, line: line})
		}
	}
	return c.Core.Check(entry, checked)
}

// heldCore is where a line that is held back goes.
type heldCore struct {
	deferringCore
	line *accessLine
}

// Write implements zapcore.Core.
func (c heldCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	c.line.keep(entry, append(slices.Clip(c.with), fields...))
	return nil
}

// Interface guards
var (
	_ zapcore.Core = deferringCore{}
	_ zapcore.Core = heldCore{}
)
