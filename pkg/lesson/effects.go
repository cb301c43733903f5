package lesson

import (
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// Effects are the things that have to be done out there. A decision gives those
// that follow from it at once; Lesson.Outstanding derives those that are still to
// be done from the state alone, so that nothing is lost with the process that
// decided. Doing them twice is doing them once.
//
// They are carried out from top to bottom.
type Effects struct {
	// GivenUp are connections that could not be ended within a day and are not asked
	// to go any more: an operator has to know.
	GivenUp []string
	// Signals are sent first, and the disconnects wait for none of them long.
	Signals []Signal
	// Disconnect are the connections to end.
	Disconnect []string
	// DismissOutside: people who stand only in records have to go, for the lesson is
	// over.
	DismissOutside bool
	// ReviewOutside: people who stand only in records have to be held against a policy
	// or ban that came while they were in.
	ReviewOutside bool
	// KeepBans are to be put into the room's list.
	KeepBans []Ban
	// ReadStreams: the list of streams has to be read, for the grace of some is over.
	ReadStreams bool
	Read        Read
	// Again: the reading that was decided on has more to say; it is to be decided on once
	// more.
	Again bool
	// Tell: somebody has to be asked to tell the owner's backend what the log says.
	Tell bool
	// Unheard is how many people this judges whom readings have shown for a minute, who
	// came since the lesson began, and of whom no webhook has told.
	Unheard int
	// Untold are lines that could not be told within a day and are told to nobody: an
	// operator has to know.
	Untold Untold
	// ShedElsewhere: what is over is moved out of the item by another handler, whose write
	// made it too much, see Decision.ShedElsewhere.
	ShedElsewhere bool
	// Wake: a moment has come that has to be decided, see the input of that name.
	Wake bool
	// Pressing: it cannot wait until the lesson's next wake; any handler that finds
	// it does it.
	Pressing bool
	// NextAt is the next moment at which there is something to do, exact to the
	// second or better; 0 when only the watch is left.
	NextAt epoch.Instant
}

// Idle reports whether there is nothing to do now.
func (e *Effects) Idle() bool {
	return len(e.Disconnect) == 0 && !e.DismissOutside && !e.ReviewOutside && len(e.KeepBans) == 0 && !e.ReadStreams && e.Read == NoReading && !e.Wake
}

// Recover adds the effects of another decision about the same input, whose commit's
// answer was lost, as far as l, decided since, confirms them.
func (e *Effects) Recover(lost Effects, l Lesson) {
	for _, id := range lost.Disconnect {
		c := l.Conns[id]
		if c.DisconnectRequested() && c.LeftAt == 0 && !slices.Contains(e.Disconnect, id) {
			e.Disconnect = append(e.Disconnect, id)
		}
	}
	e.GivenUp = append(e.GivenUp, lost.GivenUp...)
	if len(e.Signals) == 0 && l.Status == journal.Ended {
		e.Signals = lost.Signals // each has an id, by which repeats are dropped
	}
	e.Read = max(e.Read, lost.Read)
}

// Read says whether Vonage's list is to be read.
type Read int

// The readings.
const (
	NoReading Read = iota
	DueReading
	ClaimedReading // the decision has taken the right to it already
)

// Signal is data for the clients: to everyone in the session, or to one connection.
type Signal struct {
	To   string // a connection; "" is everyone
	Type string
	Data []byte // JSON
	Last bool   // the lesson's last word: its hearers are disconnected after it
}

// When a lesson is looked at without a reason of its own.
const (
	watchFirst = 2 * time.Minute
	// watchAdopted is when the list of a session that was in use when it was adopted is
	// read again.
	watchAdopted = 3 * time.Second
	// WatchEvery is how far apart the looks at a lesson in use are.
	WatchEvery = 10 * time.Minute
	// watchPaused is how far apart they are while the clock stands still: it counts on
	// from the moment at which the quorum is whole again, heard of or not.
	watchPaused = time.Minute
	// fastReadingFor is how long the newest of the waiting may wait before the list
	// is read less often.
	fastReadingFor = time.Minute
	slowReadingGap = 5 * time.Second
	// giveUpAfter is when a connection that cannot be disconnected is given up.
	giveUpAfter = 24 * time.Hour
)

// Outstanding derives the first of the effects that are due now from the state.
func (l *Lesson) Outstanding(now epoch.Instant) Effects {
	e := Effects{NextAt: l.nextAt()}
	retries := l.dueRetries(now)
	look := due(earlier(l.watchAt(), l.lookAt()), now)
	turns := due(l.clockTurnsAt(), now)
	streams := due(l.streamsAt(), now)
	bans := l.bansToKeepNow()
	e.Pressing = turns || streams || len(bans) > 0 || l.OutsideReviewAt != 0 || due(earlier(l.watchAt(), l.readable(l.peopleAt())), now) && !l.beingRead(now)
	switch {
	case turns:
		e.Wake = true
	case l.leftOutside() && now >= l.OutsideRetryAt:
		e.DismissOutside = true
	case due(l.OutsideReviewAt, now):
		e.ReviewOutside = true
	case len(bans) > 0:
		e.KeepBans = bans
	case len(retries) > 0:
		e.Disconnect = retries
	case streams:
		e.ReadStreams = true
	case look:
		e.Read = DueReading
	case due(l.Due, now):
		e.Wake = true
	}
	return e
}

func due(at, now epoch.Instant) bool { return at != 0 && at <= now }

// nextAt is when there is something to do next, the watch of a lesson in use
// left out: that has its place in Due, but for the one that follows an adoption.
func (l *Lesson) nextAt() epoch.Instant {
	at := earlier(l.clockTurnsAt(), l.lookAt())
	at = earlier(at, earlier(l.streamsAt(), l.OutsideReviewAt))
	for _, b := range l.bansToKeepNow() {
		at = earlier(at, b.At)
	}
	for _, c := range l.Conns {
		if c.RetryAt != 0 && c.Tries > 0 {
			at = earlier(at, c.RetryAt)
		}
	}
	if l.leftOutside() {
		at = earlier(at, l.OutsideRetryAt)
	}
	if l.Status == journal.Ended || l.Backlog || l.looksAfterAdoption() {
		at = earlier(at, l.watchAt())
	}
	return at
}

// clockTurnsAt is when the clock has something to say by itself: the end, a warning, or
// a start that waits for the room to open.
func (l *Lesson) clockTurnsAt() epoch.Instant {
	return earlier(earlier(l.endsBy(), l.nextWarning()), l.opensWithQuorum())
}

// looksAfterAdoption reports whether the next watch is the one that follows an adoption
// within seconds, see watchAdopted: it has a wake of its own.
func (l *Lesson) looksAfterAdoption() bool {
	return l.WatchAt != 0 && l.WatchAt < l.Created.Add(watchFirst)
}

// leftOutside reports whether the lesson is over and people who stand only in
// records have not been dismissed.
func (l *Lesson) leftOutside() bool { return l.Status == journal.Ended && l.PresentOutside > 0 }

// dueRetries gives the connections whose last request to disconnect failed, and
// is due again.
func (l *Lesson) dueRetries(now epoch.Instant) []string {
	var ids []string
	for _, c := range l.Conns {
		if c.RetryAt != 0 && c.Tries > 0 && c.RetryAt <= now {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// watchAt is when the list is to be compared without a reason of its own.
func (l *Lesson) watchAt() epoch.Instant {
	return l.readable(l.WatchAt)
}

// lookAt is when the list has to be read, the watch left out; 0 for never.
func (l *Lesson) lookAt() epoch.Instant {
	return l.readable(earlier(l.peopleAt(), l.doubtAt()))
}

// readable is the first moment from then on at which the list may be read.
func (l *Lesson) readable(at epoch.Instant) epoch.Instant {
	if at == 0 {
		return 0
	}
	return max(at, l.ReadAt.Add(ReadingGap), l.ListRefusedUntil)
}

// peopleAt is when the list has to be read for the sake of somebody undecided or
// sent away; 0 for nobody's.
func (l *Lesson) peopleAt() epoch.Instant {
	var at, lastCame epoch.Instant
	for _, c := range l.Conns {
		switch {
		case c.RetryAt != 0 && c.Tries == 0:
			at = earlier(at, c.RetryAt)
		case c.LeftAt != 0:
		case c.State == Waiting:
			lastCame = max(lastCame, c.HeardAt)
		case c.State == ListedOnly:
			at = earlier(at, max(c.ListedAt.Add(listedOnlyPatience), l.ReadAt.Add(slowReadingGap)))
		}
	}
	if lastCame != 0 {
		next := l.ReadAt.Add(ReadingGap)
		if l.ReadAt > lastCame.Add(fastReadingFor) {
			next = l.ReadAt.Add(slowReadingGap)
		}
		at = earlier(at, next)
	}
	return at
}

// doubtAt is when the list has to be read to confirm a departure that was heard, the
// start, or the end.
func (l *Lesson) doubtAt() epoch.Instant {
	at := earlier(l.confirmAt(), l.confirmEndAt())
	for _, c := range l.Conns {
		if c.DepartureCheckAt != 0 {
			at = earlier(at, max(c.DepartureCheckAt, l.ReadAt.Add(slowReadingGap)))
		}
	}
	return at
}

// beingRead reports whether a reading is under way for the people who wait already;
// it will serve those who came in the meantime, too.
func (l *Lesson) beingRead(now epoch.Instant) bool {
	return len(l.Waiting()) > 1 && now < l.ReadAt.Add(2*ReadingGap)
}

// watch begins to look after the lesson, if nobody does: after an ended one
// too, when somebody comes all the same.
func (t *turn) watch() {
	if t.l.WatchAt == 0 {
		t.l.WatchAt, t.l.EmptyReadings = t.now.Add(watchFirst), 0
		t.rest = true
	}
}

// schedule gives up connections that were asked to go for a day, and keeps Due no
// later than the next moment at which there is something to do. Due moves as seldom
// as that allows: each move costs the store.
func (t *turn) schedule() {
	l := t.l
	if l.Status != journal.Ended && l.EmptyReadings == 0 {
		t.watch()
	}
	t.keepStays()
	asked := 0
	t.size = l.sizeBesides()
	for id, c := range l.Conns {
		t.size += c.size()
		switch {
		case c.RetryAt == 0:
		case t.now.Sub(c.DisconnectRequestedAt) > giveUpAfter:
			c.RetryAt, c.GivenUp = 0, true
			t.write(c)
			t.effects.GivenUp = append(t.effects.GivenUp, id)
		default:
			asked++
		}
	}
	slices.Sort(t.effects.GivenUp)
	t.leaveExcess(asked - MaxAsked)
	t.passOver()
	need := earlier(earlier(l.nextAt(), l.WatchAt), l.tellDueAt())
	if l.Due == 0 || need == 0 || need < l.Due || l.Due <= t.now {
		l.Due = need
	}
}
