package simulation

import (
	"maps"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
)

// maxLag is how late the list may be.
const maxLag = 5 * time.Second

// check holds what must be true at every moment.
func (h *History) check() {
	for _, session := range h.sessions() {
		l, err := h.Lesson(session)
		if err != nil {
			continue
		}
		h.checkReadings(session)
		h.checkSeats(l)
		lines := h.lines(session)
		h.checkNumbers(lines)
		for _, line := range lines[h.checked[session]:] {
			h.judge(l, lines, line)
		}
		h.checked[session] = len(lines)
		h.checkFold(l, lines)
	}
}

// checkReadings: at most one reading of a session's list begins in a second.
func (h *History) checkReadings(session string) {
	at := h.Platform.Readings[session]
	for i := 1; i < len(at); i++ {
		if at[i] < at[i-1].Add(time.Second) {
			h.flunk("the list of %s was read twice within %d ms", session, at[i]-at[i-1])
		}
	}
}

// checkSeats: no committed state has more seats than the largest cap since the
// seats were given.
func (h *History) checkSeats(l lesson.Lesson) {
	limit := l.Policy.MaxSeats()
	for _, c := range h.caps {
		if c.cap == 0 {
			return // it was without a cap once, and those who came then may stay
		}
		limit = max(limit, c.cap)
	}
	if n := l.Seats() + l.Promised(); n > limit {
		h.flunk("%d seats of %d", n, limit)
	}
}

func (h *History) checkNumbers(lines []journal.Line) {
	for i, line := range lines {
		if line.Seq != int64(i)+1 {
			h.flunk("line %d of the log has the number %d", i+1, line.Seq)
		}
	}
}

// checkFold: the log adds up to the state.
func (h *History) checkFold(l lesson.Lesson, lines []journal.Line) {
	log, state := journal.Fold(lines), l.Logged()
	switch {
	case log.Status != state.Status, log.Outcome != state.Outcome, log.StartedAt != state.StartedAt, log.Deadline != state.Deadline:
		h.flunk("the log says %s %s %d %d, the state %s %s %d %d", log.Status, log.Outcome, log.StartedAt-Epoch, log.Deadline-Epoch, state.Status, state.Outcome, state.StartedAt-Epoch, state.Deadline-Epoch)
	case !maps.Equal(log.Seated, state.Seated):
		h.flunk("seated by the log: %v, by the state: %v", keys(log.Seated), keys(state.Seated))
	case !maps.Equal(log.Waiting, state.Waiting):
		h.flunk("waiting by the log: %v, by the state: %v", keys(log.Waiting), keys(state.Waiting))
	}
}

func keys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// judge holds a decision against the truth: nobody is told that the room is
// full unless it is full of people who came earlier, were in when this one
// came and were not themselves refused, and of promises given before its
// webhook was handled.
func (h *History) judge(l lesson.Lesson, lines []journal.Line, line journal.Line) {
	if line.Reason != journal.RoomFull || line.Connection == "" {
		return
	}
	x := h.Platform.people[line.Connection]
	limit := h.capAt(l.Session, line.At)
	claims := h.earlier(l, x, lines, line) + promises(l, lines, line)
	if h.waitedAMinute(x, lines, line) {
		return
	}
	if limit == 0 || claims < limit {
		h.flunk("%s was told at %.3f s that the room is full, with %d better claims on %d seats", x.ID, float64(line.At-Epoch)/1000, claims, limit)
	}
}

// waitedAMinute reports whether x had waited for a minute and at least as many
// others were in as there are seats: the one exception.
func (h *History) waitedAMinute(x *Person, lines []journal.Line, line journal.Line) bool {
	var since epoch.Instant
	for _, l := range lines[:line.Seq-1] {
		waits := l.Action == journal.DidWait || l.Action == journal.DidRepair && l.Note == journal.ShownAgain
		if l.Connection == x.ID && waits && since == 0 {
			since = l.At
		}
	}
	others := 0
	for _, p := range h.Platform.people {
		if p.ID != x.ID && p.Session == x.Session && p.CameAt <= line.At && (p.LeftAt == 0 || p.LeftAt.Add(maxLag) >= line.At) {
			others++
		}
	}
	return since != 0 && line.At >= since.Add(time.Minute) && others >= h.capAt(x.Session, line.At)
}

