package version

import (
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	stamped := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef"}
	for _, c := range []struct {
		set  string
		info *debug.BuildInfo
		want string
	}{
		{"v1.2.3", stamped("v1.0.0"), "v1.2.3"},
		{"", stamped("v1.0.0", revision), "v1.0.0"},
		{"", stamped("(devel)", revision), "0123456789ab"},
		{"", stamped("", revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "0123456789ab+dirty"},
		{"", stamped("(devel)"), "dev"},
		{"", stamped(""), "dev"},
	} {
		if got := of(c.set, c.info); got != c.want {
			t.Errorf("%q and %v give %q, want %q", c.set, c.info.Main, got, c.want)
		}
	}
}
