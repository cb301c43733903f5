package api

import (
	"fmt"
	"net/http"
	"strings"

	"usher/pkg/room"
)

// etag names a version of a room, quoted as headers carry it.
func etag(v room.Version) string { return fmt.Sprintf(`"%x-%d"`, int64(v.Created), v.Revision) }

// versionOf is the opposite of etag; false for every other text.
func versionOf(tag string) (v room.Version, ok bool) {
	_, err := fmt.Sscanf(tag, `"%x-%d"`, &v.Created, &v.Revision)
	return v, err == nil && etag(v) == tag
}

// conditions are what If-None-Match and If-Match ask for (RFC 9110, 13.1).
func conditions(h http.Header) ([]room.Condition, error) {
	var all []room.Condition
	switch v := joined(h, "If-None-Match"); v {
	case "":
	case "*":
		all = append(all, room.Absent{})
	default: // only * has a meaning for a write here
		return nil, refuseField("If-None-Match", "If-None-Match can only be *, not %s", clip(v))
	}
	switch v := joined(h, "If-Match"); v {
	case "":
	case "*":
		all = append(all, room.Present{})
	default:
		all = append(all, versionsIn(v))
	}
	return all, nil
}

// joined is a header that may be sent in several lines.
func joined(h http.Header, name string) string { return strings.Join(h.Values(name), ", ") }

// versionsIn are those that a list of tags names. A tag that is not one of ours
// names none.
func versionsIn(list string) room.OneOf {
	var versions room.OneOf
	for tag := range strings.SplitSeq(list, ",") {
		if v, ok := versionOf(strings.TrimSpace(tag)); ok {
			versions = append(versions, v)
		}
	}
	return versions
}
