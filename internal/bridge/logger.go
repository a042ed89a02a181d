package bridge

import (
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newestCore writes to the log of the bridge's newest instance. The log of an older one may be closed, because
// a bridge outlives its configurations.
type newestCore struct {
	bridge *Bridge
	fields []zapcore.Field
}

func newLogger(b *Bridge) *zap.Logger { return zap.New(newestCore{bridge: b}) }

// sparing returns a log that writes five lines of a message in ten seconds, and then every hundredth. It is
// for messages with which many clients could flood the log.
func sparing(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, 10*time.Second, 5, 100)
	}))
}

// Enabled implements zapcore.LevelEnabler.
func (c newestCore) Enabled(level zapcore.Level) bool {
	return c.bridge.newestLogger().Core().Enabled(level)
}

// With implements zapcore.Core.
func (c newestCore) With(fields []zapcore.Field) zapcore.Core {
	return newestCore{bridge: c.bridge, fields: append(slices.Clip(c.fields), fields...)}
}

// Check implements zapcore.Core. The cores of the newest log decide and write, each with its own level, names
// and sampling.
func (c newestCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	logger := c.bridge.newestLogger()
	if !logger.Core().Enabled(entry.Level) {
		return checked
	}
	entry.LoggerName = logger.Name()
	return logger.Core().With(c.fields).Check(entry, checked)
}

// Write implements zapcore.Core.
func (c newestCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	return c.bridge.newestLogger().Core().With(c.fields).Write(entry, fields)
}

// Sync implements zapcore.Core.
func (c newestCore) Sync() error { return c.bridge.newestLogger().Core().Sync() }

// Interface guards
var _ zapcore.Core = newestCore{}
