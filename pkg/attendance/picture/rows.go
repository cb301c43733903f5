package picture

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/epoch"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// row is one person: a user, or a connection of somebody unknown; or all unknown people
// who were refused.
type row struct {
	user, role string
	observer   bool
	present    time.Duration
	exact      bool
	stays      []attendance.Stay
	streams    []stream
	marks      []mark

	lanes []int // of the stays: connections at the same time lie one below the other
	height,
	y float64
}

// stream is a stream that a connection of the row published.
type stream struct {
	attendance.Span
	connection string
	kind       policy.Kind
	bound      bool // no callback told of its end
}

// mark is something that was done about somebody.
type mark struct {
	at   epoch.Instant
	what string // "refused", "disconnected", "asked to stop"
	why  journal.Reason
	door bool // at join, before it connected
}

// moment is a moment of the whole lesson: a line through all rows.
type moment struct {
	at    epoch.Instant
	class string // of the line's style
	label string
	lane  int // of the label; -1: there is none left
}

// collector gathers the rows and moments of a lesson.
type collector struct {
	rows         []row
	ofConnection map[string]int // the row
	ofUser       map[string]int
	streams      map[string]*stream
	order        []string // of the streams
	lines        []moment
	ended        bool
}

// collect gives the rows, those who were in first, and the moments in order, and how many
// of these there are more.
func collect(l Lesson) (rows []row, lines []moment, more int) {
	c := &collector{ofConnection: map[string]int{}, ofUser: map[string]int{}, streams: map[string]*stream{}}
	for _, u := range l.Users {
		c.person(u)
	}
	c.moment(l.StartedAt, "start", "start "+clock(l.StartedAt, l.Zone))
	c.moment(l.EndedAt, "end", "end "+clock(l.EndedAt, l.Zone))
	if l.EndedAt == 0 && l.StartedAt != 0 {
		c.moment(l.At, "now", "now "+clock(l.At, l.Zone))
	}
	for _, line := range l.Log {
		c.read(line, l.Zone)
	}
	c.hangStreams()
	more = max(len(c.lines)-mostLines, 0)
	c.lines = c.lines[:len(c.lines)-more]
	slices.SortStableFunc(c.lines, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	return c.rows, c.lines, more
}

func (c *collector) person(u attendance.User) {
	i := len(c.rows)
	c.rows = append(c.rows, row{user: u.User, role: u.Role, observer: u.Observer, present: u.Present, exact: u.Exact, stays: u.Stays})
	for _, s := range u.Stays {
		c.ofConnection[s.Connection] = i
	}
	if _, there := c.ofUser[u.User]; u.User != "" && (!there || !u.Observer) {
		c.ofUser[u.User] = i
	}
}

func (c *collector) moment(at epoch.Instant, class, label string) {
	if at != 0 {
		c.lines = append(c.lines, moment{at: at, class: class, label: label})
	}
}

func (c *collector) read(line journal.Line, zone *time.Location) {
	at := cmp.Or(line.EventAt, line.At)
	switch line.Action {
	case journal.DidNothing:
		c.stream(line, at)
	case journal.DidRepair:
		if line.Note == journal.StreamStopped {
			c.stop(line.Stream, at, true)
		}
	case journal.DidRefuse:
		c.mark(line, mark{at: at, what: "refused", why: line.Reason, door: line.Event == journal.FromJoin})
	case journal.DidDisconnect:
		if !c.ended { // the end tells everybody to go
			c.mark(line, mark{at: line.At, what: "disconnected", why: line.Reason})
		}
	case journal.DidAskAway:
		c.mark(line, mark{at: line.At, what: "asked to stop", why: line.Reason})
	case journal.DidWarn:
		left, _ := line.Note.Warning()
		c.moment(line.At, "warning", "warned: "+span(left)+" left")
	case journal.DidExtend:
		c.moment(line.At, "extend", extension(line, zone))
	case journal.DidEnd:
		c.ended = true
	}
}

func extension(line journal.Line, zone *time.Location) string {
	by, said := line.Note.Extension()
	switch {
	case !said:
		return "end moved to " + clock(line.EventAt, zone)
	case by < 0:
		return "shortened by " + span(-by)
	}
	return "extended by " + span(by)
}

func (c *collector) stream(line journal.Line, at epoch.Instant) {
	switch line.Event {
	case journal.StreamCreated:
		s := c.streamOf(line)
		s.From = at
		if line.Note != journal.NotKept {
			s.kind = policy.Kind(line.Note)
		}
	case journal.StreamDestroyed:
		c.streamOf(line) // its beginning may be heard of later, or never
		c.stop(line.Stream, at, false)
	}
}

func (c *collector) streamOf(line journal.Line) *stream {
	s := c.streams[line.Stream]
	if s == nil {
		s = &stream{connection: line.Connection}
		c.streams[line.Stream] = s
		c.order = append(c.order, line.Stream)
	}
	return s
}

func (c *collector) stop(id string, at epoch.Instant, bound bool) {
	if s := c.streams[id]; s != nil && s.To == 0 {
		s.To, s.bound = at, bound
	}
}

// mark puts a mark into the row of whom the line speaks; who was never in gets a row of
// its own, and all unknown people one.
func (c *collector) mark(line journal.Line, m mark) {
	i, known := c.ofConnection[line.Connection]
	if known = known && line.Connection != ""; !known {
		i, known = c.ofUser[line.User]
	}
	if !known {
		i = len(c.rows)
		c.rows = append(c.rows, row{user: line.User, role: line.Role})
		c.ofUser[line.User] = i
	}
	c.rows[i].marks = append(c.rows[i].marks, m)
}

// hangStreams puts each stream into the row of its connection, for as long as that was
// in. Those of people who had no right to be in are not drawn.
func (c *collector) hangStreams() {
	for _, id := range c.order {
		s := *c.streams[id]
		i, known := c.ofConnection[s.connection]
		if !known {
			continue
		}
		r := &c.rows[i]
		stay := r.stays[r.stayOf(s.connection)]
		s.bound = s.bound || s.From == 0 || s.To == 0 && (stay.Bound || !stay.In && stay.To == 0)
		if s.To == 0 || s.To > stay.To {
			s.To = stay.To
		}
		if s.From = max(s.From, stay.From); s.To >= s.From {
			r.streams = append(r.streams, s)
		}
	}
}

// refused reports whether nobody of the row was ever in.
func (r *row) refused() bool { return len(r.stays) == 0 }

// name is what the row is called, in full.
func (r *row) name() string {
	switch {
	case r.user != "":
		return shown(r.user)
	case r.refused():
		return "unknown people"
	}
	return "unknown"
}

// remark is what stands beside the name.
func (r *row) remark() string {
	role := journal.Plain(r.role)
	switch {
	case r.refused() && r.user == "":
		return "not in"
	case r.refused() && role != "":
		return role + ", not in"
	case r.refused():
		return "not in"
	case r.observer && role != "" && role != "observer":
		return role + ", observer"
	case r.observer:
		return "observer"
	}
	return role
}

// sentence tells the row in words.
func (r *row) sentence(zone *time.Location) string {
	who := isolated(r.name())
	if remark := r.remark(); remark != "" {
		who += " (" + isolated(remark) + ")"
	}
	if r.refused() {
		return who
	}
	first, last := r.stays[0], r.stays[0].To
	for _, s := range r.stays {
		last = max(last, s.To)
	}
	text := fmt.Sprintf("%s: from %s to %s, in for %s%s", who, clock(first.From, zone), clock(last, zone), r.atLeast(), span(r.present))
	if n := len(r.stays); n > 1 {
		text += fmt.Sprintf(" by %d connections", n)
	}
	return text
}

func (r *row) atLeast() string {
	if r.exact {
		return ""
	}
	return "at least "
}
