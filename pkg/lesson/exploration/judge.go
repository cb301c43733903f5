package exploration

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"time"

	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/policy"
)

// judge holds a decision against what is promised.
func (s *state) judge(before *lesson.Lesson, in lesson.Input, d lesson.Decision) error {
	err := errors.Join(s.judgeCap(before), s.judgeLog(before, d.Lines), s.judgePromises(before), s.judgePauses())
	for i := range s.world.People {
		err = errors.Join(err, s.judgePerson(i, before))
	}
	if _, join := in.(lesson.Join); join && d.Verdict != nil && d.Verdict != lesson.ErrReadFirst { //nolint:errorlint // the rules give it as it is
		err = errors.Join(err, s.judgeTurnedAway())
	}
	if by, read := in.(lesson.Reconcile); read && by.Reading != nil {
		err = errors.Join(err, s.judgeWaiting())
	}
	s.note()
	return errors.Join(err, judgeWrite(*before, d))
}

// judgeWrite: what a write stores that does not look at the others is what was decided.
func judgeWrite(before lesson.Lesson, d lesson.Decision) error {
	stored, fits := d.Lesson, true
	switch d.Write {
	case lesson.Add:
		stored, fits = d.Add.Into(before), d.Add.Fits(before)
	case lesson.Leave:
		stored, fits = d.Leave.Into(before), d.Leave.Fits(before)
	}
	stored.Revision, stored.Added, stored.Tell = d.Lesson.Revision, d.Lesson.Added, d.Lesson.Tell
	if !fits || !reflect.DeepEqual(stored, d.Lesson) {
		return fmt.Errorf("write %d fits: %t, and stores\n%+v\nwhere this was decided:\n%+v", d.Write, fits, stored, d.Lesson)
	}
	return nil
}

// judgeCap: no decision raises the seats above a cap, the room's or a role's.
func (s *state) judgeCap(before *lesson.Lesson) error {
	if limit, was, is := s.lesson.Policy.MaxSeats(), before.Seats()+before.Promised(), s.lesson.Seats()+s.lesson.Promised(); limit > 0 && is > limit && is > was {
		return fmt.Errorf("%d seats of %d are taken", is, limit)
	}
	for _, role := range s.lesson.Policy.CappedRoles() {
		was, is := seatsOf(before, role), seatsOf(&s.lesson, role)
		if limit := s.lesson.Policy.SeatsOf(role); is > limit && is > was {
			return fmt.Errorf("%d seats of %d are taken by role %s", is, limit, role)
		}
	}
	return nil
}

// seatsOf counts the seats of a role.
func seatsOf(l *lesson.Lesson, role string) int {
	n := 0
	for _, c := range l.Conns {
		if c.LeftAt == 0 && c.State == lesson.Seated && c.Role == role && !c.Observer {
			n++
		}
	}
	return n
}

// judgeLog: the log adds up to the state, as it did before.
func (s *state) judgeLog(before *lesson.Lesson, lines int) error {
	var log journal.Story
	if lines == 0 {
		log = before.Logged()
	} else {
		log = journal.Fold(s.lesson.Tail)
	}
	state := s.lesson.Logged()
	same := log.Status == state.Status && log.Outcome == state.Outcome && log.StartedAt == state.StartedAt && log.Deadline == state.Deadline &&
		maps.Equal(log.Seated, state.Seated) && maps.Equal(log.Waiting, state.Waiting) && maps.Equal(log.Streams, state.Streams)
	if !same {
		return fmt.Errorf("the log adds up to %+v, the state is %+v", log, state)
	}
	return nil
}

// judgePromises: no seat that was promised is given away while its owner may come,
// or is in and has not been heard of.
func (s *state) judgePromises(before *lesson.Lesson) error {
	was, is := before.Promises[thePromise], s.lesson.Promises[thePromise]
	void := s.banned && s.world.Bans == is.User || !s.lesson.Policy.Admits(is.User)
	if was.Released || !is.Released || s.lesson.Status == journal.Ended || void {
		return nil
	}
	if lapses := is.Expires.Add(15 * time.Second); s.look.began < lapses {
		return fmt.Errorf("the promise was given away by a reading of %d, before it lapsed at %d", s.look.began-beginning, lapses-beginning)
	}
	for i, p := range s.world.People {
		who := s.people[i]
		if p.Promised && who.in() && who.arrival != heard && s.look.began >= who.came.Add(lag) && s.conn(i).User != s.world.Joins {
			return fmt.Errorf("the promise was given away while its owner %s was in", p.ID)
		}
	}
	return nil
}

