package picture

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"usher/pkg/attendance"
	"usher/pkg/epoch"
)

// Lengths in pixels.
const (
	width      = 1200.0
	margin     = 16.0
	plotLeft   = 284.0
	plotRight  = 1090.0
	headHeight = 76.0 // without the lines of the summary
	lineHeight = 18.0
	labelLane  = 15.0
	axisHeight = 40.0 // of the days and hours

	barHeight    = 11.0
	streamHeight = 3.0
	laneHeight   = 22.0 // a connection, its camera and its screen
	rowAir       = 5.0

	nameColumns   = 21
	remarkColumns = 18
	lineLetters   = 150 // of the summary
	letter        = 6.4 // the mean width of one in a label
)

// mostLanes is how many connections of a person lie one below the other; more lie upon
// the last.
const mostLanes = 5

// layOut gives everything its place from above.
func (c *chart) layOut() {
	c.placeLabels()
	c.head = headHeight + lineHeight*float64(len(wrap(c.summary(), lineLetters)))
	c.top = c.head
	if c.extent.From != 0 {
		c.top += float64(c.labels)*labelLane + axisHeight
	}
	y := c.top
	for i := range c.rows {
		r := &c.rows[i]
		lanes := r.placeStays()
		r.y, r.height = y, 2*rowAir+float64(lanes)*laneHeight
		y += r.height
	}
	c.bottom = y
}

// placeStays gives each connection of the row a lane in which it is alone, and says how
// many lanes there are.
func (r *row) placeStays() int {
	var free []epoch.Instant // from when on a lane is
	r.lanes = make([]int, len(r.stays))
	for i, s := range r.stays {
		lane := slices.IndexFunc(free, func(at epoch.Instant) bool { return at <= s.From })
		switch {
		case lane >= 0:
		case len(free) < mostLanes:
			lane, free = len(free), append(free, 0)
		default:
			lane = mostLanes - 1
		}
		free[lane] = max(free[lane], s.To)
		r.lanes[i] = lane
	}
	return max(1, len(free))
}

// placeLabels gives each label of a line a lane in which it covers no other.
func (c *chart) placeLabels() {
	const lanes = 4
	var free [lanes]float64
	for i := range c.lines {
		m := &c.lines[i]
		half, x := m.half(), c.labelX(*m)
		lane := slices.IndexFunc(free[:], func(end float64) bool { return end <= x-half })
		if lane < 0 {
			m.lane = -1 // its line has a title
			continue
		}
		m.lane, free[lane] = lane, x+half+8
		c.labels = max(c.labels, lane+1)
	}
}

// labelX is the middle of a label: at its line, and not beyond the paper.
func (c *chart) labelX(m moment) float64 {
	return min(max(c.x(m.at), margin+m.half()), width-margin-m.half())
}

// half is half of the label's width.
func (m moment) half() float64 { return float64(utf8.RuneCountInString(m.label)) * letter / 2 }

// x is where a moment lies.
func (c *chart) x(at epoch.Instant) float64 {
	all := c.extent.To.Sub(c.extent.From)
	if all == 0 {
		return plotLeft
	}
	share := float64(at.Sub(c.extent.From)) / float64(all)
	return plotLeft + min(max(share, 0), 1)*(plotRight-plotLeft)
}

// reach is where a time begins and how wide it is: never nothing.
func (c *chart) reach(s attendance.Span) (x, wide float64) {
	x = c.x(s.From)
	return x, max(c.x(s.To)-x, 1.5)
}

// stayOf is the place of the connection among the row's stays.
func (r *row) stayOf(connection string) int {
	return slices.IndexFunc(r.stays, func(s attendance.Stay) bool { return s.Connection == connection })
}

// laneAt is the lane of who was in at that moment.
func (r *row) laneAt(at epoch.Instant) int {
	i := slices.IndexFunc(r.stays, func(s attendance.Stay) bool { return s.From <= at && at <= s.To })
	if i < 0 {
		return 0
	}
	return r.lanes[i]
}

// byPlace sorts marks.
func byPlace(a, b mark) int { return cmp.Compare(a.at, b.at) }
