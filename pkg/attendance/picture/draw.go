package picture

import (
	"slices"

	"usher/pkg/attendance"
	"usher/pkg/journal"
	"usher/pkg/policy"
)

// open begins the document. Whoever reads it aloud is told the title and the summary; as
// a table the record comes as JSON or CSV.
func (c *chart) open(s *svg) {
	height := c.bottom + 42 + 18*float64(len(c.notes()))
	s.putf(`<svg xmlns="http://www.w3.org/2000/svg" width="%.5g" height="%.5g" viewBox="0 0 %.5g %.5g" role="img" aria-labelledby="usher-title usher-desc">`,
		width, height, width, height)
	s.put("\n" + `<title id="usher-title">` + escape(c.title()) + "</title>\n")
	s.put(`<desc id="usher-desc">` + escape(c.place()+". "+c.summary()) + "</desc>\n")
	s.put("<style>" + Style + "</style>\n")
	s.putf(`<rect width="%.5g" height="%.5g" class="bg"/>`+"\n", width, height)
}

func (c *chart) heading(s *svg) {
	s.text(margin, 34, "h1", "Attendance of the room "+clip(shown(c.Room), 64))
	y := 57.0
	for _, line := range wrap(c.summary(), lineLetters) {
		s.text(margin, y, "", line)
		y += lineHeight
	}
	s.text(margin, y+2, "muted", c.place())
	if c.extent.From == 0 {
		s.text(width-margin, 34, "muted end-of-line", "Nothing happened.")
	}
}

// axis draws the hours, and the day where one begins.
func (c *chart) axis(s *svg) {
	if c.extent.From == 0 {
		return
	}
	y := c.top - 8
	dayY, last := c.top-24, plotLeft
	ticks := c.ticks()
	first := c.extent.From.Std().In(c.Zone).Format("Mon 2 Jan")
	midnight := slices.IndexFunc(ticks, func(t tick) bool { return t.day })
	if midnight >= 0 && c.x(ticks[midnight].at) < plotLeft+70 {
		s.text(c.x(ticks[midnight].at)-6, dayY, "small muted end-of-line", first)
	} else {
		s.text(plotLeft, dayY, "small muted", first)
		last += 70
	}
	for _, t := range ticks {
		x, class := c.x(t.at), "grid"
		if t.day {
			class = "day"
			if x >= last {
				s.text(x+3, dayY, "small muted", t.at.Std().In(c.Zone).Format("Mon 2 Jan"))
				last = x + 70
			}
		}
		s.putf(`<path d="M%.5g %.5gV%.5g" class="%s"/>`+"\n", x, c.top-4, c.bottom, class)
		s.text(x, y, "small muted middle", t.label)
	}
	s.text(width-margin, y, "small muted end-of-line", "in for")
}

// pauses shades when the clock stood still.
func (c *chart) pauses(s *svg) {
	drawn := 0
	for _, p := range c.Pauses {
		if !c.take(&drawn) {
			continue
		}
		x, wide := c.reach(p)
		s.rect(x, c.top-4, wide, c.bottom-c.top+4, "pause",
			"the clock stood still from "+clock(p.From, c.Zone)+" to "+clock(p.To, c.Zone)+", for "+span(p.To.Sub(p.From)))
	}
}

// row draws a person.
func (c *chart) row(s *svg, r *row) {
	s.put("<g>")
	s.title(r.sentence(c.Zone))
	s.put("\n")
	s.putf(`<path d="M%.5g %.5gH%.5g" class="rule"/>`+"\n", margin, r.y, width-margin)
	base := r.y + rowAir + 13
	class := "name"
	if r.user == "" || r.refused() {
		class += " nobody"
	}
	s.text(margin, base, class, clip(r.name(), nameColumns))
	s.text(plotLeft-10, base, "small muted end-of-line", clip(r.remark(), remarkColumns))
	if !r.refused() {
		text := span(r.present)
		if !r.exact {
			text = "≥ " + text
		}
		s.text(width-margin, base, "small end-of-line", text)
	}
	drawn := 0
	for i := range r.stays {
		c.stay(s, r, i, &drawn)
	}
	for _, st := range r.streams {
		c.stream(s, r, st, &drawn)
	}
	slices.SortStableFunc(r.marks, byPlace)
	for _, m := range r.marks {
		c.mark(s, r, m, &drawn)
	}
	s.put("</g>\n")
}

