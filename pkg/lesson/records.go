package lesson

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"usher/pkg/journal"
)

// PromiseKey is the id of a promise's record.
func PromiseKey(id string) string { return "p:" + id }

// HolderKey is the id of the record that says by which connection a user is in.
func HolderKey(user string) string { return "u:" + user }

func digestKey(d string) string { return "e:" + d }

// kinds begin the ids of records that are no connections'.
var kinds = []string{digestKey(""), PromiseKey(""), HolderKey("")}

// lastRune is the highest there is, in the order of ids as in Unicode.
const lastRune = "\U0010ffff"

// PastKind is where to go on after a record, in the order of ids, for whoever looks for
// connections: past all records of its kind where it is none.
func PastKind(id string) string {
	for _, kind := range kinds {
		if strings.HasPrefix(id, kind) {
			return kind + lastRune
		}
	}
	return id
}

// RecordsFor gives the ids of the records that have to be loaded before the event
// can be decided: those of shed entries that it may be about. Usually none.
func (l *Lesson) RecordsFor(e Event) []string {
	var ids []string
	if e.Name == journal.ConnectionCreated && e.Connection != "" {
		ids = l.BansFor(l.identify(e.Data).user)
	}
	if c := l.Conns[e.Connection]; e.Name == journal.StreamCreated && c.LeftAt != 0 {
		ids = l.BansFor(c.User)
	}
	if l.Shed == 0 {
		return ids
	}
	if e.Connection == "" {
		return append(ids, digestKey(e.Digest))
	}
	if _, known := l.Conns[e.Connection]; !known && (e.ConnectedAt <= l.ShedThrough || e.Name != journal.ConnectionCreated) {
		ids = append(ids, e.Connection)
	}
	if l.mayNotBeKept(e) {
		ids = append(ids, digestKey(notKeptKey(e)))
	}
	if e.Name != journal.ConnectionCreated {
		return ids
	}
	if id := promiseIn(e.Data); id != "" {
		if _, known := l.Promises[id]; !known {
			ids = append(ids, PromiseKey(id))
		}
	}
	if l.PresentOutside > 0 {
		if who := l.identify(e.Data); who.user != "" && (!who.foreign || l.Policy.JudgesForeignDuplicates()) {
			ids = append(ids, HolderKey(who.user))
		}
	}
	return ids
}

// BansFor gives the ids of the records that say whether the users are banned; none in
// a room without bans.
func (l *Lesson) BansFor(users ...string) []string {
	if l.Bans == 0 {
		return nil
	}
	var ids []string
	for _, user := range users {
		if user != "" {
			ids = append(ids, BanKey(user))
		}
	}
	return ids
}

// BansFor gives the ids of the records that say whether somebody is banned whom the
// reading is to decide about: those who were taken for gone, and the users of promises
// that people nobody heard of may be taken for. None in a room without bans.
func (s *Reconcile) BansFor(l *Lesson) []string {
	if l.Bans == 0 || s.Reading == nil {
		return nil
	}
	users := map[string]bool{}
	for _, p := range s.Reading.Present {
		if !s.Steady[p.ID] {
			for _, user := range l.usersBehind(p) {
				users[user] = true
			}
		}
	}
	for _, r := range s.Records {
		if r.Conn != nil && !r.Conn.In() {
			users[r.Conn.User] = true
		}
	}
	return l.BansFor(slices.Sorted(maps.Keys(users))...)
}

// usersBehind are those that somebody on the list may turn out to be, where it may be
// judged for it: one who was taken for gone, and one whom nobody heard of.
func (l *Lesson) usersBehind(p Presence) (users []string) {
	c, known := l.Conns[p.ID]
	switch {
	case !known && p.Since < l.Created:
		c.CreatedAt = p.Since // it may be judged as soon as it is listed
	case known && c.LeftAt != 0:
		return []string{c.User}
	case !known, c.State != ListedOnly:
		return nil
	}
	for _, p := range l.likelyPromises(c) {
		users = append(users, p.User)
	}
	return users
}

// Leads gives the ids of further records that those lead to: the connections by which
// users are in outside the item, and the bans of the users of promises and of
// connections that may turn out to be in.
func (l *Lesson) Leads(records []Record) []string {
	var ids []string
	for _, r := range records {
		switch {
		case r.Holder != "":
			ids = append(ids, r.Holder)
		case r.Promise != nil:
			ids = append(ids, l.BansFor(r.Promise.User)...)
		case r.Conn != nil && r.Conn.LeftAt != 0:
			ids = append(ids, l.BansFor(r.Conn.User)...)
		}
	}
	return ids
}

