package simulation

import (
	"errors"
	"slices"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/room"
)

// maxLag is how late the list may be.
const maxLag = 5 * time.Second

// check holds what must be true at every moment.
func (h *history) check() {
	for _, session := range h.sessions() {
		l, lines, err := h.Log(session)
		if errors.Is(err, room.ErrNoLesson) {
			continue
		}
		h.must(err)
		h.checkReadings(session)
		h.checkSeats(l)
		h.checkRoles(l)
		h.must(h.consistent(l, lines))
		for _, line := range lines[h.checked[session]:] {
			h.judge(l, lines, line)
		}
		h.checked[session] = len(lines)
	}
}

func (h *history) must(err error) {
	if err != nil {
		h.flunk("%v", err)
	}
}

// checkReadings: at most one reading of a session's list begins in a second.
func (h *history) checkReadings(session string) {
	at := h.Platform.Readings[session]
	for i := 1; i < len(at); i++ {
		if at[i] < at[i-1].Add(time.Second) {
			h.flunk("the list of %s was read twice within %d ms", session, at[i]-at[i-1])
		}
	}
}

// checkSeats: no committed state has more seats than the largest cap since the
// seats were given.
func (h *history) checkSeats(l lesson.Lesson) {
	limit := l.Policy.MaxSeats()
	for _, r := range h.ruled {
		if r.MaxSeats() == 0 {
			return // it was without a cap once, and those who came then may stay
		}
		limit = max(limit, r.MaxSeats())
	}
	if n := l.Seats() + l.Promised(); n > limit {
		h.flunk("%d seats of %d", n, limit)
	}
}

// judge holds a decision against the truth: nobody is told that the room is
// full unless it is full of people who came earlier, were in when this one
// came and were not themselves refused, and of promises given before its
// webhook was handled.
func (h *history) judge(l lesson.Lesson, lines []journal.Line, line journal.Line) {
	h.judgeDoor(lines, line)
	if line.Reason != journal.RoomFull || line.Connection == "" {
		return
	}
	x := h.Platform.Person(line.Connection)
	p := policyOf(lines, line)
	if h.waitedAMinute(l, x, lines, line) {
		return
	}
	anyone := func(string) bool { return true }
	its := func(role string) bool { return role == line.Role }
	all := h.earlier(l, x, lines, line, anyone) + promises(l, lines, line, anyone)
	ofRole := h.earlier(l, x, lines, line, its) + promises(l, lines, line, its)
	full := p.MaxSeats() > 0 && all >= p.MaxSeats() || p.SeatsOf(line.Role) > 0 && ofRole >= p.SeatsOf(line.Role)
	if !full {
		h.flunk("%s (%q) was told at %s that the room is full, with %d better rights, %d of its role, by %s", x.ID, line.Role, clocked(line.At), all, ofRole, p)
	}
}

// waitedAMinute reports whether x had waited for a minute and the seats were taken
// by others who were in, and promises: the one exception. Who was heard of waits from
// then on; its line may follow later, with the first reading.
func (h *history) waitedAMinute(l lesson.Lesson, x *Person, lines []journal.Line, line journal.Line) bool {
	var since epoch.Instant
	for _, said := range lines[:line.Seq-1] {
		waits := said.Action == journal.DidWait || said.Action == journal.DidRepair && said.Note == journal.ShownAgain
		if said.Connection == x.ID && waits && since == 0 {
			since = said.At
		}
	}
	if c := l.Conns[x.ID]; since != 0 && c.BackAt == 0 && c.HeardAt >= x.CameAt {
		since = min(since, c.HeardAt)
	}
	others := promises(l, lines, line, func(string) bool { return true })
	for _, p := range h.Platform.People(x.Session) {
		if p.ID != x.ID && p.CameAt <= line.At && (p.LeftAt == 0 || p.LeftAt.Add(maxLag) >= line.At) {
			others++
		}
	}
	p := policyOf(lines, line)
	full := p.MaxSeats() > 0 && others >= p.MaxSeats() || p.SeatsOf(line.Role) > 0 && others >= p.SeatsOf(line.Role)
	return since != 0 && line.At >= since.Add(time.Minute) && full
}

// earlier counts the connections that came before x, were in when it came and
// were not told to go, and the users whose earlier connection made room for
// another one of theirs. Who holds a promise is counted by that, once it is known; who
// is not heard of may have any role.
func (h *history) earlier(l lesson.Lesson, x *Person, lines []journal.Line, line journal.Line, role func(string) bool) int {
	users, sentAway, back := map[string]string{}, map[string]journal.Reason{}, map[string]epoch.Instant{}
	apart, heard := map[string]bool{}, map[string]bool{} // apart: observers, and people of other roles
	for _, l := range lines[:line.Seq-1] {
		heard[l.Connection] = heard[l.Connection] || l.Event == journal.ConnectionCreated || l.User != ""
		if l.Connection != "" && l.User != "" {
			users[l.Connection] = l.User
		}
		if l.Event == journal.ConnectionCreated && l.Connection != "" && !role(l.Role) || l.Note == journal.AsObserver {
			apart[l.Connection] = true
		}
		if l.Action == journal.DidRepair && (l.Note == journal.ShownAgain || l.Note == journal.ShownAgainUnheard) {
			back[l.Connection] = l.At // a newcomer since then
		}
		if l.Action == journal.DidRefuse || l.Action == journal.DidDisconnect {
			sentAway[l.Connection] = l.Reason
		}
	}
	promised := map[string]bool{}
	for _, p := range l.Promises {
		if !p.Observer && heard[p.Used] {
			promised[p.Used] = true
		}
	}
	n := 0
	replaced := map[string]bool{}
	for _, p := range h.Platform.People(x.Session) {
		came, other := max(x.CameAt, back[x.ID]), max(p.CameAt, back[p.ID])
		before := other < came || other == came && p.ID < x.ID || h.Platform.Skew != 0 && other <= came.Add(maxLag)
		if !before || p.LeftAt != 0 && p.LeftAt.Add(maxLag) <= came || promised[p.ID] || apart[p.ID] {
			continue
		}
		switch sentAway[p.ID] {
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
func promises(l lesson.Lesson, lines []journal.Line, line journal.Line, role func(string) bool) int {
	lapsed := map[string]epoch.Instant{}
	for _, earlier := range lines[:line.Seq-1] {
		if earlier.Action == journal.DidRepair && earlier.Connection == "" {
			lapsed[earlier.User] = earlier.At
		}
	}
	n := 0
	for _, p := range l.Promises {
		if !p.Observer && role(p.Role) && p.GivenAt <= line.At && (p.Used != "" || !p.Released || lapsed[p.User] < p.GivenAt) {
			n++
		}
	}
	return n
}

// agree holds that room, platform and log say the same when the dust settles.
func (h *history) agree() {
	for _, session := range h.sessions() {
		l, err := h.Lesson(session)
		if err != nil {
			continue
		}
		h.must(h.settled(l, slices.DeleteFunc(h.Platform.In(session), func(id string) bool {
			_, heard := l.Conns[id]
			return !heard && l.WatchAt == 0 // came to a session that nobody looks at any more, and no webhook told
		})))
		h.obeyed(l)
		for id := range l.Logged().Waiting {
			limit, gate := l.Policy.MaxSeats(), l.Gate().Roles[l.Conns[id].Role]
			if (limit == 0 || l.Seats()+l.Promised() < limit) && (gate.Limit == 0 || gate.Live < gate.Limit) {
				h.flunk("%s waits although there are seats", id)
			}
		}
	}
}
