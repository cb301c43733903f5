package room

// Ask is somebody with a ticket who asks for credentials.
type Ask struct {
	User, Role string
	ID         string // of the promise, if a new one is given
	Expires    Time   // of the token that is asked for
	Records    []Record
	// Since is when it was asked: a reading that began later is a look at the
	// list for this request too.
	Since Time
	// Looked is what a reading of the list made for this request showed.
	Looked *Settle
}

// sameFor is how long after it was given a promise is the one that its user
// gets again.
const sameFor = 4 * Minute

func (a Ask) decide(t *turn) error {
	t.recall(a.Records)
	if a.Looked != nil {
		_ = a.Looked.decide(t) // it always decides
	}
	if t.l.Status == Ended {
		return t.turnAway(a, LessonOver, &Problem{Code: CodeLessonOver, Detail: "The lesson is over. Ask its organiser for a new one."})
	}
	if p, ok := t.l.current(a.User); ok && t.now < p.GivenAt+sameFor {
		p.Expires = max(p.Expires, a.Expires)
		t.give(p)
		return nil
	}
	return t.promise(a)
}

// current is the newest open promise of the user.
func (l *Lesson) current(user string) (Promise, bool) {
	var newest Promise
	for _, p := range l.sortedPromises() {
		if p.User == user && p.open() {
			newest = p
		}
	}
	return newest, newest.ID != ""
}

func (t *turn) give(p Promise) {
	t.l.Promises[p.ID] = p
	t.watch()
	t.log(Line{Event: FromJoin, EventAt: p.Expires, User: p.User, Role: p.Role, Action: DidPromise})
}

// promise gives a new promise if there is a seat for it.
func (t *turn) promise(a Ask) error {
	if len(t.l.Promises) >= maxEntries {
		return &Problem{Code: CodeTooManyRequests, Detail: "Too many people were promised a seat and have not come yet. Ask again soon.", RetryAfter: lapse.Until(0)}
	}
	p := Promise{ID: a.ID, User: a.User, Role: a.Role, GivenAt: t.now, Expires: a.Expires}
	rivals := t.rivals(Conn{ID: a.ID, User: a.User})
	if len(rivals) > 0 {
		switch rule := t.l.Policy.Duplicates(); {
		case rule == ReplaceOlder:
			p.Rides = t.l.hasSeat(a.User)
		case rule == RefuseNewer || len(rivals) >= maxTogether:
			return t.turnAwayFull(a, rivals, DuplicateUser, CodeDuplicateUser, "The user is in the room already.")
		}
	}
	if old, ok := t.l.current(a.User); ok {
		// Its seat goes over to the new promise.
		p.Rides = p.Rides || old.Rides
		old.Freed = true
		t.l.Promises[old.ID] = old
	}
	if limit := t.l.Policy.MaxSeats(); limit > 0 && !p.Rides && t.l.ahead(lastInLine(t.now)) >= limit {
		return t.turnAwayFull(a, t.l.pick(Conn.seated), RoomFull, CodeRoomFull, "All seats of the room are taken.")
	}
	t.give(p)
	return nil
}

// lastInLine is a connection behind all that have come.
func lastInLine(now Time) Conn { return Conn{CreatedAt: now + Hour} }

// turnAwayFull refuses for lack of room or a user who is in, after the list was
// read; where somebody is too young to be proven gone, it is worth asking again.
func (t *turn) turnAwayFull(a Ask, holders []Conn, why Reason, code Code, detail string) error {
	looked := t.l.SettledAt
	if a.Looked == nil && looked <= a.Since {
		return ErrLook
	}
	p := &Problem{Code: code, Detail: detail}
	for _, c := range holders {
		if c.ShownAt < looked && looked < c.HeardAt+absenceAfter {
			p.RetryAfter = max(p.RetryAfter, (c.HeardAt + absenceAfter).Until(looked))
		}
	}
	return t.turnAway(a, why, p)
}

func (t *turn) turnAway(a Ask, why Reason, p *Problem) error {
	t.log(Line{Event: FromJoin, User: a.User, Role: a.Role, Action: DidRefuse, Reason: why})
	return p
}
