// Package attendance makes the record of a lesson: who was there, from when to when, and
// for how long all were who had to be. It is what a refund or a complaint rests on, so it
// goes by Vonage's times alone, and says of each row whether they are all known.
//
// It is trusted with the sums. It reads connections as the rules left them and decides
// nothing: who was refused, and who counts for the quorum, is package lesson's.
//
// Begin with Book.
package attendance

import (
	"cmp"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// Record is the attendance of one lesson, as far as it is known at one moment.
type Record struct {
	Room, Session      string
	StartedAt, EndedAt epoch.Instant   // 0 where it has not
	Outcome            journal.Outcome // "" until it has ended
	// Together is for how long, from the start on, the quorum of the rule of the start
	// was complete, up to the end or to now.
	Together time.Duration
	// Pauses are the times from the start on at which the quorum was not complete, where
	// the clock stands still then: the rest of Together.
	Pauses []Span
	Users  []User        // by FirstIn
	At     epoch.Instant // the moment of which it is
}

// Span is a time from one moment up to another.
type Span struct{ From, To epoch.Instant }

// Stay is when one connection was in.
type Stay struct {
	Span
	Connection string
	In         bool // it is still, and To is the record's moment
	Bound      bool // a time of it is not known: it was in at least so long
}

// User is one row: a user, by name whoever issued its token, and apart where it came as
// an observer; or a single connection of somebody unknown.
type User struct {
	User     string // "": unknown
	Role     string // of its newest connection
	Observer bool   // it needed no seat, and is outside Together
	FirstIn  epoch.Instant
	LastOut  epoch.Instant // 0 while it is in
	// Present is how long it was in, connections at the same time counted once.
	Present     time.Duration
	Connections int
	// Exact: Vonage's own webhooks told all its times. Otherwise one of them is a bound,
	// and Present is how long it is proven to have been in: at least so long. The one
	// time taken on trust is that of somebody who was told to go and is not proven
	// gone: it is taken to be in, up to the end of the lesson.
	Exact bool
	Stays []Stay // of its connections, by From
}

// Book takes in the connections of a lesson and adds them up. It keeps of each what a row
// needs, and no connection.
type Book struct {
	lesson lesson.Lesson
	now    epoch.Instant
	rows   map[who]*row
	stays  []lesson.Stay
}

// who tells rows apart.
type who struct {
	user     string
	observer bool
	conn     string // where the user is unknown
}

type row struct {
	role     string
	newest   epoch.Instant // when the connection was made that gave the role
	newestID string
	stays    []Stay
}

// Open begins the record of the lesson as it is now, with the connections that stand in
// it.
func Open(l lesson.Lesson, now epoch.Instant) *Book {
	b := &Book{lesson: l, now: now, rows: map[who]*row{}}
	for _, c := range l.Conns {
		b.add(c)
	}
	return b
}

// Add takes in a record of the lesson. One that stands in the lesson itself is newer
// there.
func (b *Book) Add(r lesson.Record) {
	if _, here := b.lesson.Conns[r.ID]; !here && r.Conn != nil {
		b.add(*r.Conn)
	}
}

func (b *Book) add(c lesson.Conn) {
	b.stays = append(b.stays, c.Stays()...)
	s, counts := b.stayOf(c)
	if !counts {
		return
	}
	key := who{user: c.User, observer: c.Observer}
	if c.User == "" {
		key.conn = c.ID
	}
	r := b.rows[key]
	if r == nil {
		r = &row{}
		b.rows[key] = r
	}
	r.add(c, s)
}

func (r *row) add(c lesson.Conn, s Stay) {
	r.stays = append(r.stays, s)
	if cmp.Or(cmp.Compare(c.CreatedAt, r.newest), cmp.Compare(c.ID, r.newestID)) >= 0 {
		r.role, r.newest, r.newestID = c.Role, c.CreatedAt, c.ID
	}
}

// stayOf is when the connection was in; false where it never had the right to be, or came
// after the end.
func (b *Book) stayOf(c lesson.Conn) (s Stay, counts bool) {
	s.Connection = c.ID
	if hadNoRight(c) {
		// Before it was taken for gone, and came back as a newcomer, it had one.
		s.Span, s.Bound = Span{c.CreatedAt, c.CountedUntil}, true
		return s, c.CountedUntil > c.CreatedAt
	}
	ended := b.lesson.EndedAt
	if ended != 0 && c.CreatedAt >= ended {
		return s, false
	}
	s.Span, s.Bound = Span{c.CreatedAt, c.LeftAt}, !c.Created || c.LeftLowerBound
	switch {
	case c.LeftAt != 0:
	case c.State == lesson.HeardAfterLeaving:
		s.To, s.Bound = c.ShownAt, true // news that came too late, of somebody the list does not show
	case ended != 0:
		s.To, s.Bound = ended, true
	default:
		s.To, s.In, s.Bound = b.now, true, s.Bound || c.DisconnectRequested()
	}
	s.To = max(s.From, s.To)
	return s, true
}

// hadNoRight reports whether the connection was refused, or displaced as one that never
// had the right to be in.
func hadNoRight(c lesson.Conn) bool {
	switch c.State {
	case lesson.Refused:
		return true
	case lesson.Evicted:
		return c.Reason == journal.RoomFull
	case lesson.HeardAfterLeaving:
		return c.Reason != ""
	}
	return false
}

// Close adds everything up.
func (b *Book) Close() Record {
	l := b.lesson
	record := Record{
		Room: l.Room, Session: l.Session, StartedAt: l.StartedAt, EndedAt: l.EndedAt, Outcome: l.Outcome,
		Users: make([]User, 0, len(b.rows)), At: b.now,
	}
	record.Together, record.Pauses = b.together(cmp.Or(l.EndedAt, b.now))
	keys := make([]who, 0, len(b.rows))
	for key, r := range b.rows {
		slices.SortFunc(r.stays, func(a, b Stay) int {
			return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Connection, b.Connection))
		})
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y who) int {
		return cmp.Or(cmp.Compare(b.rows[x].stays[0].From, b.rows[y].stays[0].From), x.compare(y))
	})
	for _, key := range keys {
		record.Users = append(record.Users, b.rows[key].user(key))
	}
	return record
}

