package bridge

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// sparing returns a log that writes five lines of a message in ten seconds, and then every hundredth. It is
// for messages with which many clients could flood the log.
func sparing(logger *zap.Logger) *zap.Logger {
	return logger.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, 10*time.Second, 5, 100)
	}))
}
