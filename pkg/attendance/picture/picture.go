// Package picture draws the record of a lesson: a row for each person with a bar for each
// connection, from its coming to its going, and lines for the start, the warnings and the
// end. It is what an operator keeps, or sends to somebody who complains.
//
// The picture is one SVG that stands alone: its style is in it, it refers to nothing and
// runs nothing, and other people's text is text in it, whatever it says. It is bounded:
// beyond so many rows and shapes it says how much it leaves out.
//
// It computes from values: who was in is package attendance's, what happened beside that
// is told by the log. Begin with Draw; rows.go says what is drawn, svg.go how.
package picture

import (
	"cmp"
	"io"
	"time"

	"usher/pkg/attendance"
	"usher/pkg/epoch"
	"usher/pkg/journal"
)

// Bounds of a picture. One of 250 rows has 6,000 shapes of 300 bytes at most, which is
// less than what a function may answer (6 MB).
const (
	mostRows        = 250
	mostShapes      = 6000
	mostShapesOfRow = 120
	mostLines       = 120 // of the start, the end, warnings and extensions
)

// Lesson is what is drawn.
type Lesson struct {
	attendance.Record
	Log  []journal.Line // from its first line on; streams, refusals and warnings stand there alone
	Cut  bool           // the log has more lines than these
	Zone *time.Location // whose hours are written
}

// Draw writes the picture as an SVG document. An error is the writer's.
func Draw(w io.Writer, l Lesson) error {
	c := newChart(l)
	s := &svg{w: w}
	c.open(s)
	c.heading(s)
	c.axis(s)
	c.pauses(s)
	for i := range c.rows {
		c.row(s, &c.rows[i])
	}
	c.moments(s)
	c.legend(s)
	s.put("</svg>\n")
	return s.err
}

// chart is a lesson on its way to the paper: what is drawn, and where.
type chart struct {
	Lesson
	rows   []row
	lines  []moment
	extent attendance.Span // of the time axis; zero where nothing happened
	shapes int             // how many may still be drawn

	omitted struct{ rows, shapes, marks, lines int }

	labels            int // lanes of labels above the axis
	head, top, bottom float64
}

func newChart(l Lesson) *chart {
	c := &chart{Lesson: l, shapes: mostShapes}
	c.rows, c.lines, c.omitted.lines = collect(l)
	c.setExtent()
	c.dropOutside()
	if n := len(c.rows) - mostRows; n > 0 {
		c.rows, c.omitted.rows = c.rows[:mostRows], n
	}
	c.layOut()
	return c
}

// setExtent finds from when to when the axis goes: over all who were in, the start and the
// end, with a little air. Of a lesson in which nobody was it goes over what was refused.
func (c *chart) setExtent() {
	var e attendance.Span
	reach := func(from, to epoch.Instant) {
		if from != 0 {
			e.From, e.To = min(cmp.Or(e.From, from), from), max(e.To, to)
		}
	}
	for _, r := range c.rows {
		for _, s := range r.stays {
			reach(s.From, s.To)
		}
	}
	reach(c.StartedAt, c.StartedAt)
	if e.From != 0 {
		reach(c.EndedAt, c.EndedAt)
		if c.EndedAt == 0 {
			reach(c.At, c.At)
		}
	} else {
		for _, r := range c.rows {
			for _, m := range r.marks {
				reach(m.at, m.at)
			}
		}
		reach(c.EndedAt, c.EndedAt)
	}
	if e.From != 0 {
		air := max(e.To.Sub(e.From)/40, 2*time.Second)
		c.extent = attendance.Span{From: e.From.Add(-air), To: e.To.Add(air)}
	}
}

// dropOutside leaves out what happened before or after the axis: refusals of people who
// came days later would make it unreadable.
func (c *chart) dropOutside() {
	rows := c.rows[:0]
	for _, r := range c.rows {
		marks := r.marks[:0]
		for _, m := range r.marks {
			if m.at >= c.extent.From && m.at <= c.extent.To {
				marks = append(marks, m)
			}
		}
		c.omitted.marks += len(r.marks) - len(marks)
		if r.marks = marks; len(r.stays)+len(marks) > 0 {
			rows = append(rows, r)
		}
	}
	c.rows = rows
}

// take asks for a shape of the row; false where there are too many.
func (c *chart) take(drawn *int) bool {
	if *drawn >= mostShapesOfRow || c.shapes == 0 {
		c.omitted.shapes++
		return false
	}
	*drawn++
	c.shapes--
	return true
}
