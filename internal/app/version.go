package app

import "runtime/debug"

// version is set at release builds with -ldflags "-X github.com/durwardhq/durward/internal/app.version=v1.2.3".
var version = ""

// Version names this build: the release, or the revision that it was built from.
func Version() string {
	if version != "" {
		return version
	}
	if r := revision(); len(r) >= 12 {
		return "devel-" + r[:12]
	}
	return "devel"
}

// revision is the commit that the program was built from, empty where the build did not note it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
