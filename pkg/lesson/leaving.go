package lesson

import (
	"fmt"
	"maps"

	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// Departure is one connection that has left, where nothing else changes by it: it makes no
// room under a cap, nobody waits, and the clock has started for good and does not pause.
// That is how a hall empties, and how those go who were told to.
type Departure struct {
	Session       string
	PolicyVersion int64          // the policy that it was decided by
	Status        journal.Status // the lesson's, when it was decided
	StartedAt     epoch.Instant  // the lesson's, when it was decided
	Was, Conn     Conn           // before it left, and after
	Line          journal.Line
	// Outside: it stood in a record and not in the item, when Shed records had been shed.
	Outside bool
	Shed    int64
}

// Fits reports whether everything that the departure rests on holds in l.
func (d Departure) Fits(l Lesson) bool {
	return d.fits(&l) && l.Size()+d.Size() <= FullSize
}

// fits is Fits where there is place for its bytes.
func (d Departure) fits(l *Lesson) bool {
	return d.stands(l) &&
		d.PolicyVersion == l.PolicyVersion && d.Status == l.Status && d.StartedAt == l.StartedAt &&
		len(l.Tail) < maxTail &&
		(l.Status == journal.Ended || l.Status == journal.Running && l.Gate().Limit > 0)
}

// stands reports whether the connection stands where it stood.
func (d Departure) stands(l *Lesson) bool {
	c, here := l.Conns[d.Conn.ID]
	if d.Outside {
		return !here && l.Shed == d.Shed
	}
	return here && c.equals(d.Was)
}

// concernsNobody reports whether neither the clock nor a cap rests on the connection. It
// stays so while policy, status and start do. On a clock that pauses, those who leave last
// concern it after the end, too: their stays are kept before they leave the item.
func (d Departure) concernsNobody(l *Lesson) bool {
	switch {
	case l.pausesNow():
		return false
	case l.Status == journal.Ended:
		return true
	case l.Status == journal.Running:
		return d.Conn.LeftAt > l.StartedAt && (!d.Was.holdsSeat() || len(l.shares(d.Was.Role)) == 0)
	}
	return false
}

// equals reports whether o says the same of the connection.
func (c Conn) equals(o Conn) bool {
	if !maps.Equal(c.Streams, o.Streams) {
		return false
	}
	c.Streams, o.Streams = nil, nil
	return fmt.Sprintf("%#v", c) == fmt.Sprintf("%#v", o)
}

// Into gives l with the departure in it. It must fit.
func (d Departure) Into(l Lesson) Lesson {
	l.Conns = maps.Clone(l.Conns)
	l.Conns[d.Conn.ID] = d.Conn
	l.Tail = append(l.Tail[:len(l.Tail):len(l.Tail)], d.Line)
	if !d.Outside {
		l.Revision++ // a Shed may have been decided with the connection in
		return l
	}
	l.Added++
	if d.Was.In() {
		l.comeInside(d.Was)
	}
	return l
}

// Size is the bytes that the departure adds to a lesson's Size, at most.
func (d Departure) Size() int {
	n := d.Conn.size() + sizeOfLineOf(&d.Line)
	if !d.Outside {
		n -= d.Was.size()
	}
	return n
}

// departure gives the decision as a departure by which nothing else changes, when that is
// all it is: with one, nothing but its own record comes back (RecordsFor). A Due that has
// come is left to those who see to it.
func (t *turn) departure(before *Lesson) (Departure, bool) {
	if t.rest || t.lines != 1 || len(t.put) != 1 {
		return Departure{}, false
	}
	line := t.l.Tail[len(t.l.Tail)-1]
	c := t.l.Conns[line.Connection]
	was, inside := before.Conns[c.ID]
	if recalled, ok := t.outside[c.ID]; !inside && ok {
		was = recalled
	}
	d := Departure{
		Session: before.Session, PolicyVersion: before.PolicyVersion, Status: before.Status, StartedAt: before.StartedAt,
		Was: was, Conn: c, Line: line, Outside: !inside, Shed: before.Shed,
	}
	plain := line.Action == journal.DidLeave && was.LeftAt == 0 && c.DepartureCheckAt == 0 &&
		(was.State == Seated || was.DisconnectRequested())
	asDue := t.l.Due == before.Due || before.Due != 0 && before.Due <= t.now
	return d, plain && asDue && t.size <= FullSize && d.concernsNobody(before) && d.fits(before)
}