func (w who) compare(other who) int {
	observer := map[bool]int{true: 1}
	return cmp.Or(cmp.Compare(w.user, other.user), cmp.Compare(observer[w.observer], observer[other.observer]), cmp.Compare(w.conn, other.conn))
}

// together is for how long the quorum was complete from the start up to that moment, and
// when the clock stood still because it was not.
func (b *Book) together(to epoch.Instant) (together time.Duration, pauses []Span) {
	from := b.lesson.StartedAt
	if from == 0 || to <= from {
		return 0, nil
	}
	together = to.Sub(from)
	for _, apart := range b.lesson.Apart(b.stays, to) {
		together -= apart.To.Sub(apart.From)
		if b.lesson.Rules.At(from).Pauses {
			pauses = append(pauses, Span{apart.From, apart.To})
		}
	}
	return together, pauses
}

// user gives the row, whose stays are sorted.
func (r *row) user(key who) User {
	u := User{
		User: key.user, Role: r.role, Observer: key.observer,
		FirstIn: r.stays[0].From, Connections: len(r.stays), Exact: true, Stays: r.stays,
	}
	var through epoch.Instant // up to then everything was counted
	in := false
	for _, s := range r.stays {
		if from := max(s.From, through); s.To > from {
			u.Present += s.To.Sub(from)
		}
		through = max(through, s.To)
		in, u.Exact = in || s.In, u.Exact && !s.Bound
	}
	if !in {
		u.LastOut = through
	}
	return u
}
