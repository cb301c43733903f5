// Package room has the rooms, what is decided about them, and the ports: Store,
// Platform, Timer and Queue, which the adapters implement and the doorkeeper uses.
//
// It is trusted with the rules for requests about a room (Decide, pure like
// lesson.Decide), and with the words of the ports: the promises of an adapter stand
// in ports.go, and the stores' contract is a suite that
// each of them passes.
//
// Begin with ports.go, then decide.go.
package room

import (
	"crypto/sha256"
	"fmt"

	"usher/pkg/epoch"
	"usher/pkg/lesson"
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
	Bans     int64         `json:"bans,omitempty"`    // users that are banned, also those whose ban is over
}

// Over reports whether a room that never had a session was closed, by its owner or
// because its time has come.
func (r Room) Over(now epoch.Instant) bool { return r.Closed != 0 || r.ClosedBy(now) }

// ClosedBy reports whether the time at which the room closes has come.
func (r Room) ClosedBy(now epoch.Instant) bool {
	at := r.Policy.ClosesAt()
	return at != 0 && at <= now
}

// Version names what the room's owner said last: the policy, and which making
// of the room it is for. Only a put changes it; what happens in the room does not.
type Version string

// Version is the room's, as it stands.
func (r Room) Version() Version {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", r.Created, r.Policy))
	return Version(fmt.Sprintf("%x", sum[:12]))
}

// Used reports whether the lesson was one of the room's, and not of a former room that had
// its name.
func (r Room) Used(l lesson.Lesson) bool {
	made := l.RoomCreated == r.Created || l.RoomCreated == 0 && l.Created >= r.Created
	return l.Room == r.Name && made
}

// Next is the room as a Commit of it will be stored.
func (r Room) Next() Room {
	r.Revision++
	return r
}

// Equal reports whether all of both is the same.
func (r Room) Equal(other Room) bool {
	return r.Name == other.Name && r.Revision == other.Revision && r.Created == other.Created &&
		r.Policy.Equal(other.Policy) && r.Session == other.Session && r.Closed == other.Closed && r.Bans == other.Bans
}
