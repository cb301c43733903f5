package command

import (
	"os"
	"strings"
	"time"
)

// zone is the IANA name of this machine's time zone: TZ, else where /etc/localtime leads
// (tzset(3), localtime(5)). It is "" where neither names one that is known.
func (p Program) zone() string {
	const local = "/etc/localtime"
	name, set := p.Lookup("TZ")
	switch name = strings.TrimPrefix(name, ":"); {
	case set && name == "":
		name = "UTC"
	case !set || name == local:
		name, _ = os.Readlink(local) // a copy names nothing
	}
	if _, below, found := strings.Cut(name, "zoneinfo/"); found {
		name = below
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return ""
	}
	return name
}
