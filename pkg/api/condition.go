package api

import (
	"net/http"
	"strings"

	"usher/pkg/room"
)

// etag names a version of a room, quoted as headers carry it.
func etag(v room.Version) string { return `"` + string(v) + `"` }

// conditions are those of If-None-Match and If-Match (RFC 9110, 13.1). A header
// that is there but empty is refused: it was meant to say something, and to hold
// the request to nothing would be wrong.
func conditions(h http.Header) ([]room.Condition, error) {
	var all []room.Condition
	switch v, there := joined(h, "If-None-Match"); {
	case !there:
	case v == "*":
		all = append(all, room.Absent{})
	default: // only * has a meaning for a write here
		return nil, refuseField("If-None-Match", "If-None-Match can only be *, not %q", clip(v))
	}
	switch v, there := joined(h, "If-Match"); {
	case !there:
	case v == "":
		return nil, refuseField("If-Match", "If-Match must be the ETag of the room, or *; leave it out to ask for nothing")
	case v == "*":
		all = append(all, room.Present{})
	default:
		all = append(all, versionsIn(v))
	}
	return all, nil
}

// joined is a header that may be sent in several lines, and whether it was.
func joined(h http.Header, name string) (value string, there bool) {
	lines := h.Values(name)
	return strings.Join(lines, ", "), len(lines) > 0
}

// versionsIn are the versions that a list of tags names. A text that is no strong
// tag (RFC 9110, 8.8.3) names none.
func versionsIn(list string) room.OneOf {
	var versions room.OneOf
	for tag := range strings.SplitSeq(list, ",") {
		v, opened := strings.CutPrefix(strings.TrimSpace(tag), `"`)
		if v, closed := strings.CutSuffix(v, `"`); opened && closed && v != "" {
			versions = append(versions, room.Version(v))
		}
	}
	return versions
}
