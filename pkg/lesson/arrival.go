package lesson

import (
	"maps"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// maxTail bounds the log lines that an Add may leave in the item; a lesson
// whose tail is that long is trimmed first.
const maxTail = 128

// Gate is all that an Add has to know of a lesson's seats, compiled by the rules
// from the whole of it. A store that cannot run Fits keeps these numbers beside the
// lesson and compares them.
type Gate struct {
	Live         int           // seats in the item, and promises that hold one
	Limit        int           // an Add fits while Live is below it; 0 when every arrival needs a look at the others
	CreatedAfter epoch.Instant // only connections created later than this can be added
	// Roles are those that have a cap of their own.
	Roles map[string]RoleGate
}

// RoleGate is the seats of a role that has a cap of its own: an Add of one of the
// role fits while Live, counted like the Gate's, is below Limit.
type RoleGate struct{ Live, Limit int }

// Gate compiles the lesson's gate.
func (l *Lesson) Gate() Gate {
	g := Gate{Live: l.seatsTaken(), CreatedAfter: l.ShedThrough, Roles: l.roleGates()}
	if l.Status == journal.Ended || l.Due == 0 || l.disputed() {
		return g
	}
	g.Limit = maxConnsInItem + chunkLines
	if limit := l.Policy.MaxSeats(); limit > 0 {
		g.Live, g.Limit = l.takenIn(allSeats), limit
	}
	switch l.Status {
	case journal.Open:
		// One short of the quorum: the connection that completes it starts the clock. By
		// the rule of before, fewer may have been enough.
		g.Limit = min(g.Limit, l.quorum()-1)
		g.CreatedAfter = max(g.CreatedAfter, l.Rules.At(evermore).Since)
		for _, c := range l.Conns {
			g.CreatedAfter = max(g.CreatedAfter, c.LeftAt)
		}
	case journal.Running:
		g.CreatedAfter = max(g.CreatedAfter, l.StartedAt, l.ResumedAt)
	case journal.Paused:
		g.Limit = 0 // whoever comes may make the quorum whole again
	}
	return g
}

// roleGates are those of the roles that have a cap of their own; nil for none.
func (l *Lesson) roleGates() map[string]RoleGate {
	var gates map[string]RoleGate
	for _, role := range l.Policy.CappedRoles() {
		if gates == nil {
			gates = map[string]RoleGate{}
		}
		gates[role] = RoleGate{Live: l.takenIn(share{role: role}), Limit: l.Policy.SeatsOf(role)}
	}
	return gates
}

// Users gives all users known by name that are in or hold a promise.
func (l *Lesson) Users() map[string]bool {
	users := map[string]bool{}
	for _, c := range l.Conns {
		if c.In() && c.User != "" {
			users[c.User] = true
		}
	}
	for _, p := range l.Promises {
		if p.open() {
			users[p.User] = true
		}
	}
	return users
}

// Arrival is one more connection that changes nothing else: no clock, no other
// person's place. It takes a free seat, or joins the people who wait for a reading
// of the list.
type Arrival struct {
	Session       string
	PolicyVersion int64         // the policy that it was decided by
	Conn          Conn          // Seated or Waiting
	Line          journal.Line  // none for a waiting connection: nobody has looked yet
	Due           epoch.Instant // for a waiting connection: the lesson's new Due
	Bans          int64         // the lesson's, when it was decided
	// RoleCapped: its role has a cap of its own.
	RoleCapped bool
	// Alone: nobody known by the same name may be there.
	Alone bool
	// Pinned: nothing may have been shed since the lesson was loaded, when this
	// many records had been.
	Pinned bool
	Shed   int64
}

// Waits reports whether the arrival joins the people who wait.
func (a Arrival) Waits() bool { return a.Conn.State == Waiting }

// Fits reports whether everything that the arrival rests on holds in l.
func (a Arrival) Fits(l Lesson) bool {
	return a.fits(&l) && l.Size()+a.Size() <= FullSize
}

// fits is Fits where there is place for its bytes.
func (a Arrival) fits(l *Lesson) bool {
	_, known := l.Conns[a.Conn.ID]
	return !known &&
		a.PolicyVersion == l.PolicyVersion && a.Bans == l.Bans &&
		len(l.Tail) < maxTail &&
		(a.Waits() && a.mayWait(l) || !a.Waits() && a.maySit(l))
}

func (a Arrival) mayWait(l *Lesson) bool {
	return l.Status != journal.Ended && a.Conn.CreatedAt > l.ShedThrough && l.Due >= a.Due
}

func (a Arrival) maySit(l *Lesson) bool {
	g := l.Gate()
	role := g.Roles[a.Conn.Role]
	return g.Live < g.Limit && (!a.RoleCapped || role.Live < role.Limit) &&
		a.Conn.CreatedAt > g.CreatedAfter &&
		(!a.Alone || !l.Users()[a.Conn.User]) &&
		(!a.Pinned || a.Shed == l.Shed)
}

// Into gives l with the arrival in it. It must fit.
func (a Arrival) Into(l Lesson) Lesson {
	l.Conns = maps.Clone(l.Conns)
	l.Conns[a.Conn.ID] = a.Conn
	if a.Waits() {
		l.Due = a.Due
	} else {
		l.Tail = append(l.Tail[:len(l.Tail):len(l.Tail)], a.Line)
	}
	l.Added++
	return l
}

// MaxTail is the number of log lines at which an Add no longer fits.
const MaxTail = maxTail

// Apply gives l without the entries and lines that s names. Base moves with the
// lines.
func (s Shed) Apply(l Lesson) Lesson {
	l.Conns, l.Promises, l.Seen = maps.Clone(l.Conns), maps.Clone(l.Promises), maps.Clone(l.Seen)
	for _, id := range s.Conns {
		delete(l.Conns, id)
	}
	for _, id := range s.Promises {
		delete(l.Promises, id)
	}
	for _, digest := range s.Seen {
		delete(l.Seen, digest)
	}
	l.Tail = l.Tail[s.Lines:]
	l.Base += int64(s.Lines)
	l.Shed += int64(len(s.Records))
	l.ShedThrough = s.ShedThrough
	l.PresentOutside += s.PresentOutside
	l.ObserversOutside += s.ObserversOutside
	if len(s.OutsideByRole) > 0 {
		l.OutsideByRole = maps.Clone(l.OutsideByRole)
		if l.OutsideByRole == nil {
			l.OutsideByRole = map[string]int64{}
		}
		for role, n := range s.OutsideByRole {
			l.OutsideByRole[role] += n
		}
	}
	l.PromisedThrough = max(l.PromisedThrough, s.PromisedThrough)
	l.Revision++
	return l
}