func (c *chart) stay(s *svg, r *row, i int, drawn *int) {
	if !c.take(drawn) {
		return
	}
	stay := r.stays[i]
	class, title := "in", "in from "
	if r.observer {
		class = "observer"
	}
	title += clock(stay.From, c.Zone) + " to " + clock(stay.To, c.Zone)
	if stay.In {
		title = "in since " + clock(stay.From, c.Zone)
	}
	if stay.Bound {
		class += " bound"
		title += ", at least: not all of it was told by a callback"
	}
	x, wide := c.reach(stay.Span)
	s.rect(x, r.laneY(i), wide, barHeight, class, title)
}

func (r *row) laneY(stay int) float64 {
	return r.y + rowAir + 2 + float64(r.lanes[stay])*laneHeight
}

func (c *chart) stream(s *svg, r *row, st stream, drawn *int) {
	if !c.take(drawn) {
		return
	}
	y, class := r.laneY(r.stayOf(st.connection))+barHeight+1.5, "camera"
	if shares(st.kind) {
		y, class = y+streamHeight+1, "screen"
	}
	kind := string(st.kind)
	if kind == "" {
		kind = "a stream"
	}
	title := journal.Plain(kind) + " from " + clock(st.From, c.Zone) + " to " + clock(st.To, c.Zone)
	if st.bound {
		class += " loose"
		title += ", as far as it is known"
	}
	x, wide := c.reach(st.Span)
	s.rect(x, y, wide, streamHeight, class, title)
}

// shares reports whether a stream of the kind shows more than a person.
func shares(k policy.Kind) bool { return k == policy.Screen || k == policy.Custom }

// mark draws a cross.
func (c *chart) mark(s *svg, r *row, m mark, drawn *int) {
	if !c.take(drawn) {
		return
	}
	x := c.x(m.at)
	y := r.y + rowAir + 2 + float64(r.laneAt(m.at))*laneHeight + barHeight/2
	s.put(`<g class="mark">`)
	s.title(m.sentence(c.Zone))
	const cross = `<path d="M%.5g %.5gl9 9m0 -9l-9 9"`
	s.putf(cross+` class="halo"/>`, x-4.5, y-4.5)
	s.putf(cross+"/></g>\n", x-4.5, y-4.5)
}

// moments draws the lines of the start, the warnings and the end, and their labels.
func (c *chart) moments(s *svg) {
	for _, m := range c.lines {
		x := c.x(m.at)
		if m.at < c.extent.From || m.at > c.extent.To {
			continue
		}
		y := c.head + float64(m.lane)*labelLane + 10
		s.put("<g>")
		s.title(m.label)
		s.putf(`<path d="M%.5g %.5gV%.5g" class="line %s"/>`, x, c.top-4, c.bottom, m.class)
		if m.lane >= 0 {
			s.text(c.labelX(m), y, "small middle of-"+m.class, m.label)
		}
		s.put("</g>\n")
	}
}

// legend says what the signs mean, of those that are there, and what is left out.
func (c *chart) legend(s *svg) {
	y, x := c.bottom+22, margin
	for _, sign := range c.signs() {
		switch sign.class {
		case "mark":
			s.putf(`<path d="M%.5g %.5gl9 9m0 -9l-9 9" class="mark"/>`, x+6, y-8.5)
		default:
			s.putf(`<rect x="%.5g" y="%.5g" width="22" height="%.5g" class="%s"/>`, x, y-4-sign.height/2, sign.height, sign.class)
		}
		s.text(x+28, y, "small muted", sign.says)
		x += 28 + float64(len(sign.says))*letter + 14
	}
	for _, note := range c.notes() {
		y += 18
		s.text(margin, y, "small muted", note)
	}
}

type sign struct {
	class, says string
	height      float64
}

func (c *chart) signs() []sign {
	has := map[string]bool{"pause": len(c.Pauses) > 0}
	for _, r := range c.rows {
		has["in"] = has["in"] || !r.observer && !r.refused()
		has["observer"] = has["observer"] || r.observer && !r.refused()
		has["mark"] = has["mark"] || len(r.marks) > 0
		has["in bound"] = has["in bound"] || slices.ContainsFunc(r.stays, func(s attendance.Stay) bool { return s.Bound })
		for _, st := range r.streams {
			has["screen"] = has["screen"] || shares(st.kind)
			has["camera"] = has["camera"] || !shares(st.kind)
		}
	}
	all := []sign{
		{"in", "connected", barHeight},
		{"observer", "observer", barHeight},
		{"in bound", "at least so long: a time is a bound", barHeight},
		{"camera", "camera or sound", streamHeight},
		{"screen", "screen or other stream", streamHeight},
		{"pause", "the clock stood still", barHeight},
		{"mark", "refused, or told to go or to stop", barHeight},
	}
	return slices.DeleteFunc(all, func(s sign) bool { return !has[s.class] })
}
