package bridge

import (
	"bytes"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestPollsGoToTheNewestConfigurationThatRuns(t *testing.T) {
	b := newTestBridge(t, "")
	first, second, third := new(Instance), new(Instance), new(Instance)
	check := func(step string, want *Instance) {
		t.Helper()
		b.mu.Lock()
		defer b.mu.Unlock()
		if got := b.newest(); got != want {
			t.Errorf("%s: got %p of %p, %p, %p", step, got, first, second, third)
		}
	}
	check("none", nil)
	b.Add(first)
	check("the only one", first)
	b.Started(first)
	b.Add(second)
	check("a second is loading", first)
	b.Remove(second)
	check("it has failed", first)
	b.Add(third)
	b.Started(third)
	check("a third has started", third)
	b.Stopping(first)
	b.Remove(first)
	check("the first has gone", third)
	b.Stopping(third)
	check("the last one stops", third)
	b.Remove(third)
	check("all have gone", nil)
}

func TestPollsUseTheServerOfTheNewestConfiguration(t *testing.T) {
	b := newTestBridge(t, "")
	app := func() *caddyhttp.App {
		return &caddyhttp.App{Servers: map[string]*caddyhttp.Server{"": {}}} // only provisioning gives names
	}
	first, second, failed := &Instance{Http: app()}, &Instance{Http: app()}, &Instance{Http: app()}
	b.Add(first)
	b.Started(first)
	b.server.Store(first.Http.Servers[""])
	b.Add(failed)
	b.server.Store(failed.Http.Servers[""]) // it had a client before it failed
	b.Remove(failed)
	if b.server.Load() != first.Http.Servers[""] {
		t.Error("the server of a configuration that failed is used")
	}
	b.Add(second)
	if b.server.Load() != first.Http.Servers[""] {
		t.Error("the server of a configuration is used before it has started")
	}
	b.Started(second)
	if b.server.Load() != second.Http.Servers[""] {
		t.Error("the server of an earlier configuration is used")
	}
	b.Started(&Instance{}) // within another app
	if b.server.Load() != second.Http.Servers[""] {
		t.Error("a handler without a server has taken it")
	}
}

// memoryLog is a log that keeps what reaches it.
func memoryLog(level zapcore.Level, text *bytes.Buffer) zapcore.Core {
	encoder := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "msg", NameKey: "logger", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder})
	return zapcore.NewCore(encoder, zapcore.AddSync(text), level)
}

func TestLogsGoToTheNewestConfiguration(t *testing.T) {
	b := newTestBridge(t, "")
	logger := b.logger.With(zap.String("feed", "f"))
	logger.Error("lost") // nobody is there yet

	var old, warnings, debug bytes.Buffer
	first := &Instance{Logger: zap.New(memoryLog(zapcore.DebugLevel, &old))}
	second := &Instance{Logger: zap.New(zapcore.NewTee(memoryLog(zapcore.WarnLevel, &warnings), memoryLog(zapcore.DebugLevel, &debug))).Named("http.handlers.sse_bridge")}
	b.Add(first)
	b.Started(first)
	logger.Info("one")
	b.Add(second)
	b.Started(second)
	b.Remove(first)
	logger.Info("two", zap.Int("n", 2))
	logger.Warn("three")
	b.Remove(second)
	logger.Error("lost")

	for _, log := range []struct {
		name, got, want string
	}{
		{"the first configuration's", old.String(), "info\tone\t{\"feed\": \"f\"}\n"},
		{"that of warnings", warnings.String(), "warn\thttp.handlers.sse_bridge\tthree\t{\"feed\": \"f\"}\n"},
		{"that of all", debug.String(), "info\thttp.handlers.sse_bridge\ttwo\t{\"feed\": \"f\", \"n\": 2}\nwarn\thttp.handlers.sse_bridge\tthree\t{\"feed\": \"f\"}\n"},
	} {
		if log.got != log.want {
			t.Errorf("the log %s has %q, want %q", log.name, log.got, log.want)
		}
	}
}
