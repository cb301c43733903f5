package lesson

import "usher/pkg/journal"

// Bounds of one lesson's item in bytes, as Size counts them. A store may refuse
// a larger one: DynamoDB takes 400 KB (Amazon's documentation, "Service quotas"),
// the attributes' names included. A lesson that cannot be written cannot end.
const (
	// MaxSize is the bound of every decision: one that goes beyond it is ErrCrowded.
	// The end never does, for Size has kept room for it.
	MaxSize = 256 << 10
	// FullSize is where newcomers find no place any more. The bytes between the two
	// are for lines about connections that are known.
	FullSize = 208 << 10
)

// Bytes of the parts of an item beside their texts: names of attributes, and
// DynamoDB's own count for numbers, flags and maps. Rather too much than too
// little; a test of that store's codec compares.
const (
	sizeOfLesson  = 1000 // all that is there once
	sizeOfEnd     = 300  // the line of the end, while it is to come
	sizeOfRule    = 110
	sizeOfStay    = 70
	sizeOfConn    = 165 // of a connection that is in
	sizeOfTelling = 70  // more when it is told to go, and when it leaves
	sizeOfPlace   = 30
	sizeOfLeaving = 150
	sizeOfListing = 36
	sizeOfStream  = 44
	sizeOfPromise = 120
	sizeOfDigest  = 14
	sizeOfLine    = 100

	sizeOfTell     = 60 // how far the log was told
	sizeOfObserver = 12 // the flag of a connection or promise
	sizeOfAsked    = 36 // of a stream that was asked away
	sizeOfBan      = 45
	sizeOfRoleGate = 30 // a role's place in the gate
	sizeOfOutside  = 12 // a role's count of people outside the item
)

// Size is the bytes of the lesson in its item, estimated from above, with room for
// all that the end adds: a line for the end, and for each connection that is in the
// lines that are still to come.
func (l *Lesson) Size() int {
	n := l.sizeBesides()
	for _, c := range l.Conns {
		n += c.size()
	}
	return n
}

// sizeBesides is the size of all but the connections.
func (l *Lesson) sizeBesides() int {
	n := sizeOfLesson + len(l.Session) + len(l.Room) + len(l.Policy.String()) + l.sizeOfClock()
	if l.Status != journal.Ended {
		n += sizeOfEnd
	}
	if l.Tell != nil {
		n += sizeOfTell
	}
	for _, p := range l.Promises {
		n += p.size()
	}
	for digest := range l.Seen {
		n += sizeOfDigest + len(digest)
	}
	for said := range l.Refusals {
		n += sizeOfDigest + len(said)
	}
	for i := range l.Tail {
		n += sizeOfLineOf(&l.Tail[i])
	}
	return n + l.sizeOfDoors()
}

// sizeOfClock is the bytes of all that the clock rests on beside the connections.
func (l *Lesson) sizeOfClock() (n int) {
	for _, r := range l.Rules {
		n += sizeOfRule
		for role := range r.Roles {
			n += sizeOfOutside + len(role)
		}
	}
	for id, s := range l.Stays {
		n += s.sizeOf(id)
	}
	return n
}

// sizeOf is the bytes of the stay of the connection with that id.
func (s Stay) sizeOf(id string) int { return sizeOfStay + len(id) + len(s.Person) + len(s.Role) }

// sizeOfDoors is the bytes of bans and roles.
func (l *Lesson) sizeOfDoors() (n int) {
	for user, b := range l.BansToKeep {
		n += sizeOfBan + len(user) + len(b.Note) + len(b.Actor)
	}
	for _, role := range l.Policy.CappedRoles() {
		n += sizeOfRoleGate + len(role)
	}
	for role := range l.OutsideByRole {
		n += sizeOfOutside + len(role)
	}
	return n
}

// size is the bytes of the connection, with those of being told to go and of the stay
// that is kept of it when it is over. The user stands in the gate, too.
func (c *Conn) size() int {
	n := sizeOfConn + len(c.ID) + 2*len(c.User) + len(c.Role) + len(c.Promise) + len(c.PlaceID) + sizeOfTelling
	if c.PlaceAt != 0 {
		n += sizeOfPlace
	}
	if c.Destroyed || c.LeftAt|c.DepartureHeardAt|c.DepartureCheckAt|c.RefutedLeftAt|c.CountedUntil != 0 {
		n += sizeOfLeaving
	}
	if c.ListedAt|c.BackAt != 0 {
		n += sizeOfListing
	}
	if c.Observer {
		n += sizeOfObserver
	}
	for id, s := range c.Streams {
		n += sizeOfStream + len(id)
		if s.AskedAt|s.GraceEndsAt != 0 {
			n += sizeOfAsked
		}
	}
	if c.In() {
		n += c.sizeOfLines()
	}
	if c.In() || c.countsForQuorum() {
		n += Stay{Person: c.person(), Role: c.Role}.sizeOf(c.ID)
	}
	return n
}

// sizeOfLines is the bytes of the end's lines about a connection that is in.
func (c *Conn) sizeOfLines() int {
	line := sizeOfLine + longestWords + len(c.ID) + len(c.User) + len(c.Role)
	if c.Unlogged {
		return 2 * line
	}
	return line
}

// longestWords is the bytes of the event, the action and the reason of such a line.
const longestWords = len(journal.ConnectionCreated) + len(journal.DidDisconnect) + len(journal.LessonOver)

func (p *Promise) size() int {
	n := sizeOfPromise + len(p.ID) + 2*len(p.User) + len(p.Role) + len(p.Used)
	if p.Observer {
		n += sizeOfObserver
	}
	return n
}

func sizeOfLineOf(line *journal.Line) int {
	return sizeOfLine + len(line.Event) + len(line.Connection) + len(line.Stream) + len(line.User) + len(line.Role) +
		len(line.Action) + len(line.Reason) + len(line.Actor) + len(line.Note) + len(line.Because)
}

// Size is the bytes that the arrival adds to a lesson's Size.
func (a Arrival) Size() int {
	n := a.Conn.size()
	if !a.Waits() {
		n += sizeOfLineOf(&a.Line)
	}
	return n
}
