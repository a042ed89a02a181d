package app

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionIsThatOfTheModule(t *testing.T) {
	for _, test := range []struct {
		name string
		info debug.BuildInfo
		want string
	}{
		{"a dependency", debug.BuildInfo{Main: debug.Module{Path: "caddy"}, Deps: []*debug.Module{{Path: "x", Version: "v9.0.0"}, {Path: path, Version: "v1.2.3"}}}, "v1.2.3"},
		{"an engine's", debug.BuildInfo{Deps: []*debug.Module{{Path: path + "/nats", Version: "v9.0.0"}}}, "unknown"},
		{"a fork", debug.BuildInfo{Deps: []*debug.Module{{Path: path, Version: "v1.2.3", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.2.4"}}}}, "v1.2.4"},
		{"a folder", debug.BuildInfo{Deps: []*debug.Module{{Path: path, Version: "v0.0.0", Replace: &debug.Module{Path: "./"}}}}, "(devel)"},
		{"the main module", debug.BuildInfo{Main: debug.Module{Path: path, Version: "(devel)"}}, "(devel)"},
		{"none", debug.BuildInfo{Main: debug.Module{Path: path}}, "unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := versionIn(&test.info); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
