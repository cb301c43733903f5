package lesson

import (
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// Webhook is a webhook, with the records that Wants asked for.
type Webhook struct {
	Event   Event
	Records []Record
}

func (h Webhook) decide(t *turn) error {
	t.recall(h.Records)
	e := h.Event
	_, known := t.l.Conns[e.Connection]
	switch {
	case e.Name == journal.ConnectionCreated && e.Connection != "":
		t.arrive(e)
	case e.Name == journal.ConnectionDestroyed && e.Connection != "":
		t.depart(e)
	case e.Name == journal.StreamCreated && e.Stream != "" && e.Connection != "":
		t.stream(e)
	case e.Name == journal.StreamDestroyed && e.Stream != "" && e.Connection != "":
		t.stream(e)
	default:
		t.recordEvent(e)
	}
	t.newcomer = !known && t.in(e.Connection)
	t.reviewStreams(e.Connection, e.Name)
	if t.changed() {
		t.updateClock(e.Name)
		if t.l.Status != journal.Ended || e.Name == journal.ConnectionCreated {
			t.watch()
		}
	}
	return nil
}

// lateNews is the age beyond which a first sign of a connection needs the
// list's word before it takes a seat or counts for the clock.
const lateNews = 10 * time.Minute

// arrive hears of a connection's coming. Heard of before: nothing is decided
// again.
func (t *turn) arrive(e Event) {
	c, known := t.l.Conns[e.Connection]
	if known && c.Destroyed && e.ConnectedAt > c.LeftAt {
		if c.Created {
			t.comeBack(c, e.ConnectedAt, e.Name)
			return
		}
		c = refuted(c)
		c.State, c.LeftAt, c.LeftLowerBound, c.HeardAt, c.ShownAt = ListedOnly, 0, false, t.now, e.ConnectedAt
	}
	if known && c.Created {
		return
	}
	if !known {
		c = Conn{ID: e.Connection, CreatedAt: e.ConnectedAt, HeardAt: t.now, ShownAt: e.ConnectedAt}
		c.HeardLate = e.Received.Sub(e.ConnectedAt) > lateNews
	}
	if c.State == ListedOnly {
		c.CreatedAt = e.ConnectedAt
	}
	c.Created = true
	c = t.identify(c, t.l.identify(e.Data))
	line := journal.Line{Event: e.Name, EventAt: e.ConnectedAt}
	switch {
	case c.DisconnectRequested() || c.State == Seated:
		// Decided already, on the list's evidence.
		masked := t.l.Conns[c.ID].User == ""
		c.Role = t.roleWithinCap(c)
		t.write(c)
		line.Action = journal.DidNothing
		t.logAbout(c, line)
		if masked {
			t.unmask(c, e.Name)
		}
	case c.LeftAt != 0:
		t.recordAfterLeaving(c, line)
	case c.State == Waiting:
		// It waited as a stranger; now that it is known, look again.
		t.write(c)
		line.Action = journal.DidWait
		t.logAbout(c, line)
		t.judge(c, journal.Line{Event: e.Name}, nil)
	default:
		c.State, c.Unlogged, c.WaitsSince = Waiting, true, t.now
		t.write(c)
		t.judge(c, line, nil)
		t.claimReadingForFirst()
	}
}

// roleWithinCap is the role of a connection that was decided as nobody in particular and
// is known now: it keeps its seat, and takes none of its role's beyond the cap.
func (t *turn) roleWithinCap(c Conn) string {
	for _, s := range t.l.shares(c.Role) {
		if c.State == Seated && !s.whole && t.l.takenIn(s) >= s.limit {
			return t.l.Conns[c.ID].Role
		}
	}
	return c.Role
}

// unmask makes good what could not be decided before it was known who the connection is:
// who was seated and may not come in goes, and who was removed is kept out.
func (t *turn) unmask(c Conn, event string) {
	why := t.doorClosedFor(c.User, evermore)
	switch {
	case c.seated() && why != "":
		t.evict(c, why, journal.Line{Event: event})
	case c.DisconnectRequested() && c.Reason.IsRemoval() && t.l.Status != journal.Ended:
		t.banAfterRemoval(c, journal.Line{Event: event})
	default:
		return
	}
	t.reconsiderWaiting(event)
}

// claimReadingForFirst takes the right to read the list in the write of the first
// waiting connection's coming: one write less until it is decided.
func (t *turn) claimReadingForFirst() {
	if t.l.Status != journal.Ended && len(t.l.Waiting()) == 1 && t.now >= t.l.readable(t.now) {
		t.claimReading()
	}
}

// identify gives c the identity. A connection that was judged as somebody stays
// that; the promise is used by the connections that its tokens were answered for.
func (t *turn) identify(c Conn, who identity) Conn {
	if c.User == "" && c.Promise == "" {
		c.User, c.Role, c.Foreign, c.Promise = who.user, who.role, who.foreign, who.promise
	}
	if c.ByPromise || c.Promise != who.promise {
		return c
	}
	if p, ok := t.l.Promises[who.promise]; ok && p.expected() {
		p.Came = p.came() + 1
		if p.Used == "" {
			p.Used = c.ID
		}
		c.ByPromise = true
		t.keep(p)
	}
	return c
}

// recordAfterLeaving records a connection that had left before the webhook of its
// coming was heard: attendance and the clock count it, unless it had no right to be
// in.
func (t *turn) recordAfterLeaving(c Conn, line journal.Line) {
	c.State, c.Unlogged, line.Action = HeardAfterLeaving, false, journal.DidNothing
	if c.Observer = t.l.observes(c); c.Observer {
		line.Note = journal.AsObserver
	}
	c.Reason = t.lackOfRight(c, c.CreatedAt)
	line.Reason = c.Reason
	t.write(c)
	t.logAbout(c, line)
}

// depart hears of a connection's going. One that overtakes its coming is
// remembered, so that no ghost is left.
func (t *turn) depart(e Event) {
	c, known := t.l.Conns[e.Connection]
	if known && (c.Destroyed || c.RefutedLeftAt != 0 && e.At <= c.RefutedLeftAt) {
		return
	}
	if !known {
		c = Conn{ID: e.Connection, CreatedAt: e.ConnectedAt, HeardAt: t.now, State: HeardAfterLeaving}
		c.HeardLate = e.Received.Sub(e.ConnectedAt) > lateNews
	}
	if c.State == ListedOnly {
		c.State = HeardAfterLeaving
	}
	c = t.logArrival(c)
	c.Destroyed, c.DepartureHeardAt, c.RetryAt = true, t.now, 0
	if c.LeftAt, c.LeftLowerBound = e.At, false; e.At <= c.CreatedAt {
		// A time no later than its own arrival says only that it has left.
		c.LeftAt, c.LeftLowerBound = max(c.ShownAt, c.CreatedAt), true
	}
	t.checkDeparture(&c, e.Reason)
	t.write(c)
	t.logAbout(c, journal.Line{Event: e.Name, EventAt: c.LeftAt, Action: journal.DidLeave, Note: journal.Note(e.Reason)})
	t.reconsiderWaiting(e.Name)
}

// reconsiderWaiting decides the waiting connections, the earliest first, as far as
// that needs no other reading of the list.
func (t *turn) reconsiderWaiting(event string) {
	if t.l.Status == journal.Ended {
		return
	}
	for _, c := range t.l.Waiting() {
		if c = t.l.Conns[c.ID]; c.State == Waiting {
			t.judge(c, journal.Line{Event: event}, nil)
		}
	}
}

// maxAhead is how far ahead of Usher's clock Vonage's may be.
const maxAhead = 5 * time.Second

// listedConn is a connection that Vonage showed and whose own webhook has not
// come.
func (t *turn) listedConn(id string, since, listed epoch.Instant) Conn {
	if since == 0 || since > t.now.Add(maxAhead) {
		since = t.now
	}
	return Conn{
		ID: id, CreatedAt: since, HeardAt: t.now, ShownAt: since,
		State: ListedOnly, ListedAt: listed, Foreign: true,
	}
}

// recordEvent records an event that decides nothing. The state that it hints at, a
// destroyed or rotated session, is compared with the list.
func (t *turn) recordEvent(e Event) {
	if _, known := t.l.Seen[e.Digest]; known {
		return
	}
	t.l.Seen[e.Digest], t.rest = t.now, true
	t.log(journal.Line{Event: e.Name, EventAt: e.At, Action: journal.DidNothing, Note: journal.Note(e.Reason)})
	if e.Name == journal.SessionDestroyed || e.Name == journal.SessionNotification {
		t.l.WatchAt = t.now
	}
}