// judgePerson holds what a decision says of one person.
func (s *state) judgePerson(i int, before *lesson.Lesson) error {
	id := s.world.People[i].ID
	was, is := before.Conns[id], s.conn(i)
	switch {
	case was.DisconnectRequested() && (is.State != was.State || is.Reason != was.Reason):
		return fmt.Errorf("%s was %s (%s) and is %s", id, was.State, was.Reason, is.State)
	case was.LeftAt == 0 && is.LeftAt != 0 && s.people[i].left == 0:
		return fmt.Errorf("%s was taken for gone, and is in", id)
	case was.LeftAt != 0 && is.LeftAt == 0:
		return fmt.Errorf("%s was gone, and came back", id)
	case is.DisconnectRequested() && !was.DisconnectRequested():
		return s.judgeSentAway(i, before)
	}
	return nil
}

// judgeSentAway: who is told to go has no right to be in.
func (s *state) judgeSentAway(i int, before *lesson.Lesson) error {
	is, ended := s.conn(i), s.lesson.Status == journal.Ended
	id := is.ID
	switch is.Reason {
	case journal.LessonOver:
		if !ended {
			return fmt.Errorf("%s was told that the lesson is over, and it is not", id)
		}
	case journal.NoTicket:
		if s.world.People[i].Promised && s.people[i].arrival == heard || s.lesson.Policy.Foreign(s.world.Own) == policy.Accept {
			return fmt.Errorf("%s was told that it has no ticket, and needs none", id)
		}
	case journal.NotAllowed:
		if s.lesson.Policy.Admits(is.User) {
			return fmt.Errorf("%s was told that it is not on the list, and %q is", id, is.User)
		}
	case journal.Removed:
		if !s.banned || is.User != s.world.Bans {
			return fmt.Errorf("%s was told that it was removed, and %q was not", id, is.User)
		}
	case journal.DuplicateUser:
		return s.judgeDuplicate(i)
	case journal.RoomFull:
		return s.judgeFull(i, before)
	default:
		return fmt.Errorf("%s was told to go for %q", id, is.Reason)
	}
	return nil
}

// judgeDuplicate: another connection of the user stays: the newer one, or where
// that is refused, the older one or one that came by a promise.
func (s *state) judgeDuplicate(i int) error {
	x := s.conn(i)
	for j := range s.world.People {
		o := s.conn(j)
		if j == i || o.User != x.User || !o.In() {
			continue
		}
		newer := s.cameBefore(i, j)
		if replaces := s.lesson.Policy.Duplicates() == policy.ReplaceOlder; newer == replaces || !replaces && o.Reserved {
			return nil
		}
	}
	return fmt.Errorf("%s was told that its user is in, and no other connection of that has the right", x.ID)
}

// judgeFull: nobody is told that the room is full unless it is full of people
// who came earlier, were in when this one came and were not told to go, and of
// promises; or it has waited for a minute in a full room. One decision may decide
// several people: the room was full before it, or is after it.
func (s *state) judgeFull(i int, before *lesson.Lesson) error {
	was := before.Conns[s.world.People[i].ID]
	if was.State == lesson.Seated && (was.Reserved || was.Confirmed) {
		return fmt.Errorf("%s was displaced from a seat that is its own", was.ID)
	}
	waited := s.people[i].waits != 0 && s.now >= s.people[i].waits.Add(time.Minute)
	var wrong error
	for _, under := range s.caps(i) {
		rights := max(s.rights(&s.lesson, under, i), s.rights(before, under, i))
		if rights >= under.seats || waited && s.taken(under, i) >= under.seats {
			return nil
		}
		wrong = errors.Join(wrong, fmt.Errorf("%s was told that the room is full, with %d better rights to %d seats", was.ID, rights, under.seats))
	}
	return cmp.Or(wrong, fmt.Errorf("%s was told that the room is full, which has no cap", s.world.People[i].ID))
}

// seatCap is how many seats there are, of a role or of all.
type seatCap struct {
	seats int
	role  string
	any   bool
}

func (c seatCap) of(role string) bool { return c.any || c.role == role }

// caps are those that hold for a person.
func (s *state) caps(i int) (caps []seatCap) {
	p, role := s.lesson.Policy, s.conn(i).Role
	if n := p.MaxSeats(); n > 0 {
		caps = append(caps, seatCap{n, "", true})
	}
	if n := p.SeatsOf(role); n > 0 {
		caps = append(caps, seatCap{n, role, false})
	}
	return caps
}

// rights counts the seats under a cap, as they were or are, of people who have a
// better right than x, and what was promised before.
func (s *state) rights(l *lesson.Lesson, under seatCap, x int) int {
	n := 0
	for i, p := range s.world.People {
		c := l.Conns[p.ID]
		if i == x || !sits(c) || !under.of(c.Role) || s.conn(i).Reason == journal.RoomFull {
			continue
		}
		if s.isPromised(c) && s.promisedBefore(x) || s.look.shown[i] && s.cameBeforeBySeat(i, x) {
			n++
		}
	}
	if s.promisedBefore(x) && under.of(s.world.JoinsAs) {
		n += l.Promised()
	}
	return n
}