// recall brings shed entries back into the item, to be decided with the rest. An
// entry that still stands in the item is newer than its record.
func (t *turn) recall(records []Record) {
	for _, r := range records {
		switch {
		case r.Conn != nil:
			t.recallConn(*r.Conn)
		case r.Promise != nil:
			if _, known := t.l.Promises[r.Promise.ID]; !known {
				t.l.Promises[r.Promise.ID], t.recalled = *r.Promise, true
			}
		case r.Ban != nil:
			t.lookUp(*r.Ban)
		case r.Seen != 0:
			digest := r.ID[len(digestKey("")):]
			if _, known := t.l.Seen[digest]; !known {
				t.l.Seen[digest], t.recalled = r.Seen, true
			}
		}
	}
}

// lookUp notes a ban of the room's list, unless it is over or of a former room of that
// name.
func (t *turn) lookUp(b Ban) {
	if !b.Holds(t.now) || !b.OfRoom(t.l.RoomCreated) {
		return
	}
	if t.banned == nil {
		t.banned = map[string]Ban{}
	}
	t.banned[b.User] = b
}

func (t *turn) recallConn(c Conn) {
	if _, known := t.l.Conns[c.ID]; known {
		return
	}
	t.l.Conns[c.ID], t.recalled = c, true
	if t.outside == nil {
		t.outside = map[string]Conn{}
	}
	t.outside[c.ID] = c
	if c.In() {
		t.l.comeInside(c)
	}
}

// comeInside counts one less outside.
func (l *Lesson) comeInside(c Conn) {
	l.PresentOutside = max(0, l.PresentOutside-1)
	switch {
	case c.Observer:
		l.ObserversOutside = max(0, l.ObserversOutside-1)
	case l.OutsideByRole[c.Role] > 0:
		l.OutsideByRole = maps.Clone(l.OutsideByRole)
		if l.OutsideByRole[c.Role]--; l.OutsideByRole[c.Role] == 0 {
			delete(l.OutsideByRole, c.Role)
		}
	}
}

// How many entries that are over stay in the item.
const (
	tailHigh  = 16 // log lines at which the oldest chunks are shed
	tailLow   = 8
	heavyTail = 48 << 10 // bytes of log lines at which whole chunks are shed at once
	goneHigh  = 16       // connections, promises, digests that are over
	goneLow   = 8
	seatsHigh = maxConnsInItem + chunkLines // people in an uncapped room
	// moreWitnesses is how many more people stay than the start rests on, in case
	// that late news takes some of them away.
	moreWitnesses = 16
)

// ToShed names all that is to be shed from the lesson now, if anything.
func (l *Lesson) ToShed() (Shed, bool) {
	s := Shed{ShedThrough: l.ShedThrough}
	s.Lines = l.linesToShed()
	l.shedConns(&s)
	l.shedPromises(&s)
	if len(l.Seen) >= goneHigh {
		l.shedSeen(&s)
	}
	return s, s.Lines > 0 || len(s.Records) > 0
}

// ShedElsewhere reports whether what is to be shed from l is somebody else's to shed, where
// l is stored by the decision: of many who add to an item at once, the one sheds whose entry
// made it too much. Should that one die, whoever completes the next chunk of lines does.
func (d *Decision) ShedElsewhere(l Lesson) bool {
	before := l
	switch _, full := l.ToShed(); {
	case !full, d.Write == Swap, len(l.Tail)%chunkLines == 0:
		return false
	case d.Write == Add:
		before.Conns = maps.Clone(l.Conns)
		delete(before.Conns, d.Add.Conn.ID)
	case d.Write == Leave:
		before.Conns = maps.Clone(l.Conns)
		if before.Conns[d.Leave.Conn.ID] = d.Leave.Was; d.Leave.Outside {
			delete(before.Conns, d.Leave.Conn.ID)
		}
	}
	before.Tail = l.Tail[:len(l.Tail)-d.Lines]
	_, full := before.ToShed()
	return full
}

// linesToShed is how many of the oldest lines are to leave: all whole chunks but the
// last lines, and those too where the tail is heavy, as with long policies.
func (l *Lesson) linesToShed() int {
	bytes := 0
	for i := range l.Tail {
		bytes += sizeOfLineOf(&l.Tail[i])
	}
	switch {
	case len(l.Tail) >= tailHigh:
		return (len(l.Tail) - tailLow) / chunkLines * chunkLines
	case bytes > heavyTail:
		return len(l.Tail) / chunkLines * chunkLines
	}
	return 0
}

