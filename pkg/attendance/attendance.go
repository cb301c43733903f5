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
	Users    []User // by FirstIn
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
	role        string
	newest      epoch.Instant // when the connection was made that gave the role
	newestID    string
	spans       []span
	connections int
	in, bound   bool
}

// span is a time from one moment up to another.
type span struct{ from, to epoch.Instant }

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

func (r *row) add(c lesson.Conn, s stay) {
	r.spans = append(r.spans, s.span)
	r.connections++
	r.in, r.bound = r.in || s.in, r.bound || s.bound
	if cmp.Or(cmp.Compare(c.CreatedAt, r.newest), cmp.Compare(c.ID, r.newestID)) >= 0 {
		r.role, r.newest, r.newestID = c.Role, c.CreatedAt, c.ID
	}
}

// stay is when a connection was in, as far as that counts.
type stay struct {
	span
	in    bool // it is still
	bound bool // a time of it is not known
}

// stayOf is when the connection was in; false where it never had the right to be, or came
// after the end.
func (b *Book) stayOf(c lesson.Conn) (s stay, counts bool) {
	if hadNoRight(c) {
		// Before it was taken for gone, and came back as a newcomer, it had one.
		return stay{span: span{c.CreatedAt, c.CountedUntil}, bound: true}, c.CountedUntil > c.CreatedAt
	}
	ended := b.lesson.EndedAt
	if ended != 0 && c.CreatedAt >= ended {
		return s, false
	}
	s = stay{span: span{c.CreatedAt, c.LeftAt}, bound: !c.Created || c.LeftLowerBound}
	switch {
	case c.LeftAt != 0:
	case c.State == lesson.HeardAfterLeaving:
		s.to, s.bound = c.ShownAt, true // news that came too late, of somebody the list does not show
	case ended != 0:
		s.to, s.bound = ended, true
	default:
		s.to, s.in, s.bound = b.now, true, s.bound || c.DisconnectRequested()
	}
	s.to = max(s.from, s.to)
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
		Together: l.Together(b.stays, cmp.Or(l.EndedAt, b.now)),
		Users:    make([]User, 0, len(b.rows)),
	}
	keys := make([]who, 0, len(b.rows))
	for key, r := range b.rows {
		slices.SortFunc(r.spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y who) int {
		return cmp.Or(cmp.Compare(b.rows[x].spans[0].from, b.rows[y].spans[0].from), x.compare(y))
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

// user gives the row, whose spans are sorted.
func (r *row) user(key who) User {
	u := User{
		User: key.user, Role: r.role, Observer: key.observer,
		FirstIn: r.spans[0].from, Connections: r.connections, Exact: !r.bound,
	}
	var through epoch.Instant // up to then everything was counted
	for _, s := range r.spans {
		if from := max(s.from, through); s.to > from {
			u.Present += s.to.Sub(from)
		}
		through = max(through, s.to)
	}
	if !r.in {
		u.LastOut = through
	}
	return u
}
