package room

import "fmt"

// Room is a named place with a policy.
type Room struct {
	Name     string `json:"name"`
	Revision int64  `json:"revision"` // one more with every Commit; the ETag
	Created  Time   `json:"created"`
	Policy   Policy `json:"policy"`
	Session  string `json:"session,omitempty"` // the session it uses now; "" before the first join
	Closed   Time   `json:"closed,omitempty"`  // when it was ended before it ever had a session
}

// etag names the room's revision, quoted; a room that is made again under the
// same name has others.
func (r Room) etag() string { return fmt.Sprintf(`"%x-%d"`, int64(r.Created), r.Revision) }

// next is the room as a Commit of it will be stored.
func (r Room) next() Room {
	r.Revision++
	return r
}
