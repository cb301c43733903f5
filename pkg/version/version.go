// Package version says what a binary was built from.
package version

import (
	"cmp"
	"runtime/debug"
)

// set is given by the linker: -ldflags "-X usher/pkg/version.set=v1.2.3".
var set string

// Of is the version of this binary: what the linker was told, else that of the module as
// the build has stamped it, else the revision it was built from, else "dev".
func Of() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return of(set, info)
}

func of(set string, info *debug.BuildInfo) string {
	stamped := info.Main.Version
	if stamped == "(devel)" {
		stamped = ""
	}
	return cmp.Or(set, stamped, revision(info), "dev")
}

// revision is short, and says where the sources were not those of the revision.
func revision(info *debug.BuildInfo) string {
	said := map[string]string{}
	for _, s := range info.Settings {
		said[s.Key] = s.Value
	}
	name := said["vcs.revision"]
	if name == "" {
		return ""
	}
	if name = name[:min(len(name), 12)]; said["vcs.modified"] == "true" {
		name += "+dirty"
	}
	return name
}