// taken counts the seats under a cap of people besides x, and those promised.
func (s *state) taken(under seatCap, x int) int {
	n := 0
	for i := range s.world.People {
		if c := s.conn(i); i != x && sits(c) && under.of(c.Role) && s.look.shown[i] {
			n++
		}
	}
	if under.of(s.world.JoinsAs) {
		n += s.lesson.Promised()
	}
	return n
}

// sits reports whether the connection has a seat.
func sits(c lesson.Conn) bool { return c.LeftAt == 0 && c.State == lesson.Seated && !c.Observer }

// cameBeforeBySeat reports whether the person came before x, or has the seat of a
// connection of its user that did, and was in when x came.
func (s *state) cameBeforeBySeat(i, x int) bool {
	for o, p := range s.people[:len(s.world.People)] {
		replaced := s.conn(o).Reason == journal.DuplicateUser && s.conn(o).User == s.conn(i).User
		if (o == i || replaced) && s.cameBefore(o, x) && (p.left == 0 || p.left > s.people[x].came) {
			return true
		}
	}
	return false
}

// judgeWaiting: whom a reading proves to be one too many is not left undecided.
func (s *state) judgeWaiting() (wrong error) {
	for x, p := range s.people[:len(s.world.People)] {
		c := s.conn(x)
		if c.State != lesson.Waiting || c.LeftAt != 0 || p.arrival != heard || p.heard > s.look.began || s.isAnybodyUnheard() {
			continue
		}
		for _, under := range s.caps(x) {
			if n := s.proven(under, x); n >= under.seats {
				wrong = errors.Join(wrong, fmt.Errorf("%s waits, with %d better rights to %d seats that are proven", c.ID, n, under.seats))
			}
		}
	}
	return wrong
}

// proven counts the seats of people who came before x, as webhooks and the reading
// prove.
func (s *state) proven(under seatCap, x int) int {
	n := 0
	for i := range s.world.People {
		if c := s.conn(i); i != x && sits(c) && under.of(c.Role) && s.look.shown[i] && s.cameBeforeBySeat(i, x) && !s.restsOnUnheard(i, x) {
			n++
		}
	}
	return n
}

// restsOnUnheard reports whether the seat is an earlier connection's whose departure
// was not heard.
func (s *state) restsOnUnheard(i, x int) bool {
	if s.cameBefore(i, x) {
		return false
	}
	for o, p := range s.people[:len(s.world.People)] {
		if s.conn(o).Reason == journal.DuplicateUser && s.cameBefore(o, x) && p.departure != heard {
			return true
		}
	}
	return false
}

func (s *state) isAnybodyUnheard() bool {
	for i := range s.world.People {
		if c := s.conn(i); c.State == lesson.ListedOnly && c.LeftAt == 0 {
			return true
		}
	}
	return false
}

func (s *state) cameBefore(i, x int) bool {
	a, b := s.people[i], s.people[x]
	return a.came < b.came || a.came == b.came && s.world.People[i].ID < s.world.People[x].ID
}

// isPromised reports whether the connection's seat is its user's by the promise.
func (s *state) isPromised(c lesson.Conn) bool {
	p, given := s.lesson.Promises[thePromise]
	return given && !p.Released && c.User == p.User
}

// promisedBefore reports whether the promise was given before x was heard of.
func (s *state) promisedBefore(x int) bool {
	p, given := s.lesson.Promises[thePromise]
	return given && (s.people[x].arrival != heard || p.GivenAt <= s.people[x].heard)
}

// judgeTurnedAway: nobody with a ticket is turned away unless those who may be in
// fill the room, or the user is in.
func (s *state) judgeTurnedAway() error {
	if s.banned && s.world.Bans == s.world.Joins || !s.lesson.Policy.Admits(s.world.Joins) {
		return nil
	}
	n := 0
	for i, p := range s.people[:len(s.world.People)] {
		c, known := s.lesson.Conns[s.world.People[i].ID]
		mayBeIn := p.came != 0 && p.left == 0 || known && c.LeftAt == 0 && s.now < c.HeardAt.Add(lag) || p.left > s.now.Add(-lag)
		if !mayBeIn || c.DisconnectRequested() {
			continue
		}
		if c.User == s.world.Joins {
			return nil
		}
		n++
	}
	if limit := s.lesson.Policy.MaxSeats(); limit == 0 || n < limit {
		return fmt.Errorf("%s was turned away with %d people in", s.world.Joins, n)
	}
	return nil
}
