package bridge

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestACrowdThatIsTurnedAwayFloodsNoLog(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.WarnLevel)
	log := sparing(zap.New(core))
	for range 1000 {
		log.Warn("client turned away")
	}
	if n := logs.Len(); n < 5 || n > 30 { // a new ten seconds may have begun
		t.Errorf("%d lines of 1,000 clients", n)
	}
}