func (l *Lesson) shedConns(s *Shed) {
	witnesses := l.keptWitnesses()
	gone := l.Pick(func(c Conn) bool { return c.isOver() && !witnesses[c.ID] })
	if len(gone) >= goneHigh {
		slices.SortFunc(gone, func(a, b Conn) int { return cmp.Compare(a.LeftAt, b.LeftAt) })
		for _, c := range gone[:len(gone)-goneLow] {
			s.addConn(c)
			if l.Status == journal.Open {
				// Its time in the session may still count for the quorum of others.
				s.ShedThrough = max(s.ShedThrough, c.LeftAt)
			}
		}
	}
	present := l.Pick(func(c Conn) bool { return !witnesses[c.ID] && l.mayGoOutside(c) })
	if len(present) >= seatsHigh {
		for _, c := range present[:len(present)-maxConnsInItem+chunkLines] {
			s.addConn(c)
			s.addPresent(l, c)
			if c.User != "" && !c.Observer {
				s.Records = append(s.Records, Record{ID: HolderKey(c.User), Holder: c.ID})
			}
		}
	}
}

// mayGoOutside reports whether the connection is in and nothing rests on seeing it: no
// cap counts its seat, and none of its streams is being asked away.
func (l *Lesson) mayGoOutside(c Conn) bool {
	if !c.seated() {
		return false
	}
	for _, s := range c.Streams {
		if s.pending() {
			return false
		}
	}
	return c.Observer || len(l.shares(c.Role)) == 0
}

// maxRolesOutside bounds the roles that are counted outside the item. Of further ones a
// cap that comes later counts only those inside.
const maxRolesOutside = 64

// addPresent counts a connection that is in and leaves the item.
func (s *Shed) addPresent(l *Lesson, c Conn) {
	s.PresentOutside++
	if c.Observer {
		s.ObserversOutside++
		return
	}
	if s.OutsideByRole == nil {
		s.OutsideByRole = map[string]int64{}
	}
	if l.OutsideByRole[c.Role]+s.OutsideByRole[c.Role] > 0 || len(l.OutsideByRole)+len(s.OutsideByRole) < maxRolesOutside {
		s.OutsideByRole[c.Role]++
	}
}

func (s *Shed) addConn(c Conn) {
	s.Conns = append(s.Conns, c.ID)
	s.Records = append(s.Records, Record{ID: c.ID, Conn: &c})
	s.ShedThrough = max(s.ShedThrough, c.CreatedAt)
}

// isOver reports whether nothing is to be expected of the connection any more
// but repeats and late news.
func (c Conn) isOver() bool {
	return (c.LeftAt != 0 || c.State == HeardAfterLeaving || c.DisconnectRequested()) && c.RetryAt == 0 && c.DepartureCheckAt == 0
}

func (l *Lesson) shedPromises(s *Shed) {
	l.shedOpenPromises(s)
	var done []Promise
	for _, p := range l.sortedPromises() {
		_, here := l.Conns[p.Used]
		if !p.open() && !here && !l.takesSeat(p) {
			done = append(done, p)
		}
	}
	if len(done) < goneHigh {
		return
	}
	for _, p := range done[:len(done)-goneLow] {
		s.Promises = append(s.Promises, p.ID)
		s.Records = append(s.Records, Record{ID: PromiseKey(p.ID), Promise: &p})
	}
}

// shedOpenPromises sheds the oldest of the open promises that hold nobody's seat, an
// observer's or where no cap counts it: a connection by one of them is its user's all
// the same. Nor do they hold one when the room is given a cap.
func (l *Lesson) shedOpenPromises(s *Shed) {
	if len(l.Promises) < maxPromisesInHall+goneHigh {
		return
	}
	open := slices.DeleteFunc(l.sortedPromises(), func(p Promise) bool { return !p.open() || l.piles(p) })
	for _, p := range open[:max(0, len(open)-maxPromisesInHall)] {
		s.PromisedThrough = max(s.PromisedThrough, p.lapsesAt())
		p.Released = true
		s.Promises = append(s.Promises, p.ID)
		s.Records = append(s.Records, Record{ID: PromiseKey(p.ID), Promise: &p})
	}
}

func (l *Lesson) shedSeen(s *Shed) {
	digests := make([]string, 0, len(l.Seen))
	for d := range l.Seen {
		digests = append(digests, d)
	}
	slices.SortFunc(digests, func(a, b string) int {
		return cmp.Or(cmp.Compare(l.Seen[a], l.Seen[b]), cmp.Compare(a, b))
	})
	for _, d := range digests[:len(digests)-goneLow] {
		s.Seen = append(s.Seen, d)
		s.Records = append(s.Records, Record{ID: digestKey(d), Seen: l.Seen[d]})
	}
}
