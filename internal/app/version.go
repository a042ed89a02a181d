package app

import "runtime/debug"

// version returns the version of the module that this program was built with; `(devel)` for a working copy, and
// `unknown` if the program does not say.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return versionIn(info)
}

func versionIn(info *debug.BuildInfo) string {
	for _, module := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if module.Path != path {
			continue
		}
		if module.Replace != nil {
			module = module.Replace // by another version, or by a folder, which has none
			if module.Version == "" {
				return "(devel)"
			}
		}
		if module.Version != "" {
			return module.Version
		}
	}
	return "unknown"
}
