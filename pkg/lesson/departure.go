package lesson

import (
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// departureDoubt is how long after a departure was heard a reading must begin to
// refute it: the list may be late.
const departureDoubt = 30 * time.Second

// maxDepartureChecks bounds the departures that wait to be confirmed: beyond it
// the watch is the check.
const maxDepartureChecks = 64

// checkDeparture has a departure confirmed by a reading, unless the client itself
// or the platform's word to it ended the connection: after a quick reconnect, a
// client that goes on talking may be reported as gone.
func (t *turn) checkDeparture(c *Conn, reason string) {
	if reason == "clientDisconnected" || reason == "forceDisconnected" {
		return
	}
	waiting := 0
	for _, o := range t.l.Conns {
		if o.DepartureCheckAt != 0 {
			waiting++
		}
	}
	if waiting < maxDepartureChecks {
		c.DepartureCheckAt = t.now.Add(departureDoubt)
	}
}

// confirmDepartures ends the doubt about departures by a reading that began late
// enough.
func (t *turn) confirmDepartures(began epoch.Instant) {
	for _, c := range t.l.Conns {
		if c.DepartureCheckAt != 0 && began >= c.DepartureCheckAt {
			c.DepartureCheckAt = 0
			t.write(c)
		}
	}
}

// comeBack takes in a connection whose departure was heard, where a webhook shows
// that it came later than that: as a newcomer, or to be sent away again.
func (t *turn) comeBack(c Conn, at epoch.Instant, event string) {
	t.returned(c, at, event)
	if c = t.l.Conns[c.ID]; c.State == Waiting {
		t.judge(c, journal.Line{Event: event}, nil)
		t.claimReadingForFirst()
	}
}

// refuted gives c without the departure that was heard.
func refuted(c Conn) Conn {
	if c.Destroyed {
		c.RefutedLeftAt = max(c.RefutedLeftAt, c.LeftAt)
	}
	c.Destroyed, c.DepartureCheckAt = false, 0
	return c
}

// returned takes a connection that was taken for gone, and is shown to be there at
// that moment, for a newcomer; one that had been sent away is asked to go again.
func (t *turn) returned(c Conn, at epoch.Instant, event string) {
	if c.countsForQuorum() {
		if c.CountedUntil = c.LeftAt; c.LeftLowerBound {
			c.CountedUntil++ // it was in at that moment, too
		}
	}
	c = refuted(c)
	c.LeftAt, c.LeftLowerBound, c.HeardAt, c.ShownAt, c.BackAt = 0, false, t.now, at, at
	if c.DisconnectRequested() {
		c.DisconnectRequestedAt, c.RetryAt, c.Tries, c.GivenUp = t.now, t.now, 1, false
		t.write(c)
		return
	}
	c.Reserved, c.Confirmed, c.ByPromise, c.PlaceAt, c.PlaceID = false, false, false, 0, ""
	c.State, c.ListedAt = ListedOnly, t.now
	note := journal.ShownAgainUnheard
	if c.Created {
		c.State, c.WaitsSince, note = Waiting, t.now, journal.ShownAgain
	}
	t.write(c)
	t.logAbout(c, journal.Line{Event: event, Action: journal.DidRepair, Reason: journal.Reconciled, Note: note})
	if t.l.Status == journal.Ended {
		t.refuse(c, journal.LessonOver, journal.Line{Event: event})
	}
}
