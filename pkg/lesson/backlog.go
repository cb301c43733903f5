package lesson

import (
	"cmp"
	"slices"
	"time"
)

// The backlog is connections for which the item has no place: those that were told
// to go and have not gone, beyond MaxAsked, and those that the list shows beyond
// FullSize. None is forgotten: the former stand in records, and as long as there is a
// backlog the list is read soon, which brings all of them back, some at a time
// and in turn.

// How soon the list is read for the sake of the backlog. While the platform
// disconnects nobody, that is as often as connections in the item are tried.
const (
	backlogGap        = 5 * time.Second
	failingBacklogGap = time.Minute
)

// leaveExcess leaves so many of the connections that were told to go to the list:
// the last in turn. Those whose turn it is now are asked all the same, once.
func (t *turn) leaveExcess(n int) {
	if n <= 0 {
		return
	}
	asked := t.l.Pick(Conn.isAsked)
	slices.SortFunc(asked, func(a, b Conn) int {
		return cmp.Or(cmp.Compare(a.RetryAt, b.RetryAt), cmp.Compare(a.ID, b.ID))
	})
	t.watchBacklog()
	for _, c := range asked[len(asked)-n:] {
		if c.RetryAt <= t.now {
			t.effects.Disconnect = append(t.effects.Disconnect, c.ID)
		}
		t.leaveToTheList(c.ID)
	}
}

// watchBacklog has the list read soon.
func (t *turn) watchBacklog() {
	gap := backlogGap
	for _, c := range t.l.Conns {
		if c.Tries > 0 && c.RetryAt > t.now {
			gap = failingBacklogGap
		}
	}
	t.l.Backlog, t.rest = true, true
	t.l.WatchAt = earlier(t.l.WatchAt, t.now.Add(gap))
}

// reviewBacklog notes the end of the backlog by a reading, unless the item had no
// place for all that it shows: more.
func (t *turn) reviewBacklog(r Reading, more bool) {
	says := !t.stale && (r.Whole || !r.NotFound)
	if more || t.l.Backlog && !says {
		t.watchBacklog()
		return
	}
	t.l.Backlog = false
}

// isAsked reports whether the connection was told to go and is asked again.
func (c Conn) isAsked() bool { return c.RetryAt != 0 }

// leftToTheList reports whether the connection was told to go and nothing but
// the list says whether it did.
func (c Conn) leftToTheList() bool {
	return c.DisconnectRequested() && c.LeftAt == 0 && c.RetryAt == 0 && !c.GivenUp
}

// takes reports whether the item has place for so many bytes more below FullSize,
// and takes the place. Where it is asked, nothing else that large may be added
// in between.
func (t *turn) takes(n int) bool { return t.takesBut(n, 0) }

// takesBut is takes where so many bytes have to stay free for others.
func (t *turn) takesBut(n, free int) bool {
	if !t.counted {
		t.place, t.counted = FullSize-t.l.Size(), true
	}
	if n > t.place-free {
		return false
	}
	t.place -= n
	return true
}

// placeForComers is the bytes that people whom only the list shows leave to those whose
// webhooks come.
const placeForComers = 64 << 10

// takeIn takes in the connections that a reading shows, and those of the records
// about which there is something to decide. It notes the shown ones, and reports
// whether there was no place for all of them.
func (t *turn) takeIn(s Reconcile, shown map[string]bool) (more bool) {
	more = s.More
	left := map[string]bool{}
	for _, r := range s.Records {
		// A record that was read before others were shed may be no longer true.
		if r.Conn != nil && (s.Shed != t.l.Shed || !t.takes(r.Conn.size())) {
			left[r.Conn.ID], more = true, true
			continue
		}
		t.recall([]Record{r})
	}
	for _, p := range s.Reading.Present {
		shown[p.ID] = true
		switch {
		case s.Steady[p.ID] || left[p.ID]:
		case t.isStranger(p) && (s.shedSince(t.l, p) || !t.takesBut(newcomer(p).size(), placeForComers)):
			more = true
		default:
			t.listed(p, s.Reading.Began)
		}
	}
	return more
}

func (t *turn) isStranger(p Presence) bool {
	_, known := t.l.Conns[p.ID]
	return !known
}

// newcomer is about the size of a stranger on the list, once it is taken in.
func newcomer(p Presence) *Conn { return &Conn{ID: p.ID, State: ListedOnly, ListedAt: p.Since + 1} }

// shedSince reports whether the connection may have been shed after its record
// was looked for: it is no stranger then.
func (s Reconcile) shedSince(l *Lesson, p Presence) bool {
	return l.Shed != s.Shed && p.Since <= l.ShedThrough
}

// Bounds of the records that one decision brings back, so that it stays small.
const (
	maxRecalled  = 64
	mostRecalled = 32 << 10 // bytes
)

// Handful is how many of the first records one decision brings back.
func Handful(records []Record) int {
	bytes := 0
	for i, r := range records {
		if r.Conn != nil {
			bytes += r.Conn.size()
		}
		if i == maxRecalled || i > 0 && bytes > mostRecalled {
			return i
		}
	}
	return len(records)
}

// Recollect adds the records of connections that are on the list and not in the
// item: one about which there is nothing to decide is steady; of the others the
// first are brought back, those that were asked to go the least often before the
// rest.
func (s *Reconcile) Recollect(records []Record) {
	s.Steady, s.Outside = map[string]bool{}, map[string]int{}
	back := s.Records
	for _, r := range records {
		switch {
		case r.Conn == nil:
		case r.Conn.In() || r.Conn.GivenUp && r.Conn.LeftAt == 0:
			s.Steady[r.ID] = true
			if r.Conn.holdsSeat() {
				s.Outside[r.Conn.Role]++
			}
		default:
			back = append(back, r)
		}
	}
	slices.SortStableFunc(back[len(s.Records):], func(a, b Record) int { return cmp.Compare(a.Conn.Tries, b.Conn.Tries) })
	n := max(len(s.Records), Handful(back))
	for _, r := range back[n:] {
		s.Steady[r.ID], s.More = true, true
	}
	s.Records = back[:n]
}
