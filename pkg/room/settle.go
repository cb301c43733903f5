package room

import (
	"cmp"
	"slices"
)

// Settle compares the lesson with a reading of Vonage's list: it frees ghosts,
// finds people whose webhook was lost, lets promises lapse, and decides those
// who wait. A nil Reading is one that failed: it frees and refuses nobody.
// Records are those of connections outside the item about which there is
// something to decide; Steady names those outside about whom there is nothing.
type Settle struct {
	Reading *Reading
	// Forbidden: the platform refused to show the list, and will go on so until
	// somebody looks at the settings.
	Forbidden bool
	Records   []Record
	Steady    map[string]bool
}

// Margins of what a reading proves, by Usher's clock.
const (
	// absenceAfter is how long after Usher heard of a connection a reading must
	// begin for absence to prove that it left.
	absenceAfter = 5 * Second
	// judgeAfter is how long somebody who is only shown may stay unheard of.
	judgeAfter = Minute
)

func (s Settle) decide(t *turn) error {
	if s.Reading == nil {
		t.lookedInVain(s.Forbidden)
		t.keepTime(FromReconcile)
		return nil
	}
	t.recall(s.Records)
	t.settle(*s.Reading, s.Steady)
	t.keepTime(FromReconcile)
	return nil
}

// lookedInVain logs those who wait, now that somebody has looked.
func (t *turn) lookedInVain(forbidden bool) {
	if forbidden {
		t.l.BlindUntil = t.now + Minute
		t.changed = true
	}
	for _, c := range t.l.waiting() {
		t.wait(c, firstLine(c), &evidence{})
	}
	t.askAgain()
	if t.l.WatchAt != 0 && t.l.WatchAt <= t.now {
		t.l.WatchAt = t.now + Minute
		if t.l.Status == Ended {
			t.l.WatchAt = t.now + t.drainGap()
		}
		t.changed = true
	}
}

// askAgain has those told to go once more whom this reading proved neither
// gone nor there: the process that was to tell them may have died.
func (t *turn) askAgain() {
	for _, c := range t.l.Conns {
		if c.RetryAt != 0 && c.Tries == 0 && c.RetryAt <= t.now {
			c.RetryAt, c.Tries = t.now, 1
			t.put(c)
		}
	}
}

// drainGap is the time between two looks at an ended session: short at first.
func (t *turn) drainGap() Time { return min(max(t.now-t.l.EndedAt, Second), Minute) }

func (t *turn) settle(r Reading, steady map[string]bool) {
	t.stale = r.Began < t.l.SettledAt
	by := &evidence{began: r.Began, shown: map[string]bool{}}
	t.l.SettledAt = max(t.l.SettledAt, r.Began)
	t.changed = true
	for _, p := range r.Present {
		by.shown[p.ID] = true
		if !steady[p.ID] {
			t.show(p, r.Began)
		}
	}
	if r.Whole {
		t.missing(by)
		t.lapse(by)
	}
	t.askAgain()
	t.unmask(by)
	if t.l.Status == Ended {
		t.drain(r)
	} else {
		t.watched(r)
		t.judgeWaiting(by)
	}
}

// judgeWaiting decides those who wait by the evidence, the earliest first.
func (t *turn) judgeWaiting(by *evidence) {
	for _, c := range t.l.waiting() {
		// A decision about somebody earlier may have decided this one too.
		if c = t.l.Conns[c.ID]; c.State == Waiting {
			t.judge(c, firstLine(c), by)
		}
	}
}

// firstLine is what the decision about a waiting connection answers to: its own
// webhook if that has not been logged.
func firstLine(c Conn) Line {
	if c.Untold {
		return Line{Event: ConnectionCreated, EventAt: c.CreatedAt}
	}
	return Line{Event: FromReconcile}
}

// show takes in one connection of the list.
func (t *turn) show(p Presence, began Time) {
	c, known := t.l.Conns[p.ID]
	switch {
	case !known && t.l.Status == Ended:
		c = t.sighting(p.ID, p.Since, began)
		t.put(c)
		t.refuse(c, LessonOver, Line{Event: FromReconcile})
	case !known && len(t.l.Conns) >= maxEntries:
		// The item is full; the next reading shows it again.
	case !known:
		t.put(t.sighting(p.ID, p.Since, began))
	case c.Destroyed, t.stale && c.LeftAt != 0:
		// Vonage's own word, or a newer reading, says more.
	case c.LeftAt != 0 || c.State == Passed:
		t.comeback(c, began)
	case c.told() && c.Tries == 0 && c.RetryAt <= t.now:
		// It was told to go, and is still there: ask again.
		c.RetryAt, c.Tries, c.ShownAt = t.now, 1, max(c.ShownAt, began)
		t.put(c)
	default:
		c.ShownAt = max(c.ShownAt, began)
		t.put(c)
	}
}

