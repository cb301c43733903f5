package picture

import (
	"time"

	"usher/pkg/epoch"
)

// steps are the distances of hours on the axis, of which the smallest is taken that
// leaves room for the labels.
var steps = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

const mostTicks = 12

// tick is a moment on the axis.
type tick struct {
	at    epoch.Instant
	label string
	day   bool // midnight
}

// ticks are the full hours, minutes or days of the axis, by the clock on the reader's
// wall: a change between winter and summer time moves them.
func (c *chart) ticks() []tick {
	all := c.extent.To.Sub(c.extent.From)
	for _, step := range steps {
		if all <= mostTicks*step {
			return c.hours(step)
		}
	}
	days := int(all/(24*time.Hour))/mostTicks + 1
	return c.days(days)
}

func (c *chart) hours(step time.Duration) (ticks []tick) {
	format := "15:04"
	if step < time.Minute {
		format = "15:04:05"
	}
	for at := c.onTheWall(c.extent.From, step); at <= c.extent.To; at = c.onTheWall(at+1, step) {
		t := at.Std().In(c.Zone)
		h, m, s := t.Clock()
		ticks = append(ticks, tick{at, t.Format(format), h == 0 && m == 0 && s == 0})
	}
	return ticks
}

// onTheWall is the first moment from at on whose time of day is a multiple of the step.
func (c *chart) onTheWall(at epoch.Instant, step time.Duration) epoch.Instant {
	for {
		_, offset := at.Std().In(c.Zone).Zone()
		wall := at.Add(time.Duration(offset) * time.Second)
		rest := wall.Sub(0) % step
		if rest == 0 {
			return at
		}
		next := at.Add(step - rest)
		_, then := next.Std().In(c.Zone).Zone()
		if then == offset {
			return next
		}
		at = c.change(at, next, offset) // the clocks are changed on the way
	}
}

// change is the first moment after from, up to to, with another offset.
func (c *chart) change(from, to epoch.Instant, offset int) epoch.Instant {
	for to-from > 1 {
		middle := from + (to-from)/2
		if _, o := middle.Std().In(c.Zone).Zone(); o == offset {
			from = middle
		} else {
			to = middle
		}
	}
	return to
}

func (c *chart) days(step int) (ticks []tick) {
	from := c.extent.From.Std().In(c.Zone)
	for day := 1; ; day += step {
		t := time.Date(from.Year(), from.Month(), from.Day()+day, 0, 0, 0, 0, c.Zone)
		if epoch.Of(t) > c.extent.To {
			return ticks
		}
		ticks = append(ticks, tick{epoch.Of(t), t.Format("2 Jan"), true})
	}
}
