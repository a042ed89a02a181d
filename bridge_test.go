package ssebridge

import (
	"bytes"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestPollsGoToTheNewestConfigurationThatRuns(t *testing.T) {
	b := newTestBridge(t, "")
	first, second, third := new(instance), new(instance), new(instance)
	check := func(step string, want *instance) {
		t.Helper()
		b.mu.Lock()
		defer b.mu.Unlock()
		if got := b.newest(); got != want {
			t.Errorf("%s: got %p of %p, %p, %p", step, got, first, second, third)
		}
	}
	check("none", nil)
	b.add(first)
	check("the only one", first)
	b.started(first)
	b.add(second)
	check("a second is loading", first)
	b.remove(second)
	check("it has failed", first)
	b.add(third)
	b.started(third)
	check("a third has started", third)
	b.stopping(first)
	b.remove(first)
	check("the first has gone", third)
	b.stopping(third)
	check("the last one stops", third)
	b.remove(third)
	check("all have gone", nil)
}

func TestPollsUseTheServerOfTheNewestConfiguration(t *testing.T) {
	b := newTestBridge(t, "")
	app := func() *caddyhttp.App {
		return &caddyhttp.App{Servers: map[string]*caddyhttp.Server{"": {}}} // only provisioning gives names
	}
	first, second, failed := &instance{http: app()}, &instance{http: app()}, &instance{http: app()}
	b.add(first)
	b.started(first)
	b.server.Store(first.http.Servers[""])
	b.add(failed)
	b.server.Store(failed.http.Servers[""]) // it had a client before it failed
	b.remove(failed)
	if b.server.Load() != first.http.Servers[""] {
		t.Error("the server of a configuration that failed is used")
	}
	b.add(second)
	if b.server.Load() != first.http.Servers[""] {
		t.Error("the server of a configuration is used before it has started")
	}
	b.started(second)
	if b.server.Load() != second.http.Servers[""] {
		t.Error("the server of an earlier configuration is used")
	}
	b.started(&instance{}) // within another app
	if b.server.Load() != second.http.Servers[""] {
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
	first := &instance{logger: zap.New(memoryLog(zapcore.DebugLevel, &old))}
	second := &instance{logger: zap.New(zapcore.NewTee(memoryLog(zapcore.WarnLevel, &warnings), memoryLog(zapcore.DebugLevel, &debug))).Named("http.handlers.sse_bridge")}
	b.add(first)
	b.started(first)
	logger.Info("one")
	b.add(second)
	b.started(second)
	b.remove(first)
	logger.Info("two", zap.Int("n", 2))
	logger.Warn("three")
	b.remove(second)
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
