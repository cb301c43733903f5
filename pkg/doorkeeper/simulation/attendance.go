package simulation

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/doorkeeper"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// Attended counts what the records of all histories were held against: rows that say they
// are exact, rows that are bounds, and times together.
var Attended struct{ Exact, Bounds, Together atomic.Int64 }

// attended is what is known of somebody from the log, and in truth.
type attended struct {
	Person
	user     string
	observer bool
	heard    bool // both webhooks of the connection were
	seated   bool
	counts   bool // it was neither refused nor displaced
	unsure   bool // what Vonage said of it was no truth, or it came back as a newcomer
}

// checkAttendance holds the record of every lesson against the truth: a row that says it is
// exact has the true sum, another one is no more than that, and no less than what the
// webhooks prove.
func (h *history) checkAttendance() {
	for _, session := range h.sessions() {
		l, lines, err := h.Log(session)
		if errors.Is(err, room.ErrNoLesson) {
			continue
		}
		h.must(err)
		record, err := h.Service.Attendance(context.Background(), h.name, session)
		h.must(err)
		h.checkRows(record, h.everyone(l, lines))
	}
	h.checkLessons()
}

// everyone gives all of whom the log speaks.
func (h *history) everyone(l lesson.Lesson, lines []journal.Line) map[string]*attended {
	all := map[string]*attended{}
	for _, line := range lines {
		p := h.Platform.Person(line.Connection)
		if p == nil {
			continue
		}
		a := all[p.ID]
		if a == nil {
			a = &attended{Person: *p, counts: true, unsure: h.misreported[p.ID]}
			all[p.ID] = a
		}
		a.user = cmp.Or(line.User, a.user)
		a.read(line)
	}
	for id, a := range all {
		arrival := func(line journal.Line) bool {
			return line.Connection == id && line.Event == journal.ConnectionCreated
		}
		a.heard = a.heard && slices.ContainsFunc(lines, arrival)
		if l.EndedAt != 0 && a.CameAt.Add(h.Platform.Skew) >= l.EndedAt {
			a.counts = false
		}
	}
	return all
}

func (a *attended) read(line journal.Line) {
	a.observer = a.observer || line.Note == journal.AsObserver
	switch {
	case line.Action == journal.DidLeave:
		a.heard = true
	case line.Action == journal.DidSeat:
		a.seated = true
	case line.Note == journal.ShownAgain || line.Note == journal.ShownAgainUnheard:
		a.unsure = true
	case line.Action == journal.DidRefuse, line.Action == journal.DidDisconnect && line.Reason == journal.RoomFull,
		line.Action == journal.DidNothing && line.Stream == "" && line.Reason != "" && line.Event != journal.ConnectionDestroyed:
		a.counts = false
	}
}

// row is what tells rows of a record apart, but for those of unknown people.
type row struct {
	user     string
	observer bool
}

// checkRows compares row by row.
func (h *history) checkRows(record attendance.Record, everyone map[string]*attended) {
	now := cmp.Or(record.EndedAt, h.Now())
	unknown, rows := 0, map[row][]*attended{}
	sure := true // all is known of all of them
	for _, a := range everyone {
		key := row{a.user, a.observer}
		if a.user == "" && a.counts && !a.unsure {
			unknown++
		}
		rows[key] = append(rows[key], a)
		sure = sure && !a.unsure && (!a.counts || a.seated)
	}
	for _, u := range record.Users {
		sure = sure && u.Exact
		all := rows[row{u.User, u.Observer}]
		if u.User == "" {
			unknown--
			all = slices.DeleteFunc(slices.Clone(all), func(a *attended) bool { return a.CameAt.Add(h.Platform.Skew) != u.FirstIn })
			if len(all) != 1 {
				continue // two came in one moment
			}
		}
		h.checkRow(record, u, all, now)
	}
	if unknown > 0 {
		h.flunk("in %s %d unknown people are missing in %+v", record.Session, unknown, record)
	}
	if sure && record.StartedAt != 0 {
		h.checkTogether(record, everyone, now)
	}
}