// comeback takes somebody who was freed and is shown again for a newcomer.
func (t *turn) comeback(c Conn, began Time) {
	c.LeftAt, c.Bound, c.HeardAt, c.ShownAt, c.BackAt = 0, false, t.now, began, began
	if c.told() {
		c.RetryAt, c.Tries = t.now, 1
		t.put(c)
		return
	}
	c.Held, c.Firm, c.PlaceAt, c.PlaceID = false, false, 0, ""
	c.State, c.ListedAt = Unheard, began
	note := stillUnheard
	if c.Created {
		c.State, note = Waiting, shownAgain
	}
	t.put(c)
	t.tell(c, Line{Event: FromReconcile, Action: DidRepair, Reason: Reconciled, Note: note})
	if t.l.Status == Ended {
		t.refuse(c, LessonOver, Line{Event: FromReconcile})
	}
}

// Notes of somebody who was thought to have left: one who waits now, and one
// whose own webhook never came.
const (
	shownAgain   = "shown again"
	stillUnheard = "shown again, still unheard of"
)

// missing frees those whom a complete reading does not show, where it began
// late enough to prove it. They left when they were last proven in.
func (t *turn) missing(by *evidence) {
	gone := t.l.pick(func(c Conn) bool {
		return c.LeftAt == 0 && !by.shown[c.ID] && by.began >= c.HeardAt+absenceAfter && c.State != Passed
	})
	for _, c := range gone {
		// Old news is decided by the list anyway: it counts for attendance alone.
		if c.Old && c.State == Waiting {
			continue
		}
		c.LeftAt, c.Bound, c.RetryAt = max(c.ShownAt, c.CreatedAt), true, 0
		told := c.told()
		if c.State == Unheard {
			c.State = Passed
		}
		c = t.announce(c)
		t.put(c)
		if !told {
			t.tell(c, Line{Event: FromReconcile, Action: DidRepair, Reason: Reconciled})
		}
	}
}

// lapse gives away the seats of promises whose time is over, when the reading
// shows nobody who could be their owner.
func (t *turn) lapse(by *evidence) {
	for id := range by.shown {
		if c, ok := t.l.Conns[id]; ok && c.State == Unheard && c.LeftAt == 0 {
			return
		}
	}
	for _, p := range t.l.sortedPromises() {
		if p.open() && by.began >= p.lapsesAt() {
			p.Freed = true
			t.l.Promises[p.ID] = p
			t.log(Line{Event: FromReconcile, User: p.User, Role: p.Role, Action: DidRepair, Reason: Reconciled, Note: "the promise lapsed"})
		}
	}
}

// sortedPromises gives the promises by when they were given.
func (l *Lesson) sortedPromises() []Promise {
	promises := make([]Promise, 0, len(l.Promises))
	for _, p := range l.Promises {
		promises = append(promises, p)
	}
	slices.SortFunc(promises, byGiven)
	return promises
}

// unmask judges those who were shown a minute ago and never heard of: as the
// user of an unused promise in whose life they came, else as unknown strangers.
func (t *turn) unmask(by *evidence) {
	if t.l.Status == Ended {
		return
	}
	overdue := t.l.pick(func(c Conn) bool {
		return c.LeftAt == 0 && c.State == Unheard && t.now >= c.ListedAt+judgeAfter && by.shown[c.ID]
	})
	for _, c := range overdue {
		c = t.introduce(c, t.l.guess(c))
		c.State, c.Untold = Waiting, true
		t.put(c)
		t.judge(c, Line{Event: FromReconcile, EventAt: c.CreatedAt}, by)
	}
}

// guess says who somebody is taken for whose webhook never came.
func (l *Lesson) guess(c Conn) identity {
	for _, p := range l.sortedPromises() {
		if p.Used == "" && p.GivenAt <= c.CreatedAt && c.CreatedAt <= p.lapsesAt() {
			return identity{user: p.User, role: p.Role, promise: p.ID}
		}
	}
	return identity{foreign: true}
}

// watched notes what a reading says about whether to go on watching: a lesson
// in use is looked at every ten minutes, one that was empty twice no more.
func (t *turn) watched(r Reading) {
	if t.now < t.l.WatchAt {
		return
	}
	t.l.Empty++
	if len(r.Present) > 0 || !r.Whole || t.l.held() > 0 || t.l.Outside > 0 {
		t.l.Empty = 0
	}
	t.l.WatchAt = t.now + watchEvery
	if t.l.Empty >= 2 {
		t.l.WatchAt = 0
	}
	t.changed = true
}

// drain notes what a reading says about an ended session, which is looked at
// until it is empty twice, or a day has passed.
func (t *turn) drain(r Reading) {
	t.l.Empty++
	if len(r.Present) > 0 || !r.Whole {
		t.l.Empty = 0
	}
	t.l.WatchAt = t.now + t.drainGap()
	if t.l.Empty >= 2 || t.now-t.l.EndedAt > giveUpAfter {
		t.l.WatchAt = 0
	}
	t.changed = true
}

// byGiven orders promises by when they were given.
func byGiven(a, b Promise) int {
	return cmp.Or(cmp.Compare(a.GivenAt, b.GivenAt), cmp.Compare(a.ID, b.ID))
}