// capAt is the largest cap that was in force at that moment.
func (h *History) capAt(session string, at epoch.Instant) int {
	limit := 0
	for _, c := range h.caps {
		if c.at <= at {
			limit = c.cap
		}
	}
	return limit
}

// earlier counts the connections that came before x, were in when it came and
// were not told to go, and the users whose earlier connection made room for
// another one of theirs. Who holds a promise is counted by that.
func (h *History) earlier(l lesson.Lesson, x *Person, lines []journal.Line, line journal.Line) int {
	users, told, back := map[string]string{}, map[string]journal.Reason{}, map[string]epoch.Instant{}
	for _, l := range lines[:line.Seq-1] {
		if l.Connection != "" && l.User != "" {
			users[l.Connection] = l.User
		}
		if l.Action == journal.DidRepair && (l.Note == journal.ShownAgain || l.Note == journal.ShownAgainUnheard) {
			back[l.Connection] = l.At // a newcomer since then
		}
		if l.Action == journal.DidRefuse || l.Action == journal.DidDisconnect {
			told[l.Connection] = l.Reason
		}
	}
	promised := map[string]bool{}
	for _, p := range l.Promises {
		promised[p.Used] = true
	}
	n := 0
	replaced := map[string]bool{}
	for _, p := range h.Platform.people {
		came, other := max(x.CameAt, back[x.ID]), max(p.CameAt, back[p.ID])
		before := other < came || other == came && p.ID < x.ID
		if p.Session != x.Session || !before || p.LeftAt != 0 && p.LeftAt.Add(maxLag) <= came || promised[p.ID] {
			continue
		}
		switch told[p.ID] {
		case "":
			n++
		case journal.DuplicateUser:
			replaced[users[p.ID]] = true
		}
	}
	return n + len(replaced)
}

// promises counts the promises given before the decision, open ones and those
// whose connection came.
func promises(l lesson.Lesson, lines []journal.Line, line journal.Line) int {
	lapsed := map[string]epoch.Instant{}
	for _, earlier := range lines[:line.Seq-1] {
		if earlier.Action == journal.DidRepair && earlier.Connection == "" {
			lapsed[earlier.User] = earlier.At
		}
	}
	n := 0
	for _, p := range l.Promises {
		if p.GivenAt <= line.At && (p.Used != "" || !p.Released || lapsed[p.User] < p.GivenAt) {
			n++
		}
	}
	return n
}

// agree holds that room, platform and log say the same when the dust settles.
func (h *History) agree() {
	for _, session := range h.sessions() {
		l, err := h.Lesson(session)
		if err != nil {
			continue
		}
		in := slices.DeleteFunc(h.Platform.In(session), func(id string) bool {
			_, heard := l.Conns[id]
			return !heard && l.WatchAt == 0 // came to a session that nobody looks at any more, and no webhook told
		})
		state := l.Logged()
		known := map[string]bool{}
		maps.Copy(known, state.Seated)
		maps.Copy(known, state.Waiting)
		if !slices.Equal(in, keys(known)) {
			h.flunk("in %s are in truth %v, the room knows of %v (%s)", session, in, keys(known), l.Status)
		}
		if limit := l.Policy.MaxSeats(); len(state.Waiting) > 0 && (limit == 0 || l.Seats()+l.Promised() < limit) {
			h.flunk("%v wait although there are seats", keys(state.Waiting))
		}
		for id, c := range l.Conns {
			if c.Unlogged || c.RetryAt != 0 {
				h.flunk("something about %s is left undone: %+v", id, c)
			}
		}
	}
}
