package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/lesson"
	"usher/pkg/problem"
	"usher/pkg/room"
)

// outcome is the whole state when the dust has settled, in words, apart from
// the moments at which Usher did things.
type outcome struct {
	facts []string       // one for the room and one for each of its lessons
	times []string       // when each lesson started and ends
	lines map[string]int // what the logs say, and how often
	late  time.Duration  // the longest that something decided was left undone
}

// outcome looks at everything there is, and holds room, platform and log
// against one another.
func (c *crash) outcome() outcome {
	c.t.Helper()
	o := outcome{lines: map[string]int{}}
	sessions := c.sessions()
	r, err := c.Store.Room(context.Background(), c.name)
	if err != nil && !errors.Is(err, room.ErrNoRoom) {
		c.t.Fatal(err)
	}
	o.facts = append(o.facts, fmt.Sprintf("room: exists %t, lesson %d of %d, closed %t, policy %s",
		err == nil, slices.Index(sessions, r.Session)+1, len(sessions), r.Closed != 0, r.Policy), c.banned())
	for i, session := range sessions {
		l, lines := c.log(session)
		for _, line := range lines {
			o.lines[said(i+1, line.Event, line.Connection, line.User, line.Action, line.Reason)]++
		}
		o.facts = append(o.facts, fmt.Sprintf("lesson: %s %s, seats %d, promised %d, in %v",
			l.Status, l.Outcome, l.Seats(), l.Promised(), c.Platform.In(session)))
		o.times = append(o.times, fmt.Sprintf("started %v, ends %v", l.StartedAt, l.Deadline()))
		c.agree(l)
		o.late = max(o.late, c.lateness(l, lines))
	}
	c.undecided()
	return o
}

// banned says who may not come into the room, in this lesson and those to come.
func (c *crash) banned() string {
	var users []string
	page, err := c.Service.Bans(context.Background(), c.name, "", 100)
	if p := (*problem.Details)(nil); err != nil && !errors.As(err, &p) {
		c.t.Fatal(err)
	}
	for _, b := range page.Bans {
		users = append(users, b.User)
	}
	return fmt.Sprintf("banned: %q", users)
}

// said is a line as it is compared: of the nth lesson, without its moments. A
// guest's name is new with each visit.
func said(lesson int, event, conn, user string, did journal.Action, why journal.Reason) string {
	if strings.HasPrefix(user, "guest-") {
		user = "guest"
	}
	return strings.Join([]string{fmt.Sprint(lesson), event, conn, user, string(did), string(why)}, "|")
}

// sessions gives those that became lessons, in the order of their making.
func (c *crash) sessions() []string {
	names := map[string]bool{}
	for _, s := range c.adopted {
		names[s] = true
	}
	for n := range c.Platform.Archived {
		names[c.Platform.made(n+1)] = true
	}
	var lessons []lesson.Lesson
	for s := range names {
		l, err := c.Lesson(s)
		if err == nil {
			lessons = append(lessons, l)
		} else if !errors.Is(err, room.ErrNoLesson) {
			c.t.Fatal(err)
		}
	}
	slices.SortFunc(lessons, func(a, b lesson.Lesson) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Session, b.Session))
	})
	sessions := make([]string, len(lessons))
	for i, l := range lessons {
		sessions[i] = l.Session
	}
	return sessions
}

// log loads a lesson that is there, and its lines.
func (c *crash) log(session string) (lesson.Lesson, []journal.Line) {
	l, lines, err := c.Log(session)
	if err != nil {
		c.t.Fatal(err)
	}
	return l, lines
}

// agree holds that room, platform and log say the same, and that nothing is
// left undone.
func (c *crash) agree(l lesson.Lesson) {
	c.t.Helper()
	if err := c.Agree(l.Session); err != nil {
		c.t.Error(err)
	}
	next := l.Outstanding(c.Now())
	next.Read = lesson.NoReading // that of the watch comes with the sweep
	if !next.Idle() || l.Due == 0 && next.NextAt != 0 || l.Due > next.NextAt && next.NextAt != 0 {
		c.t.Errorf("due is %+v, and Due stands at %d", next, l.Due)
	}
}

// lateness is how long after the decision the last of those told to go went,
// or the lesson ended after its deadline. Whoever is still there is a mistake.
func (c *crash) lateness(l lesson.Lesson, lines []journal.Line) time.Duration {
	var late time.Duration
	for _, line := range lines {
		if line.Connection == "" || line.Action != journal.DidRefuse && line.Action != journal.DidDisconnect {
			continue
		}
		p := c.Platform.Person(line.Connection)
		if p.LeftAt == 0 {
			c.t.Errorf("%s was told to go and is still there", line.Connection)
		}
		late = max(late, p.LeftAt.Sub(line.At))
	}
	if d := l.Deadline(); l.Outcome == journal.Completed && d != 0 {
		late = max(late, l.EndedAt.Sub(d))
	}
	return late
}

// undecided holds that nobody was asked to go without a line that says so.
func (c *crash) undecided() {
	since := map[string]epoch.Instant{}
	for _, session := range c.sessions() {
		_, lines := c.log(session)
		for _, line := range lines {
			if line.Action == journal.DidRefuse || line.Action == journal.DidDisconnect {
				since[session+" "+line.Connection] = line.At
			}
		}
	}
	for _, r := range c.Platform.Requests {
		if at, ok := since[r.Session+" "+r.Connection]; !ok || at > r.At {
			c.t.Errorf("%s was asked to go, and no line says so", r.Connection)
		}
	}
}

// patience is how much later than without a fault the last thing may be done:
// at once while the process goes on, when the webhook comes again and the list
// has been read after an outage, and within a sweep when the wakes are lost.
func (c *crash) patience() time.Duration {
	switch {
	case c.fault.at.then == goesOn:
		return 0
	case c.fault.at.then == away && !c.path.swept:
		return 10 * time.Second
	}
	return time.Minute + 10*time.Second
}

// compare holds a run with a fault against the one without.
func (c *crash) compare(want, got outcome) {
	c.t.Helper()
	if !slices.Equal(want.facts, got.facts) {
		c.t.Errorf("it came out as\n%s\nwithout the fault\n%s", strings.Join(got.facts, "\n"), strings.Join(want.facts, "\n"))
	}
	late := c.fault.at.then != goesOn
	if !slices.Equal(want.times, got.times) && !(c.path.moments && late) {
		c.t.Errorf("the times are %q, without the fault %q", got.times, want.times)
	}
	for _, line := range slices.Sorted(maps.Keys(union(want.lines, got.lines))) {
		more := got.lines[line] - want.lines[line]
		_, lawful := c.path.lawful[line]
		if more != 0 && !(lawful && late && (more == 1 || more == -1)) {
			c.t.Errorf("the log says %d times, not %d: %s", got.lines[line], want.lines[line], line)
		}
	}
	if limit := want.late + c.patience(); got.late > limit {
		c.t.Errorf("something was left undone for %v, at most %v", got.late, limit)
	}
	if c.t.Failed() {
		c.t.Log(c.story(c.sessions()))
	}
}

func union(a, b map[string]int) map[string]int {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
