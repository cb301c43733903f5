package room

import (
	"fmt"

	"usher/pkg/epoch"
	"usher/pkg/policy"
)

// Room is a named place with a policy.
type Room struct {
	Name     string        `json:"name"`
	Revision int64         `json:"revision"` // one more with every Commit; the ETag
	Created  epoch.Instant `json:"created"`
	Policy   policy.Policy `json:"policy"`
	Session  string        `json:"session,omitempty"` // the session it uses now; "" before the first join
	Closed   epoch.Instant `json:"closed,omitempty"`  // when it was ended before it ever had a session
}

// Etag names the room's revision, quoted; a room that is made again under the
// same name has others.
func (r Room) Etag() string { return fmt.Sprintf(`"%x-%d"`, int64(r.Created), r.Revision) }

// Next is the room as a Commit of it will be stored.
func (r Room) Next() Room {
	r.Revision++
	return r
}
