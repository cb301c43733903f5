package room

import (
	"usher/pkg/epoch"
	"usher/pkg/policy"
)

// Room is a named place with a policy.
type Room struct {
	Name     string        `json:"name"`
	Revision int64         `json:"revision"` // one more with every Commit
	Created  epoch.Instant `json:"created"`
	Policy   policy.Policy `json:"policy"`
	Session  string        `json:"session,omitempty"` // the session it uses now; "" before the first join
	Closed   epoch.Instant `json:"closed,omitempty"`  // when it was ended before it ever had a session
}

// Version tells one state of a room from all others, also from those of a room
// that is made again under the same name.
type Version struct {
	Created  epoch.Instant
	Revision int64
}

// Version is the room's, as it stands.
func (r Room) Version() Version { return Version{r.Created, r.Revision} }

// Next is the room as a Commit of it will be stored.
func (r Room) Next() Room {
	r.Revision++
	return r
}

// Equal reports whether all of both is the same.
func (r Room) Equal(other Room) bool {
	return r.Name == other.Name && r.Revision == other.Revision && r.Created == other.Created &&
		r.Policy.Equal(other.Policy) && r.Session == other.Session && r.Closed == other.Closed
}