// checkRow compares a row with those of whom it tells.
func (h *history) checkRow(record attendance.Record, u attendance.User, all []*attended, now epoch.Instant) {
	counted := slices.DeleteFunc(slices.Clone(all), func(a *attended) bool { return !a.counts })
	if slices.ContainsFunc(all, func(a *attended) bool { return a.unsure || !a.counts && a.seated && a.observer }) {
		return
	}
	truth := together(h.spans(counted, now))
	open := slices.ContainsFunc(counted, func(a *attended) bool { return a.LeftAt == 0 })
	slack := time.Duration(0)
	if open {
		slack = h.Platform.Skew.Abs()
	}
	switch {
	case u.Connections != len(counted):
		h.flunk("in %s %q has %d connections, and had %d: %+v", record.Session, u.User, u.Connections, len(counted), u)
	case u.Exact:
		Attended.Exact.Add(1)
		if (u.Present - truth).Abs() > slack {
			h.flunk("in %s %q was in for exactly %v, in truth %v: %+v", record.Session, u.User, u.Present, truth, u)
		}
	default:
		Attended.Bounds.Add(1)
		proven := together(h.spans(slices.DeleteFunc(slices.Clone(counted), func(a *attended) bool { return !a.heard }), now))
		most := truth + time.Duration(len(counted))*(maxLag+h.Platform.Skew.Abs())
		if u.Present > most || u.Present+slack < proven {
			h.flunk("in %s %q was in for at least %v, proven %v, in truth %v: %+v", record.Session, u.User, u.Present, proven, truth, u)
		}
	}
}

// during is a time from one moment to another.
type during struct{ from, to epoch.Instant }

// spans are the times of those people, as Vonage's clock has them.
func (h *history) spans(people []*attended, now epoch.Instant) []during {
	var all []during
	for _, a := range people {
		d := during{a.CameAt.Add(h.Platform.Skew), a.LeftAt.Add(h.Platform.Skew)}
		if a.LeftAt == 0 {
			d.to = max(now, d.from)
		}
		all = append(all, d)
	}
	return all
}

// together is for how long at least one of them was.
func together(spans []during) (sum time.Duration) {
	for _, d := range between(spans) {
		if slices.ContainsFunc(spans, func(s during) bool { return s.from <= d.from && d.to <= s.to }) {
			sum += d.to.Sub(d.from)
		}
	}
	return sum
}

// between are the times between two moments at which something changed.
func between(spans []during) (all []during) {
	var moments []epoch.Instant
	for _, s := range spans {
		moments = append(moments, s.from, s.to)
	}
	slices.Sort(moments)
	for i := 1; i < len(moments); i++ {
		all = append(all, during{moments[i-1], moments[i]})
	}
	return all
}

// checkTogether compares the time together, where all is known of all.
func (h *history) checkTogether(record attendance.Record, everyone map[string]*attended, now epoch.Instant) {
	Attended.Together.Add(1)
	l, lines, err := h.Log(record.Session)
	h.must(err)
	rule := l.Rules.At(record.StartedAt)
	roles := map[string]string{}
	for _, line := range lines {
		roles[line.Connection] = cmp.Or(line.Role, roles[line.Connection])
	}
	var people []*attended
	for _, a := range everyone {
		if a.counts && !a.observer {
			people = append(people, a)
		}
	}
	spans, want := h.spans(people, now), time.Duration(0)
	for _, d := range between(append(slices.Clone(spans), during{record.StartedAt, now})) {
		users, ofRole := map[string]bool{}, map[string]map[string]bool{}
		for i, s := range spans {
			if s.from <= d.from && d.to <= s.to {
				who := cmp.Or(people[i].user, "connection "+people[i].ID)
				users[who] = true
				role := roles[people[i].ID]
				if ofRole[role] == nil {
					ofRole[role] = map[string]bool{}
				}
				ofRole[role][who] = true
			}
		}
		count := map[string]int{}
		for role, in := range ofRole {
			count[role] = len(in)
		}
		if record.StartedAt <= d.from && d.to <= now && rule.Met(len(users), count) {
			want += d.to.Sub(d.from)
		}
	}
	if (record.Together - want).Abs() > h.Platform.Skew.Abs() {
		h.flunk("in %s they were together for %v, in truth %v: %+v", record.Session, record.Together, want, record)
	}
}

// checkLessons holds that the room lists each of its lessons once, the newest first.
func (h *history) checkLessons() {
	var page doorkeeper.LessonPage
	listed := map[string]bool{}
	last := epoch.Instant(1 << 60)
	for more := true; more; more = len(page.Lessons) > 0 {
		var err error
		page, err = h.Service.LessonsOf(context.Background(), h.name, page.Next, 2)
		h.must(err)
		for _, l := range page.Lessons {
			if listed[l.Session] || l.Created > last {
				h.flunk("%s is listed twice or after older lessons: %v", l.Session, listed)
			}
			listed[l.Session], last = true, l.Created
		}
	}
	for _, session := range h.sessions() {
		if l, err := h.Lesson(session); err == nil && !listed[l.Session] {
			h.flunk("%s is not listed among %v", session, slices.Sorted(maps.Keys(listed)))
		}
	}
}
