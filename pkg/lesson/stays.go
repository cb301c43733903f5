package lesson

import (
	"cmp"
	"slices"

	"usher/pkg/epoch"
	"usher/pkg/policy"
)

// The clock is a function of stays: who counted for the quorum, from when to when, by
// everything known, in Vonage's times. Late news changes stays, and with them the start
// and the pauses; heard twice, it changes nothing.

// Stays are the times for which the connection counted for the quorum, as the clock has
// it.
func (c Conn) Stays() []Stay { return c.stays() }

// Apart gives the times, from the start on and up to that moment, at which the quorum of
// the rule in force at the start was not complete by those stays. There are none where the
// lesson has not started.
func (l *Lesson) Apart(stays []Stay, to epoch.Instant) (apart []Stay) {
	from := l.StartedAt
	if from == 0 || to <= from {
		return nil
	}
	rule, since := l.Rules.At(from), epoch.Instant(0)
	sweep(stays, []epoch.Instant{from, to}, func(at epoch.Instant, in *attendance) bool {
		complete := in.meets(rule, 0, nil)
		switch {
		case at < from:
		case since != 0 && (complete || at >= to):
			apart, since = append(apart, Stay{From: since, To: min(at, to)}), 0
		case since == 0 && !complete:
			since = at
		}
		return at < to
	})
	return apart
}

// stays gives those of the connection: by what it is now, and by the time before it was
// taken for gone.
func (c Conn) stays() []Stay {
	var stays []Stay
	if c.CountedUntil > c.CreatedAt {
		stays = append(stays, Stay{Person: c.person(), Role: c.Role, From: c.CreatedAt, To: c.CountedUntil})
	}
	if to, open := c.countedTo(); c.countsForQuorum() && (open || to > c.CreatedAt) {
		stays = append(stays, Stay{Person: c.person(), Role: c.Role, From: c.CreatedAt, To: to})
	}
	return stays
}

// countedTo is the first moment at which the connection was not in any more; open
// where it still is. One whose departure is known only from the list was in when it was
// last proven to be; one whose departure bore an impossible time, until that was heard.
func (c Conn) countedTo() (to epoch.Instant, open bool) {
	switch {
	case c.LeftAt == 0:
		return 0, true
	case c.LeftLowerBound && c.Destroyed:
		return c.DepartureHeardAt + 1, false
	case c.LeftLowerBound:
		return c.LeftAt + 1, false
	}
	return c.LeftAt, false
}

// covers reports whether the moment is one of the stay.
func (s Stay) covers(at epoch.Instant) bool { return s.From <= at && (s.To == 0 || at < s.To) }

// allStays are those that the clock rests on.
func (l *Lesson) allStays() []Stay {
	stays := make([]Stay, 0, len(l.Conns)+len(l.Stays))
	for _, c := range l.Conns {
		stays = append(stays, c.stays()...)
	}
	for id, s := range l.Stays {
		if _, here := l.Conns[id]; !here {
			stays = append(stays, s)
		}
	}
	return stays
}

// attendance counts who is in at a moment: distinct users, and those of each role. A user
// in two connections is one.
type attendance struct {
	users  map[string]int // how often each is in
	byRole map[string]map[string]int
}

func newAttendance() *attendance {
	return &attendance{users: map[string]int{}, byRole: map[string]map[string]int{}}
}

// move lets one stay of the person begin (1) or end (-1).
func (a *attendance) move(s Stay, by int) {
	if a.byRole[s.Role] == nil {
		a.byRole[s.Role] = map[string]int{}
	}
	for _, in := range []map[string]int{a.users, a.byRole[s.Role]} {
		if in[s.Person] += by; in[s.Person] == 0 {
			delete(in, s.Person)
		}
	}
}

// meets reports whether those who are in are the rule's quorum, with people who stand
// only in records.
func (a *attendance) meets(r policy.Rule, outside int, outsideByRole map[string]int64) bool {
	ofRole := map[string]int{}
	for role := range r.Roles {
		ofRole[role] = len(a.byRole[role]) + int(outsideByRole[role])
	}
	return r.Met(len(a.users)+outside, ofRole)
}

// metAt reports whether the stays are the rule's quorum at that moment.
func metAt(stays []Stay, r policy.Rule, at epoch.Instant) bool {
	a := newAttendance()
	for _, s := range stays {
		if s.covers(at) {
			a.move(s, 1)
		}
	}
	return a.meets(r, 0, nil)
}

// sweep visits the moments at which somebody came or left, and the marks, in order, each
// with those who are in then, until visit has seen enough.
func sweep(stays []Stay, marks []epoch.Instant, visit func(at epoch.Instant, in *attendance) (goOn bool)) {
	type change struct {
		at   epoch.Instant
		stay Stay
		by   int
	}
	changes := make([]change, 0, 2*len(stays)+len(marks))
	for _, s := range stays {
		changes = append(changes, change{s.From, s, 1})
		if s.To != 0 {
			changes = append(changes, change{s.To, s, -1})
		}
	}
	for _, at := range marks {
		changes = append(changes, change{at: at})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	in := newAttendance()
	for i, c := range changes {
		if c.by != 0 {
			in.move(c.stay, c.by)
		}
		last := i+1 == len(changes) || changes[i+1].at != c.at
		if last && !visit(c.at, in) {
			return
		}
	}
}
