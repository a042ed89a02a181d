package newestlog_test

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/newestlog"
)

func TestLinesGoToTheNewestLogWithItsLevelAndName(t *testing.T) {
	t.Parallel()
	oldCore, oldLines := observer.New(zapcore.InfoLevel)
	newCore, newLines := observer.New(zapcore.WarnLevel)
	newest := zap.New(oldCore)
	log := newestlog.New(func() *zap.Logger { return newest }).With(zap.Int("node", 1))
	log.Info("before")
	newest = zap.New(newCore).Named("fresh")
	log.Info("too low")
	log.Warn("after", zap.Int("polls", 2))

	if got := oldLines.All(); len(got) != 1 || got[0].Message != "before" || got[0].ContextMap()["node"] != int64(1) {
		t.Errorf("the old log has %+v", got)
	}
	got := newLines.All()
	if len(got) != 1 || got[0].Message != "after" || got[0].LoggerName != "fresh" {
		t.Fatalf("the new log has %+v", got)
	}
	if fields := got[0].ContextMap(); fields["node"] != int64(1) || fields["polls"] != int64(2) {
		t.Errorf("the line has the fields %v", fields)
	}
}
