// Package newestlog is a log for what outlives a configuration of Caddy.
package newestlog

import (
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// New returns a log that writes to the newest one, which it asks for at each line: an older one may be closed.
// newest is called by any goroutine, and must not take a lock under which lines are written.
func New(newest func() *zap.Logger) *zap.Logger { return zap.New(core{newest: newest}) }

// core writes to the newest log.
type core struct {
	newest func() *zap.Logger
	fields []zapcore.Field
}

// Enabled implements zapcore.LevelEnabler.
func (c core) Enabled(level zapcore.Level) bool { return c.newest().Core().Enabled(level) }

// With implements zapcore.Core.
func (c core) With(fields []zapcore.Field) zapcore.Core {
	return core{newest: c.newest, fields: append(slices.Clip(c.fields), fields...)}
}

// Check implements zapcore.Core. The cores of the newest log decide and write, each with its own level, names
// and sampling.
func (c core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	logger := c.newest()
	if !logger.Core().Enabled(entry.Level) {
		return checked
	}
	entry.LoggerName = logger.Name()
	return logger.Core().With(c.fields).Check(entry, checked)
}

// Write implements zapcore.Core.
func (c core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	return c.newest().Core().With(c.fields).Write(entry, fields)
}

// Sync implements zapcore.Core.
func (c core) Sync() error { return c.newest().Core().Sync() }

// Interface guards
var _ zapcore.Core = core{}
