package room

// evidence is what a reading of the list proves.
type evidence struct {
	began Time
	shown map[string]bool
}

// covers reports whether the reading began after Usher heard of c.
func (e *evidence) covers(c Conn) bool { return e != nil && e.began >= c.HeardAt }

// judge decides a connection that is in and undecided, in the order of the
// rules: refused, in by its user's seat, by its promise, by a free seat, by
// the list's evidence, or left waiting. Without evidence nobody looked.
func (t *turn) judge(c Conn, line Line, by *evidence) {
	switch {
	case t.l.Status == Ended:
		t.refuse(c, LessonOver, line)
	case c.Foreign && t.l.Policy.Foreign(t.l.Own) == Refuse:
		t.refuse(c, NoTicket, line)
	case c.Old && !by.covers(c):
		t.wait(c, line, by)
	case c.Old && !by.shown[c.ID]:
		t.passBy(c, line)
	default:
		c.Old = false
		if c, undecided := t.judgeUser(c, line, by); undecided {
			t.judgeSeat(c, line, by)
		}
	}
}

// judgeSeat finds c a seat, or says why there is none.
func (t *turn) judgeSeat(c Conn, line Line, by *evidence) {
	if p, ok := t.l.Promises[c.Promise]; ok && p.Used == c.ID && t.l.holds(p) {
		c.Held = true
		t.seat(c, line)
		return
	}
	if t.l.free(c) {
		c.Firm = c.Firm || by.covers(c)
		t.seat(c, line)
		return
	}
	if !by.covers(c) {
		t.wait(c, line, by)
		return
	}
	t.judgeFull(c, line, by)
}

// judgeFull decides c in a full room by the list: a later comer makes room, or
// c is refused when enough people are proven to have the better right.
func (t *turn) judgeFull(c Conn, line Line, by *evidence) {
	limit := t.l.Policy.MaxSeats()
	if later, ok := t.l.displaceable(c); ok && by.shown[c.ID] && t.l.entitled(c) &&
		t.l.preceded(c, later) && t.l.claims(later, by.shown, c.ID) >= limit {
		t.oust(later, RoomFull, Line{Event: line.Event})
		c.Firm = true
		t.seat(c, line)
		return
	}
	if t.l.claims(c, by.shown, "") >= limit {
		t.refuse(c, RoomFull, line)
		return
	}
	t.wait(c, line, by)
}

// wait leaves c undecided. It is logged once somebody has looked.
func (t *turn) wait(c Conn, line Line, by *evidence) {
	before := t.l.Conns[c.ID]
	c.State = Waiting
	if c.Untold && by != nil {
		c.Untold = false
		line.Action = DidWait
		t.tell(c, line)
	}
	if before.State != c.State || before.Untold != c.Untold || before.PlaceAt != c.PlaceAt {
		t.put(c)
	}
}

// maxTogether is how many connections of one user may be in under "allow".
const maxTogether = 5

// rivals gives the other connections of c's user that are in.
func (t *turn) rivals(c Conn) []Conn {
	if c.User == "" || c.Foreign && !t.l.Policy.JudgesForeignDuplicates() {
		return nil
	}
	return t.l.pick(func(o Conn) bool {
		return o.ID != c.ID && o.User == c.User && o.in() && o.State != Unheard &&
			(!o.Foreign || t.l.Policy.JudgesForeignDuplicates())
	})
}

// judgeUser applies the rule for the same user again. It gives c as it goes on
// and whether it is still undecided.
func (t *turn) judgeUser(c Conn, line Line, by *evidence) (Conn, bool) {
	rivals := t.rivals(c)
	if len(rivals) == 0 {
		return c, true
	}
	switch t.l.Policy.Duplicates() {
	case RefuseNewer:
		return c, t.refuseNewer(c, rivals, line, by)
	case Allow:
		return c, t.allowFew(c, rivals, line, by)
	default:
		return t.replaceOlder(c, rivals, line)
	}
}

// replaceOlder lets the newest connection have the user's seat and place in
// the order; the others go.
func (t *turn) replaceOlder(c Conn, rivals []Conn, line Line) (Conn, bool) {
	newest := c
	for _, r := range rivals {
		if byAge(r, newest) > 0 {
			newest = r
		}
	}
	if newest.ID != c.ID {
		t.put(inherit(newest, c))
		t.refuse(c, DuplicateUser, line)
		return c, false
	}
	seated := false
	for _, r := range rivals {
		seated = seated || r.State == Seated
		c = inherit(c, r)
	}
	for _, r := range rivals {
		t.replace(r, Line{Event: line.Event})
	}
	if seated {
		t.seat(c, line)
		return c, false
	}
	t.put(c)
	return c, true
}

// inherit gives newer the place and the protection of older's seat.
func inherit(newer, older Conn) Conn {
	if byPlace(older, newer) < 0 {
		newer.PlaceAt, newer.PlaceID = older.place()
	}
	if older.State == Seated {
		newer.Held = newer.Held || older.Held
		newer.Firm = newer.Firm || older.Firm
	}
	return newer
}

func (t *turn) replace(older Conn, line Line) {
	if older.State == Seated {
		t.oust(older, DuplicateUser, line)
		return
	}
	t.refuse(older, DuplicateUser, line)
}

// refuseNewer keeps the older connection of the user, once the list shows it.
// A newer one that was seated first, its webhook being faster, makes room
// unless a promise brought it. It reports whether c is still undecided.
func (t *turn) refuseNewer(c Conn, rivals []Conn, line Line, by *evidence) bool {
	if !by.covers(c) {
		t.wait(c, line, by)
		return false
	}
	for _, r := range rivals {
		if !r.Held && byAge(c, r) < 0 {
			continue
		}
		if by.shown[r.ID] {
			t.refuse(c, DuplicateUser, line)
		} else {
			t.wait(c, line, by)
		}
		return false
	}
	if !by.shown[c.ID] {
		t.wait(c, line, by)
		return false
	}
	return t.takeFromNewer(c, rivals, line)
}

// takeFromNewer sends the newer connections of c's user away. It reports
// whether c, having got no seat by that, is still undecided.
func (t *turn) takeFromNewer(c Conn, rivals []Conn, line Line) bool {
	seated := false
	for _, r := range rivals {
		seated = seated || r.State == Seated
		t.replace(r, Line{Event: line.Event})
	}
	if seated {
		c.Firm = true
		t.seat(c, line)
	}
	return !seated
}

// allowFew lets a user be in several times. It reports whether c is still
// undecided.
func (t *turn) allowFew(c Conn, rivals []Conn, line Line, by *evidence) bool {
	if len(rivals) < maxTogether {
		return true
	}
	shown := 0
	for _, r := range rivals {
		if by.covers(c) && by.shown[r.ID] {
			shown++
		}
	}
	if shown >= maxTogether {
		t.refuse(c, DuplicateUser, line)
		return false
	}
	t.wait(c, line, by)
	return false
}
